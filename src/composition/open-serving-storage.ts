import { openLmdbStateStore } from '../adapters/lmdb/lmdb-state-store.ts'
import { createMemoryStateStore } from '../adapters/memory/memory-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { openSegmentLog } from '../adapters/segments/segment-log.ts'
import { type FolderOwner, type SeenBeat, watchFolder } from '../disk/folder-lock.ts'
import type { ServingStorage } from '../pipelines/service/serving-storage.ts'

const MEBIBYTE = 1 << 20

/** Opens states and logs as the settings of serving name them. */
export const createServingStorage = (owner: FolderOwner): ServingStorage => {
  let onLost: (error: Error) => void = () => undefined
  const lost = new Promise<Error>((resolve) => {
    onLost = resolve
  })
  const seen = new Map<string, SeenBeat | undefined>()
  return {
    lost,
    watchLog: ({ path }) => {
      seen.set(path, watchFolder(path, owner))
    },
    openStates: async ({ kind, path, url, prefix }) => {
      switch (kind) {
        case 'memory':
          return { kind: 'owned', name: 'memory', store: createMemoryStateStore() }
        case 'lmdb': {
          const store = await openLmdbStateStore({ folder: path, owner, onLost })
          return { kind: 'owned', name: `lmdb in ${path}`, store }
        }
        case 'redis': {
          // Loaded when it is used: a server with states of its own starts sooner without it.
          const { openRedisStateStore } = await import('../adapters/redis/redis-state-store.ts')
          const consumer = `${owner.host}-${owner.processId}`
          const store = await openRedisStateStore({ url, prefix, consumer })
          return { kind: 'shared', name: 'redis', store, persistence: store.persistence }
        }
      }
    },
    openLog: ({ path, durability, segment_size }) =>
      openSegmentLog({
        folder: path,
        owner,
        durability,
        segmentBytes: segment_size * MEBIBYTE,
        onLost,
        seen: seen.get(path),
      }),
    readLog: openLogReader,
  }
}
