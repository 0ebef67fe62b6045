import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { PAGE_BYTES, readFrame, whatFollows } from './record-frame.ts'
import { damaged } from './segment-files.ts'
import { firstOf, segmentPath } from './segment-names.ts'

/** What stands in a segment. */
export interface SegmentEnd {
  /** Bytes of whole records; what follows is half a record. */
  readonly bytes: number
  /** 0 without a record. */
  readonly lastSequence: number
  /**
   * What follows a hole that a power failure has left: some of it may be whole records; they cannot be put in
   * order.
   */
  readonly lost: Uint8Array | undefined
}

/** Bytes read at a time, which stay in a processor's cache. */
const BLOCK_BYTES = 1 << 20

/**
 * The end of the last segment, where a crash may have cut a record short.
 *
 * @throws SERVING_LOG_DAMAGED when whole records stand after what cannot be read: that is no cut
 */
export const findEnd = (folder: string, segment: string): SegmentEnd => {
  const file = openSync(segmentPath(folder, segment), 'r')
  try {
    const { size } = fstatSync(file)
    let block = Buffer.allocUnsafe(BLOCK_BYTES)
    let end = 0
    let lastSequence = 0
    for (;;) {
      const bytes = readBytes(file, block, end)
      let at = 0
      let frame = readFrame(bytes, at)
      for (; frame.kind === 'whole'; frame = readFrame(bytes, at)) {
        if (frame.sequence < firstOf(segment) || frame.sequence <= lastSequence)
          throw damaged(segment, end + at, `record ${frame.sequence} is out of order`)
        lastSequence = frame.sequence
        at = frame.end
      }
      end += at
      if (frame.kind === 'short' && end + frame.needed <= size) {
        if (frame.needed > block.length) block = Buffer.allocUnsafe(frame.needed)
        continue
      }
      // Pages count from the beginning of the file.
      const page = end - (end % PAGE_BYTES)
      const rest = readBytes(file, Buffer.allocUnsafe(size - page), page)
      const following = whatFollows(rest, end - page)
      if (following === 'frames')
        throw damaged(segment, end, frame.kind === 'short' ? 'a record is cut short' : frame.reason)
      return { bytes: end, lastSequence, lost: following === 'hole' ? rest.subarray(end - page) : undefined }
    }
  } finally {
    closeSync(file)
  }
}

/** What stands at `from`, as much as there is and `into` has room for. */
const readBytes = (file: number, into: Buffer, from: number): Buffer => {
  let filled = 0
  while (filled < into.length) {
    const read = readSync(file, into, filled, into.length - filled, from + filled)
    if (read === 0) break
    filled += read
  }
  return into.subarray(0, filled)
}
