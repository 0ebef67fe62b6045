import {
  close,
  closeSync,
  copyFileSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  write,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { syncFolder } from '../../disk/sync-folder.ts'
import type { SegmentPlace } from './owner-folder.ts'
import type { SegmentEnd } from './segment-end.ts'
import { firstOf, segmentName, segmentPath, segmentsFolder } from './segment-names.ts'

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
export const createSegment = (place: SegmentPlace, sequence: number): SegmentWriter => {
  const { folder, durability, names } = place
  const name = segmentName(sequence)
  const path = segmentPath(folder, name)
  // Left when its name could not be brought to the disk: it has no record, and would stand in the way for
  // ever. Nor may it be gone before there is another: its name may be all that is left of the last number.
  const isLeftover = statSync(path, { throwIfNoEntry: false })?.size === 0
  const draft = names.draft()
  // From its first moment the file is this owner's, whatever stands under its name later.
  const file = openSync(draft, 'wx')
  try {
    if (isLeftover) names.replace(draft, path)
    else names.place(draft, path)
    if (durability === 'power') syncFolder(segmentsFolder(folder))
  } catch (error) {
    closeSync(file)
    rmSync(draft, { force: true })
    throw error
  }
  return segmentWriter(place, name, file, 0)
}

/**
 * Puts a copy of its whole records in the place of a segment. An owner before that stood still, and wakes up
 * in the middle of a write, writes into the file that it has open, which nobody reads any more.
 */
export const sealSegment = (place: SegmentPlace, name: string, { bytes, lost }: SegmentEnd): void => {
  const { folder, durability, names, assertOwned } = place
  const path = segmentPath(folder, name)
  if (lost !== undefined) writeFileSync(`${path}.lost-${bytes}`, lost)
  const draft = names.draft()
  copyFileSync(path, draft)
  const copy = openSync(draft, 'r+')
  try {
    ftruncateSync(copy, bytes)
    fdatasyncSync(copy)
  } finally {
    closeSync(copy)
  }
  assertOwned()
  renameSync(draft, path)
  if (durability === 'power') syncFolder(segmentsFolder(folder))
}

/**
 * Continues a segment at its end. What a process that was killed has written is brought to the disk before
 * anything is built on it.
 */
export const continueSegment = (
  place: SegmentPlace,
  name: string,
  { bytes, lost }: SegmentEnd,
): SegmentWriter => {
  const { folder, durability, assertOwned } = place
  const path = segmentPath(folder, name)
  if (lost !== undefined) writeFileSync(`${path}.lost-${bytes}`, lost)
  const file = openSync(path, 'r+')
  try {
    // After the file is open: a later owner puts another file in its place before it writes.
    assertOwned()
    const isCut = fstatSync(file).size !== bytes
    if (isCut) ftruncateSync(file, bytes)
    // Also where answers do not promise it: what was cut off and comes back, under a page that was written
    // after it, would be damage that nobody can tell from any other.
    if (isCut || durability === 'power') fdatasyncSync(file)
    if (durability === 'power') syncFolder(segmentsFolder(folder))
  } catch (error) {
    closeSync(file)
    throw error
  }
  return segmentWriter(place, name, file, bytes)
}

/**
 * Brings ended segments and their names to the disk, also where answers do not promise it: what is made of
 * them must not outlive them, or the log would end before numbers that it has given.
 */
export const syncSegments = async (folder: string, segments: readonly string[]): Promise<void> => {
  for (const name of segments) {
    const file = openSync(segmentPath(folder, name), 'r+')
    try {
      await syncAsync(file)
    } finally {
      closeSync(file)
    }
  }
  syncFolder(segmentsFolder(folder))
  syncFolder(folder)
}

/** Whether a record `sequence` may stand in an empty segment. */
export const canBeginWith = ({ name }: SegmentWriter, sequence: number): boolean => firstOf(name) <= sequence

const segmentWriter = (
  { folder, durability, names }: SegmentPlace,
  name: string,
  file: number,
  bytes: number,
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
      names.remove(segmentPath(folder, name))
    },
  }
}

const some = (written: number): number => {
  if (written === 0) throw new Error('nothing more can be written')
  return written
}
