import { statSync } from 'node:fs'
import { VigiaError } from '../../errors.ts'
import { nextTurn } from '../../foundation/next-turn.ts'
import type { SegmentPlace } from './owner-folder.ts'
import { findEnd, type SegmentEnd } from './segment-end.ts'
import { segmentPath, segmentsIn } from './segment-names.ts'
import { sealSegment } from './segment-writer.ts'

/**
 * Cuts off what a power failure has left at the ends of segments that were ended, as `recoverTail` does of
 * the last one: where answers do not promise it, a segment is brought to the disk while the next one grows,
 * and may lose its end when the next one loses nothing. The numbers that are gone are a gap then, which an
 * opening tells and people can accept; damage stays, and is told by whoever reads it.
 *
 * @param current the segment that is written to
 */
export const cutEndedSegments = async (place: SegmentPlace, current: string | undefined): Promise<void> => {
  const { folder } = place
  for (const name of segmentsIn(folder)) {
    if (name === current) continue
    const end = endOf(folder, name)
    const { size } = statSync(segmentPath(folder, name))
    if (end !== undefined && end.bytes < size) sealSegment(place, name, end)
    // The lease of the folder beats between turns.
    await nextTurn()
  }
}

/** Undefined for a segment that is damaged. */
const endOf = (folder: string, name: string): SegmentEnd | undefined => {
  try {
    return findEnd(folder, name)
  } catch (error) {
    if (error instanceof VigiaError && error.code === 'SERVING_LOG_DAMAGED') return undefined
    throw error
  }
}
