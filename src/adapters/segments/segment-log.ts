import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  statSync,
  truncateSync,
  write,
  writeSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { VigiaError } from '../../errors.ts'
import type { Durability, LogPosition, PredictionLog } from '../../ports/prediction-log.ts'
import { type FolderOwner, holdFolder } from '../files/hold-folder.ts'
import { FRAME_HEAD, writeFrame } from './record-frame.ts'
import {
  findEnd,
  firstOf,
  readDocument,
  readRecordAt,
  readRecords,
  removeSegments,
  segmentName,
  segmentsFolder,
  segmentsIn,
  writeDocument,
} from './segment-files.ts'

export interface SegmentLogOptions {
  /** Made when it is not there; the segments lie in its `segments/`. */
  readonly folder: string
  readonly owner: FolderOwner
  readonly durability: Durability
  /** A segment that has so many bytes is ended. */
  readonly segmentBytes: number
}

/** Records that are written together. */
interface Group {
  readonly firstSequence: number
  lastSequence: number
  /** Where they begin, once they are durable. */
  readonly written: Promise<LogPosition>
  resolve(position: LogPosition): void
  reject(error: unknown): void
}

/** The segment that is written to. */
interface OpenSegment {
  readonly name: string
  readonly file: number
  /** Bytes of durable records. */
  size: number
}

const FIRST_BUFFER_BYTES = 1 << 16

const writeAsync = promisify(write)
const syncAsync = promisify(fdatasync)

/**
 * A log in append-only files. What is appended in one turn of the event loop is written at once, at the end of the turn; with
 * durability `power` what gathers while one write is on its way to the disk is the next.
 *
 * @throws SERVING_FOLDER_IN_USE, SERVING_LOG_DAMAGED, SERVING_LOG_FAILED
 */
export const openSegmentLog = async (options: SegmentLogOptions): Promise<PredictionLog> => {
  const { folder, durability, segmentBytes } = options
  const failed = (error: unknown): VigiaError =>
    error instanceof VigiaError
      ? error
      : new VigiaError(
          'SERVING_LOG_FAILED',
          { folder, reason: error instanceof Error ? error.message : String(error) },
          { cause: error },
        )
  const pathOf = (segment: string): string => join(segmentsFolder(folder), segment)
  let release: () => void
  try {
    release = holdFolder(folder, options.owner)
    mkdirSync(segmentsFolder(folder), { recursive: true })
  } catch (error) {
    throw failed(error)
  }

  let lastSequence = 0
  let current: OpenSegment | undefined
  try {
    const existing = segmentsIn(folder)
    while (existing.length > 0) {
      const name = existing.at(-1)!
      const { bytes, lastSequence: last } = findEnd(folder, name)
      if (statSync(pathOf(name)).size > bytes) truncateSync(pathOf(name), bytes)
      if (bytes > 0) {
        lastSequence = last
        if (bytes < segmentBytes) current = { name, file: openSync(pathOf(name), 'r+'), size: bytes }
        break
      }
      // Begun, and nothing was written.
      await rm(pathOf(name))
      existing.pop()
    }
  } catch (error) {
    release()
    throw failed(error)
  }

  let buffer = Buffer.allocUnsafe(FIRST_BUFFER_BYTES)
  /** The other buffer while one is on its way to the disk. */
  let spare = Buffer.allocUnsafe(FIRST_BUFFER_BYTES)
  let used = 0
  let accepted = lastSequence
  let group: Group | undefined
  let failure: VigiaError | undefined
  let isScheduled = false
  let writing: Promise<void> | undefined

  const startGroup = (sequence: number): Group => {
    let resolve: Group['resolve'] = () => undefined
    let reject: Group['reject'] = () => undefined
    const written = new Promise<LogPosition>((onWritten, onFailed) => {
      resolve = onWritten
      reject = onFailed
    })
    // Everybody who waits has a promise made from it; none of them may be there yet when it fails.
    written.catch(() => undefined)
    return { firstSequence: sequence, lastSequence: sequence, written, resolve, reject }
  }

  /** The segment for records from `sequence` on. */
  const segmentFor = (sequence: number): OpenSegment => {
    if (current !== undefined && current.size >= segmentBytes) endSegment()
    if (current !== undefined) return current
    const name = segmentName(sequence)
    const file = openSync(pathOf(name), 'w')
    current = { name, file, size: 0 }
    if (durability === 'power') syncFolder()
    return current
  }
  const syncFolder = (): void => {
    const directory = openSync(segmentsFolder(folder), 'r')
    try {
      fsyncSync(directory)
    } finally {
      closeSync(directory)
    }
  }
  const endSegment = (): void => {
    if (current !== undefined) closeSync(current.file)
    current = undefined
  }

  const settle = (done: Group, segment: OpenSegment, bytes: number): void => {
    const position = { segment: segment.name, offset: segment.size }
    segment.size += bytes
    lastSequence = done.lastSequence
    done.resolve(position)
  }

  /** Cuts off what may have been written of a failed group, and takes nothing more. */
  const fail = (failing: Group, error: unknown): void => {
    failure = failed(error)
    failing.reject(failure)
    group?.reject(failure)
    group = undefined
    used = 0
    accepted = lastSequence
    cutOff()
  }
  const cutOff = (): boolean => {
    if (current === undefined) return true
    try {
      ftruncateSync(current.file, current.size)
      return true
    } catch {
      return false
    }
  }

  const writeNow = (): void => {
    isScheduled = false
    const done = group
    if (done === undefined) return
    group = undefined
    const bytes = used
    used = 0
    try {
      const segment = segmentFor(done.firstSequence)
      for (let from = 0; from < bytes; )
        from += writeSync(segment.file, buffer, from, bytes - from, segment.size + from)
      settle(done, segment, bytes)
    } catch (error) {
      fail(done, error)
    }
  }

  const writeGroups = async (): Promise<void> => {
    while (group !== undefined && failure === undefined) {
      const done: Group = group
      group = undefined
      const bytes = used
      const full = buffer
      buffer = spare
      spare = full
      used = 0
      try {
        const segment = segmentFor(done.firstSequence)
        for (let from = 0; from < bytes; ) {
          const { bytesWritten } = await writeAsync(
            segment.file,
            full,
            from,
            bytes - from,
            segment.size + from,
          )
          from += bytesWritten
        }
        await syncAsync(segment.file)
        settle(done, segment, bytes)
      } catch (error) {
        fail(done, error)
      }
    }
  }

  const schedule = (): void => {
    if (durability === 'process') {
      if (isScheduled) return
      isScheduled = true
      setImmediate(writeNow)
      return
    }
    if (writing !== undefined) return
    writing = Promise.resolve()
      .then(writeGroups)
      .finally(() => {
        writing = undefined
        // What came between the last look and now.
        if (group !== undefined) schedule()
      })
  }

  /** Everything that was appended by now is durable or has failed. */
  const drain = async (): Promise<void> => {
    while (group !== undefined || writing !== undefined) {
      if (durability === 'process') writeNow()
      else await writing
    }
  }

  const endedSegments = (): string[] => segmentsIn(folder).filter((name) => name !== current?.name)

  return {
    get lastSequence() {
      return lastSequence
    },
    append: (sequence, payload) => {
      if (failure !== undefined) return Promise.reject(failure)
      if (!(sequence > accepted))
        throw new Error(`record ${sequence} is appended after record ${accepted}: sequence numbers rise`)
      accepted = sequence
      const bytes = FRAME_HEAD + payload.length
      if (used + bytes > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(2 * buffer.length, used + bytes))
        larger.set(buffer.subarray(0, used))
        buffer = larger
      }
      writeFrame(buffer, used, sequence, payload)
      const from = used
      used += bytes
      group ??= startGroup(sequence)
      group.lastSequence = sequence
      schedule()
      return group.written.then(({ segment, offset }) => ({ segment, offset: offset + from }))
    },
    resume: () => {
      if (failure === undefined) return
      if (!cutOff()) throw failure
      // Whether writing works is only known by writing: the next record tells.
      failure = undefined
    },
    async *read(after) {
      const segments = segmentsIn(folder)
      for (let i = 0; i < segments.length; i++) {
        const name = segments[i]!
        const next = segments[i + 1]
        if (next !== undefined && firstOf(next) <= after + 1) continue
        const end = name === current?.name ? current.size : statSync(pathOf(name)).size
        for await (const record of readRecords(folder, name, end, false))
          if (record.sequence > after) yield record
      }
    },
    readAt: ({ segment, offset }) => readRecordAt(folder, segment, offset),
    rotate: async () => {
      await drain()
      endSegment()
      return endedSegments()
    },
    readSegment: (segment) => readRecords(folder, segment, statSync(pathOf(segment)).size, false),
    remove: (segments) =>
      removeSegments(
        folder,
        segments.filter((name) => name !== current?.name),
      ),
    writeDocument: (name, text) => writeDocument(folder, name, text),
    readDocument: (name) => readDocument(folder, name),
    size: async () =>
      segmentsIn(folder).reduce((sum, name) => {
        try {
          return sum + statSync(pathOf(name)).size
        } catch {
          return sum
        }
      }, 0),
    close: async () => {
      await drain()
      endSegment()
      release()
    },
  }
}
