import { type FileHandle, open } from 'node:fs/promises'
import { VigiaError } from '../../errors.ts'
import type { LogPosition, LogReader, LogRecord } from '../../ports/prediction-log.ts'
import { documentNames, readDocument } from './log-documents.ts'
import { FRAME_HEAD, PAGE_BYTES, readFrame, whatFollows } from './record-frame.ts'
import { firstOf, segmentPath, segmentsIn } from './segment-names.ts'
import { readRest } from './segment-rest.ts'

/** Bytes read at a time. */
const BLOCK_BYTES = 1 << 20

export const damaged = (segment: string, offset: number, reason: string): VigiaError =>
  new VigiaError('SERVING_LOG_DAMAGED', { segment, offset, reason })

/**
 * Records of one segment from byte `start`, where one begins, up to byte `end`; none when it is gone.
 *
 * @param mayBeCut half a record at the end is not there yet, instead of damage
 * @throws SERVING_LOG_DAMAGED
 */
export async function* readRecords(
  folder: string,
  segment: string,
  {
    start = 0,
    end = Number.MAX_SAFE_INTEGER,
    mayBeCut = false,
  }: { start?: number; end?: number; mayBeCut?: boolean } = {},
): AsyncGenerator<LogRecord> {
  const file = await openSegment(folder, segment)
  if (file === undefined) return
  try {
    let bytes: Buffer = Buffer.alloc(0)
    /** Where `bytes` begins in the file. */
    let base = start
    let needed = FRAME_HEAD
    let last = 0
    for (;;) {
      const wanted = Math.min(Math.max(BLOCK_BYTES, needed), end - base) - bytes.length
      const more = await readBytes(file, base + bytes.length, wanted)
      bytes = Buffer.concat([bytes, more])
      let at = 0
      let frame = readFrame(bytes, at)
      for (; frame.kind === 'whole'; frame = readFrame(bytes, at)) {
        const { sequence, from } = frame
        if (sequence < firstOf(segment) || sequence <= last)
          throw damaged(segment, base + at, `record ${sequence} is out of order`)
        last = sequence
        yield { sequence, payload: bytes.subarray(from, frame.end), position: { segment, offset: base + at } }
        at = frame.end
      }
      bytes = bytes.subarray(at)
      base += at
      if (frame.kind === 'short' && more.length > 0) {
        needed = frame.needed
        continue
      }
      if (bytes.length === 0 || (mayBeCut && (await isCut(file, base)))) return
      throw damaged(segment, base, frame.kind === 'short' ? 'a record is cut short' : frame.reason)
    }
  } finally {
    await file.close()
  }
}

const openSegment = async (folder: string, segment: string): Promise<FileHandle | undefined> => {
  try {
    return await open(segmentPath(folder, segment), 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Up to `most` bytes at `from`; none at the end of the file. */
const readBytes = async (file: FileHandle, from: number, most: number): Promise<Buffer> => {
  if (most <= 0) return Buffer.alloc(0)
  const bytes = Buffer.allocUnsafe(most)
  const { bytesRead } = await file.read(bytes, 0, most, from)
  return bytes.subarray(0, bytesRead)
}

/**
 * Whether what stands at `from` and is no record is how a writer was interrupted, or it has become a record
 * while it was read.
 */
const isCut = async (file: FileHandle, from: number): Promise<boolean> => {
  const { size } = await file.stat()
  // Pages count from the beginning of the file.
  const page = from - (from % PAGE_BYTES)
  const rest = await readBytes(file, page, size - page)
  return readFrame(rest, from - page).kind === 'whole' || whatFollows(rest, from - page) !== 'frames'
}

/** Bytes read at first for one record: most records are smaller. */
const ONE_RECORD_BYTES = 4096

/** The record at a place; undefined when the segment is gone. @throws SERVING_LOG_DAMAGED */
export const readRecordAt = async (
  folder: string,
  segment: string,
  offset: number,
): Promise<LogRecord | undefined> => {
  const file = await openSegment(folder, segment)
  if (file === undefined) return undefined
  try {
    let bytes = await readBytes(file, offset, ONE_RECORD_BYTES)
    let frame = readFrame(bytes, 0)
    if (frame.kind === 'short') {
      bytes = await readBytes(file, offset, frame.needed)
      frame = readFrame(bytes, 0)
    }
    if (frame.kind === 'short') throw damaged(segment, offset, 'a record is cut short')
    if (frame.kind === 'damaged') throw damaged(segment, offset, frame.reason)
    const { sequence, from, end } = frame
    return { sequence, payload: bytes.subarray(from, end), position: { segment, offset } }
  } finally {
    await file.close()
  }
}

/** Reads the log in `folder`, which another process may be writing. */
export const openLogReader = (folder: string): LogReader => ({
  read: (after) => readSegments(folder, after, (_, isLast) => ({ mayBeCut: isLast })),
  segments: async () => segmentsIn(folder),
  readSegment: (segment) => readRecords(folder, segment, { mayBeCut: segmentsIn(folder).at(-1) === segment }),
  readRest: (segment) => readRest(folder, segment),
  readDocument: (name) => readDocument(folder, name),
  documentNames: () => documentNames(folder),
})

/**
 * Records after `after` of all segments that are there now. `howToRead` is asked as each one's turn comes.
 *
 * @param from place of a record up to `after`: it is the first that is read of its segment
 */
export async function* readSegments(
  folder: string,
  after: number,
  howToRead: (segment: string, isLast: boolean) => { readonly end?: number; readonly mayBeCut?: boolean },
  from?: LogPosition,
): AsyncGenerator<LogRecord> {
  const segments = segmentsIn(folder)
  for (const [i, segment] of segments.entries()) {
    const next = segments[i + 1]
    if (next !== undefined && firstOf(next) <= after + 1) continue
    const start = segment === from?.segment ? from.offset : 0
    const how = { start, ...howToRead(segment, next === undefined) }
    for await (const record of readRecords(folder, segment, how)) if (record.sequence > after) yield record
  }
}
