import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { readFrame, whatFollows } from './record-frame.ts'
import { damaged } from './segment-files.ts'
import { firstOf, segmentPath } from './segment-names.ts'

/** What stands in a segment. */
export interface SegmentEnd {
  /** Bytes of whole records; what follows is half a record. */
  readonly bytes: number
  /** 0 without a record. */
  readonly lastSequence: number
  /** What follows a hole that a power failure has left: some of it may be whole records; they cannot be put in order. */
  readonly lost: Uint8Array | undefined
}

/**
 * The end of the last segment, where a crash may have cut a record short.
 *
 * @throws SERVING_LOG_DAMAGED when whole records stand after what cannot be read: that is no cut
 */
export const findEnd = (folder: string, segment: string): SegmentEnd => {
  const bytes = readWhole(segmentPath(folder, segment))
  let at = 0
  let lastSequence = 0
  for (;;) {
    const frame = readFrame(bytes, at)
    if (frame.kind !== 'whole') {
      const following = whatFollows(bytes, at)
      if (following === 'frames')
        throw damaged(segment, at, frame.kind === 'short' ? 'a record is cut short' : frame.reason)
      return { bytes: at, lastSequence, lost: following === 'hole' ? bytes.subarray(at) : undefined }
    }
    if (frame.sequence < firstOf(segment) || frame.sequence <= lastSequence)
      throw damaged(segment, at, `record ${frame.sequence} is out of order`)
    lastSequence = frame.sequence
    at = frame.end
  }
}

const readWhole = (path: string): Buffer => {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(fstatSync(file).size)
    let filled = 0
    while (filled < bytes.length) {
      const read = readSync(file, bytes, filled, bytes.length - filled, filled)
      if (read === 0) break
      filled += read
    }
    return bytes.subarray(0, filled)
  } finally {
    closeSync(file)
  }
}
