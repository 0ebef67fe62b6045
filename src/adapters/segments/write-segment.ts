import { closeSync, fdatasyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { syncFolder } from '../../disk/sync-folder.ts'
import type { LogRecord } from '../../ports/prediction-log.ts'
import { FRAME_HEAD, writeFrame } from './record-frame.ts'
import { segmentPath, segmentsFolder } from './segment-names.ts'

/**
 * Puts a segment of these records in the place of the one of that name, if there is one: all of it or
 * nothing, and on the disk when it returns. For whoever has the log, and writes to none of its segments.
 */
export const writeSegment = (
  folder: string,
  segment: string,
  records: Iterable<Pick<LogRecord, 'sequence' | 'payload'>>,
): void => {
  const path = segmentPath(folder, segment)
  const draft = `${path}.new`
  mkdirSync(segmentsFolder(folder), { recursive: true })
  try {
    const file = openSync(draft, 'w')
    try {
      for (const { sequence, payload } of records) {
        const frame = Buffer.alloc(FRAME_HEAD + payload.length)
        writeFrame(frame, 0, sequence, payload)
        for (let from = 0; from < frame.length; ) from += writeSync(file, frame, from)
      }
      fdatasyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  syncFolder(segmentsFolder(folder))
}
