import { VigiaError } from '../errors.ts'

/** Memory that a look may take, in MiB. */
export interface LookMemory {
  /** To sort the log: what is more goes to the disk. */
  readonly sortMiB: number
  /** Of JavaScript's objects: V8 ends the process of the look beyond it. */
  readonly heapMiB: number
}

/** Memory of the place that a look is taken in, in MiB. */
export interface MemoryRoom {
  readonly totalMiB: number
  /** Which memory that is. */
  readonly of: 'the machine' | 'the container'
  /** What the server may take of it, or has taken by now where that is more. */
  readonly serverMiB: number
  /** What nobody uses now, as the system says. */
  readonly freeMiB: number
}

/** Profiles of a hundred days, and the pictures of a page. */
const MOST_HEAP_MIB = 512
const LEAST_HEAP_MIB = 128
/** As the setting's schema says. */
const LEAST_SORT_MIB = 128
/** Of the process beside both: the program, the model, what is read and written, V8's young generation. */
const BESIDE_LOOK_MIB = 128

/** What a look needs beside the server, in MiB. */
export const LEAST_LOOK_MIB = BESIDE_LOOK_MIB + LEAST_HEAP_MIB + LEAST_SORT_MIB

/**
 * How much memory a look may take: what it wants where there is room beside the server, less where there is
 * less. So no container is filled by it, whose control group may end all of its processes at once
 * (`memory.oom.group`).
 *
 * @param wantedMiB `monitoring.memory`
 * @throws MONITORING_MEMORY_SHORT where too little is left, before anything is begun
 */
export const lookMemoryIn = (
  wantedMiB: number,
  { totalMiB, of, serverMiB, freeMiB }: MemoryRoom,
): LookMemory => {
  const leftMiB = Math.floor(Math.min(totalMiB - serverMiB, freeMiB))
  if (leftMiB < LEAST_LOOK_MIB)
    throw new VigiaError('MONITORING_MEMORY_SHORT', {
      least: LEAST_LOOK_MIB,
      left: Math.max(0, leftMiB),
      of,
      total: Math.floor(totalMiB),
      server: Math.ceil(serverMiB),
      free: Math.floor(freeMiB),
    })
  const bothMiB = leftMiB - BESIDE_LOOK_MIB
  const heapMiB = Math.min(MOST_HEAP_MIB, Math.max(LEAST_HEAP_MIB, Math.floor(bothMiB / 2)))
  return { heapMiB, sortMiB: Math.min(wantedMiB, bothMiB - heapMiB) }
}

/** Disk of the folder that a look writes to, in bytes. */
export interface DiskRoom {
  readonly folder: string
  readonly freeBytes: number
  /** What of the logs is not Parquet yet, which a look makes of it for itself. */
  readonly unarchivedBytes: number
}

/** A report, its page, and their predecessors that are there until it is. */
const REPORT_BYTES = 16 << 20

/**
 * How much a look may write while it sorts, in bytes, so that `keepFreeMiB` of the disk stay for the log of
 * the server: a look that fills it would end decisions.
 *
 * @throws MONITORING_DISK_SHORT where there is no room for what it writes in any case
 */
export const lookSpillIn = (
  keepFreeMiB: number,
  { folder, freeBytes, unarchivedBytes }: DiskRoom,
): number => {
  const keptBytes = keepFreeMiB * MEBIBYTE
  const neededBytes = unarchivedBytes + REPORT_BYTES
  const leftBytes = freeBytes - keptBytes - neededBytes
  if (leftBytes >= 0) return leftBytes
  throw new VigiaError('MONITORING_DISK_SHORT', {
    folder,
    free: Math.floor(freeBytes / MEBIBYTE),
    kept: keepFreeMiB,
    needed: Math.ceil(neededBytes / MEBIBYTE),
  })
}

const MEBIBYTE = 1 << 20

/** A disk that is full as that, whatever was being written; any other error as it is. */
export const namingFullDisk = (error: unknown, folder: string): unknown => {
  const text = error instanceof Error ? error.message : String(error)
  if (!FULL_DISK.test(text)) return error
  const reason = text.split('\n')[0] ?? text
  return new VigiaError('MONITORING_DISK_FULL', { folder, reason }, { cause: error })
}

/** As Node.js, DuckDB and our own errors say it; the last is what a look may write while it sorts. */
const FULL_DISK = /no space left|ENOSPC|disk.*full|max_temp_directory_size/i
