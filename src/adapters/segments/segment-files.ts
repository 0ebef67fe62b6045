import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import type { LogReader, LogRecord } from '../../ports/prediction-log.ts'
import { FRAME_HEAD, hasFrameAfter, readFrame } from './record-frame.ts'

const ENDING = '.log'
const DIGITS = 12
/** Bytes read at a time. */
const BLOCK_BYTES = 1 << 20

export const segmentsFolder = (folder: string): string => join(folder, 'segments')

/** Name of the segment whose first record is `sequence`. */
export const segmentName = (sequence: number): string => `${String(sequence).padStart(DIGITS, '0')}${ENDING}`

/** Sequence number of a segment's first record. */
export const firstOf = (segment: string): number => Number(segment.slice(0, -ENDING.length))

/** Oldest first. */
export const segmentsIn = (folder: string): string[] => {
  let names: string[]
  try {
    names = readdirSync(segmentsFolder(folder))
  } catch {
    return []
  }
  return names.filter((name) => new RegExp(`^\\d{${DIGITS}}\\${ENDING}$`).test(name)).sort()
}

/** What stands in a segment. */
export interface SegmentEnd {
  /** Bytes of whole records; what follows is half a record. */
  readonly bytes: number
  /** 0 without a record. */
  readonly lastSequence: number
}

/**
 * The end of the last segment, where a crash may have cut a record short.
 *
 * @throws SERVING_LOG_DAMAGED when whole records stand after what cannot be read: that is no cut
 */
export const findEnd = (folder: string, segment: string): SegmentEnd => {
  const file = openSync(join(segmentsFolder(folder), segment), 'r')
  try {
    const bytes = Buffer.allocUnsafe(fstatSync(file).size)
    let filled = 0
    while (filled < bytes.length) {
      const read = readSync(file, bytes, filled, bytes.length - filled, filled)
      if (read === 0) break
      filled += read
    }
    let at = 0
    let lastSequence = 0
    for (;;) {
      const frame = readFrame(bytes, at)
      if (frame.kind !== 'whole') {
        if (at < bytes.length && hasFrameAfter(bytes, at))
          throw damaged(segment, at, frame.kind === 'short' ? 'a record is cut short' : frame.reason)
        return { bytes: at, lastSequence }
      }
      lastSequence = frame.sequence
      at = frame.end
    }
  } finally {
    closeSync(file)
  }
}

export const damaged = (segment: string, offset: number, reason: string): VigiaError =>
  new VigiaError('SERVING_LOG_DAMAGED', { segment, offset, reason })

/**
 * Records of one segment up to byte `end`.
 *
 * @param mayBeCut half a record at the end is not there yet, instead of damage
 */
export async function* readRecords(
  folder: string,
  segment: string,
  end: number,
  mayBeCut: boolean,
): AsyncGenerator<LogRecord> {
  const file = await open(join(segmentsFolder(folder), segment), 'r')
  try {
    let bytes: Buffer = Buffer.alloc(0)
    /** Where `bytes` begins in the file. */
    let base = 0
    let needed = FRAME_HEAD
    for (;;) {
      const wanted = Math.min(Math.max(BLOCK_BYTES, needed), end - base) - bytes.length
      let isEnd = wanted <= 0
      if (!isEnd) {
        const more = Buffer.allocUnsafe(wanted)
        const { bytesRead } = await file.read(more, 0, wanted, base + bytes.length)
        bytes = Buffer.concat([bytes, more.subarray(0, bytesRead)])
        isEnd = bytesRead === 0 || base + bytes.length >= end
      }
      let at = 0
      for (;;) {
        const frame = readFrame(bytes, at)
        if (frame.kind === 'whole') {
          yield {
            sequence: frame.sequence,
            payload: bytes.subarray(frame.from, frame.end),
            position: { segment, offset: base + at },
          }
          at = frame.end
          continue
        }
        if (frame.kind === 'damaged') {
          if (mayBeCut && !hasFrameAfter(bytes, at)) return
          throw damaged(segment, base + at, frame.reason)
        }
        needed = frame.needed
        break
      }
      bytes = bytes.subarray(at)
      base += at
      if (!isEnd) continue
      if (bytes.length === 0 || mayBeCut) return
      throw damaged(segment, base, 'a record is cut short')
    }
  } finally {
    await file.close()
  }
}

/** The record at a place; undefined when the segment is gone. @throws SERVING_LOG_DAMAGED */
export const readRecordAt = async (
  folder: string,
  segment: string,
  offset: number,
): Promise<LogRecord | undefined> => {
  const file = await open(join(segmentsFolder(folder), segment), 'r').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    },
  )
  if (file === undefined) return undefined
  try {
    let needed = 4096
    for (;;) {
      const bytes = Buffer.allocUnsafe(needed)
      const { bytesRead } = await file.read(bytes, 0, needed, offset)
      const frame = readFrame(bytes.subarray(0, bytesRead), 0)
      if (frame.kind === 'whole')
        return {
          sequence: frame.sequence,
          payload: bytes.subarray(frame.from, frame.end),
          position: { segment, offset },
        }
      if (frame.kind === 'damaged') throw damaged(segment, offset, frame.reason)
      if (bytesRead < needed) throw damaged(segment, offset, 'a record is cut short')
      needed = frame.needed
    }
  } finally {
    await file.close()
  }
}

const documentsFolder = (folder: string): string => join(folder, 'documents')

export const writeDocument = async (folder: string, name: string, text: string): Promise<void> => {
  const path = join(documentsFolder(folder), `${name}.json`)
  await mkdir(documentsFolder(folder), { recursive: true })
  await writeFile(`${path}.tmp`, text, { flush: true })
  await rename(`${path}.tmp`, path)
}

export const readDocument = async (folder: string, name: string): Promise<string | undefined> => {
  try {
    return await readFile(join(documentsFolder(folder), `${name}.json`), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Removes ended segments. */
export const removeSegments = async (folder: string, segments: readonly string[]): Promise<void> => {
  for (const segment of segments) await rm(join(segmentsFolder(folder), segment), { force: true })
}

/** Reads the log in `folder`, which another process may be writing. */
export const openLogReader = (folder: string): LogReader => ({
  async *read(after) {
    const segments = segmentsIn(folder)
    for (let i = 0; i < segments.length; i++) {
      const next = segments[i + 1]
      if (next !== undefined && firstOf(next) <= after + 1) continue
      for await (const record of readRecords(
        folder,
        segments[i]!,
        Number.MAX_SAFE_INTEGER,
        next === undefined,
      ))
        if (record.sequence > after) yield record
    }
  },
  readDocument: (name) => readDocument(folder, name),
  documentNames: async () => {
    const names = await readdir(documentsFolder(folder)).catch(() => [])
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
  },
})
