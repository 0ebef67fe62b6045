import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { syncFolder } from '../../disk/sync-folder.ts'
import type { SegmentPlace } from './owner-folder.ts'
import { findEnd } from './segment-end.ts'
import { firstOf, segmentPath, segmentsFolder, segmentsIn } from './segment-names.ts'
import {
  canBeginWith,
  continueSegment,
  createSegment,
  type SegmentWriter,
  sealSegment,
} from './segment-writer.ts'

/** What a log that is opened again goes on from. */
export interface RecoveredTail {
  /** Sequence number of the last whole record (inclusive); 0 without one. */
  readonly lastSequence: number
  /** The segment that it goes on in; undefined: the next record begins one. */
  readonly current: SegmentWriter | undefined
}

/**
 * Finds the end of the log, cuts off what a crash has left after it, and removes segments that were begun and
 * got nothing. What a power failure has left after a hole is kept beside the segment, for people.
 *
 * @param mayWakeUp whether the owner before may go on writing: then nothing that it has open is used again,
 * and the next record begins a segment, so that what it archives late has the name of none that grows
 * @throws SERVING_LOG_DAMAGED
 */
export const recoverTail = (place: SegmentPlace, mayWakeUp: boolean): RecoveredTail => {
  const { folder, names } = place
  const segments = segmentsIn(folder)
  for (let i = segments.length - 1; i >= 0; i--) {
    const name = segments[i]!
    const end = findEnd(folder, name)
    // All others were removed: its name is what is left of them.
    if (end.bytes > 0 || i === 0) {
      if (mayWakeUp) sealSegment(place, name, end)
      const isGoneOnWith = !mayWakeUp || end.bytes === 0
      const current = isGoneOnWith ? continueSegment(place, name, end) : undefined
      return { lastSequence: end.bytes > 0 ? end.lastSequence : firstOf(name) - 1, current }
    }
    place.assertOwned()
    names.remove(segmentPath(folder, name))
  }
  return { lastSequence: 0, current: undefined }
}

/**
 * The end of the log: the segment that is written to, when it ends and the next one begins, and which ended
 * segments are removed.
 *
 * It owns the current segment's file. It does not own the records that wait (`GroupCommit`), nor the reading
 * of segments; no method may be called while a write is on its way, but `current`.
 */
export class LogTail {
  /** The segment that is written to; undefined when the last one was ended. */
  current: SegmentWriter | undefined
  private readonly place: SegmentPlace
  private readonly segmentBytes: number

  constructor(place: SegmentPlace, segmentBytes: number, current: SegmentWriter | undefined) {
    this.place = place
    this.segmentBytes = segmentBytes
    this.current = current
  }

  /** @throws SERVING_LEASE_LOST when another process owns the log, in which nothing may be written then */
  assertOwned(): void {
    this.place.assertOwned()
  }

  /** The same as far as clocks tell: enough before a write that `assertOwned` follows. */
  assertInTime(): void {
    this.place.assertInTime()
  }

  /** The segment for records from `firstSequence` (inclusive) on; begins one when the last one is full. */
  segmentFor(firstSequence: number): SegmentWriter {
    if (this.current !== undefined && this.current.size >= this.segmentBytes) this.end()
    if (this.current?.size === 0 && !canBeginWith(this.current, firstSequence)) {
      const unused = this.current
      this.current = undefined
      unused.discard()
    }
    this.current ??= createSegment(this.place, firstSequence)
    return this.current
  }

  /** Ends the current segment, when there is a record in it. */
  end(): void {
    if (this.current === undefined || this.current.size === 0) return
    this.close()
  }

  /** Ends the current segment, also an empty one. */
  close(): void {
    const ended = this.current
    this.current = undefined
    ended?.end()
  }

  /** Cuts off what a failed write has left of its records. */
  cutOff(): void {
    this.current?.cutOff()
  }

  /** @throws what the file system says when some hundred records could not be written now */
  requireRoom(): void {
    const probe = join(this.place.folder, '.room')
    try {
      // Whether there is room is only known by writing.
      writeFileSync(probe, new Uint8Array(ROOM_BYTES), { flush: true })
    } finally {
      rmSync(probe, { force: true })
    }
  }

  /** Names of the ended segments, oldest first. */
  endedSegments(): string[] {
    return segmentsIn(this.place.folder).filter((name) => name !== this.current?.name)
  }

  /** Removes ended segments. `lastSequence`: of the last durable record (inclusive). */
  remove(segments: readonly string[], lastSequence: number): void {
    const { folder, names } = this.place
    const newest = segmentsIn(folder).at(-1)
    // When nothing is left, the name of an empty segment keeps the number of the last record that there was.
    if (newest !== undefined && newest !== this.current?.name && segments.includes(newest))
      this.current = createSegment(this.place, lastSequence + 1)
    // Before the others are gone, also where answers do not promise it: after a power failure the log would
    // begin anew under numbers that its archive has.
    syncFolder(segmentsFolder(folder))
    // A try before may have left a segment of the same name, which is the current one now.
    for (const name of segments) if (name !== this.current?.name) names.remove(segmentPath(folder, name))
  }
}

/** With less room, a log that could be written again would fail with one of the next records. */
const ROOM_BYTES = 1 << 20
