import { mkdir, readdir, stat, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join } from 'node:path'
import type { ServingSettings } from '../config/serving-config.ts'
import { BESIDE_CACHE_MIB, cacheSizeIn } from '../decisions/owned/cache-size.ts'
import { type LookMemory, lookMemoryIn, lookSpillIn } from '../monitoring/look-room.ts'
import { logsOf } from '../monitoring/look-settings.ts'
import { privateBytes, processMemory } from './process-memory.ts'

/** What a look may take of this machine. */
export interface LookRoom extends LookMemory {
  /** Bytes that it may write to the disk while it sorts. */
  readonly spillBytes: number
}

/**
 * What a look may take of this machine now beside the server that this process is.
 *
 * @throws MONITORING_MEMORY_SHORT, MONITORING_DISK_SHORT
 */
export const lookRoomNow = async (settings: ServingSettings): Promise<LookRoom> => {
  const { keep_free, path } = settings.monitoring
  return {
    ...lookMemoryBeside(settings),
    spillBytes: lookSpillIn(keep_free, {
      folder: path,
      freeBytes: await freeBytesOf(path),
      unarchivedBytes: await unarchivedBytesOf(logsOf(settings)),
    }),
  }
}

const MEBIBYTE = 1 << 20

/** @throws MONITORING_MEMORY_SHORT */
export const lookMemoryBeside = ({
  state_store,
  monitoring,
}: Pick<ServingSettings, 'state_store' | 'monitoring'>): LookMemory => {
  const memory = processMemory()
  const cacheMiB = state_store.kind === 'lmdb' ? cacheSizeIn(state_store, memory) : 0
  return lookMemoryIn(monitoring.memory, {
    totalMiB: memory.totalBytes / MEBIBYTE,
    of: memory.of,
    serverMiB: Math.max(BESIDE_CACHE_MIB + cacheMiB, privateBytes() / MEBIBYTE),
    freeMiB: freemem() / MEBIBYTE,
  })
}

/** Of the disk that the folder is on, which is made. */
const freeBytesOf = async (folder: string): Promise<number> => {
  await mkdir(folder, { recursive: true })
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Files of logs that no archive has yet; Parquet lies in folders below. */
const unarchivedBytesOf = async (logs: readonly string[]): Promise<number> => {
  let bytes = 0
  // One that is archived meanwhile is gone.
  for (const log of logs)
    for (const entry of await readdir(log, { withFileTypes: true }).catch(() => []))
      if (entry.isFile()) bytes += (await stat(join(log, entry.name)).catch(() => undefined))?.size ?? 0
  return bytes
}
