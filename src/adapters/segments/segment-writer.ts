import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  rmSync,
  write,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import type { Durability } from '../../ports/prediction-log.ts'
import type { SegmentEnd } from './segment-end.ts'
import { firstOf, segmentName, segmentPath, segmentsFolder } from './segment-names.ts'
import { syncFolder } from './sync-folder.ts'

/** The segment that is written to. Bytes beyond `size` do not count, whatever of them a failed write has left. */
export interface SegmentWriter {
  readonly name: string
  /** Bytes of durable records. */
  readonly size: number
  /** Writes bytes at the end, at once; they count when `grow` says so. */
  writeNow(bytes: Buffer): void
  /** Brings bytes to the disk at the end; they count when `grow` says so. */
  writeToDisk(bytes: Buffer): Promise<void>
  grow(bytes: number): void
  /** Cuts off what does not count. */
  cutOff(): void
  close(): void
  /** Removes a segment that has nothing in it. */
  discard(): void
}

const writeAsync = promisify(write)
const syncAsync = promisify(fdatasync)

/** Begins the segment whose first record is `sequence`, or a later one. */
export const createSegment = (folder: string, sequence: number, durability: Durability): SegmentWriter => {
  const name = segmentName(sequence)
  const path = segmentPath(folder, name)
  const file = openSync(path, 'wx')
  try {
    if (durability === 'power') syncFolder(segmentsFolder(folder))
  } catch (error) {
    closeSync(file)
    rmSync(path)
    throw error
  }
  return segmentWriter(path, name, file, 0)
}

/** Continues a segment after `bytes`. What a process that was killed has written is brought to the disk before anything is built on it. */
export const continueSegment = (
  folder: string,
  name: string,
  { bytes }: SegmentEnd,
  durability: Durability,
): SegmentWriter => {
  const path = segmentPath(folder, name)
  const file = openSync(path, 'r+')
  try {
    ftruncateSync(file, bytes)
    if (durability === 'power') {
      fdatasyncSync(file)
      syncFolder(segmentsFolder(folder))
    }
  } catch (error) {
    closeSync(file)
    throw error
  }
  return segmentWriter(path, name, file, bytes)
}

/** Whether a record `sequence` may stand in an empty segment. */
export const canBeginWith = ({ name }: SegmentWriter, sequence: number): boolean => firstOf(name) <= sequence

const segmentWriter = (path: string, name: string, file: number, bytes: number): SegmentWriter => {
  let size = bytes
  return {
    name,
    get size() {
      return size
    },
    writeNow: (records) => {
      for (let from = 0; from < records.length; )
        from += some(writeSync(file, records, from, records.length - from, size + from))
    },
    writeToDisk: async (records) => {
      for (let from = 0; from < records.length; ) {
        const written = await writeAsync(file, records, from, records.length - from, size + from)
        from += some(written.bytesWritten)
      }
      await syncAsync(file)
    },
    grow: (more) => {
      size += more
    },
    cutOff: () => ftruncateSync(file, size),
    close: () => closeSync(file),
    discard: () => {
      closeSync(file)
      rmSync(path)
    },
  }
}

const some = (written: number): number => {
  if (written === 0) throw new Error('nothing more can be written')
  return written
}
