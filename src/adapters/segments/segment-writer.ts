import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  rmSync,
  write,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import type { Durability } from '../../ports/prediction-log.ts'
import type { SegmentEnd } from './segment-end.ts'
import { firstOf, segmentName, segmentPath, segmentsFolder } from './segment-names.ts'
import { syncFolder } from './sync-folder.ts'

/**
 * The segment that is written to. Bytes beyond `size` do not count, whatever of them a failed write has left.
 */
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
  /** Ends it. Where that was not promised it is brought to the disk all the same, in the background. */
  end(): void
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
  return segmentWriter(path, name, file, 0, durability)
}

/**
 * Continues a segment at its end. What a process that was killed has written is brought to the disk before
 * anything is built on it.
 */
export const continueSegment = (
  folder: string,
  name: string,
  { bytes, lost }: SegmentEnd,
  durability: Durability,
): SegmentWriter => {
  const path = segmentPath(folder, name)
  if (lost !== undefined) writeFileSync(`${path}.lost-${bytes}`, lost)
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
  return segmentWriter(path, name, file, bytes, durability)
}

/** Whether a record `sequence` may stand in an empty segment. */
export const canBeginWith = ({ name }: SegmentWriter, sequence: number): boolean => firstOf(name) <= sequence

const segmentWriter = (
  path: string,
  name: string,
  file: number,
  bytes: number,
  durability: Durability,
): SegmentWriter => {
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
    end: () => {
      if (durability === 'power') closeSync(file)
      else fdatasync(file, () => close(file))
    },
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
