import { openLmdbStateStore } from '../adapters/lmdb/lmdb-state-store.ts'
import { createMemoryStateStore } from '../adapters/memory/memory-state-store.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { openSegmentLog } from '../adapters/segments/segment-log.ts'
import type { FolderOwner } from '../disk/folder-lock.ts'
import type { ServingStorage } from '../pipelines/service/serving-storage.ts'

const MEBIBYTE = 1 << 20

/** Opens states and logs as the settings of serving name them. */
export const createServingStorage = (owner: FolderOwner): ServingStorage => ({
  openStates: async ({ kind, path, url, prefix }) => {
    switch (kind) {
      case 'memory':
        return { kind: 'owned', name: 'memory', store: createMemoryStateStore() }
      case 'lmdb': {
        const store = await openLmdbStateStore({ folder: path, owner })
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
    openSegmentLog({ folder: path, owner, durability, segmentBytes: segment_size * MEBIBYTE }),
  readLog: openLogReader,
})
