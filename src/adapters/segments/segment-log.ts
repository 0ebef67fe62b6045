import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type FolderOwner, holdFolder } from '../../disk/folder-lock.ts'
import { VigiaError } from '../../errors.ts'
import type { Durability, LogPosition, PredictionLog } from '../../ports/prediction-log.ts'
import { readDocument, writeDocument } from './log-documents.ts'
import { FRAME_HEAD, MAX_PAYLOAD, writeFrame } from './record-frame.ts'
import { findEnd } from './segment-end.ts'
import { readRecordAt, readRecords, readSegments } from './segment-files.ts'
import { firstOf, segmentPath, segmentsFolder, segmentsIn } from './segment-names.ts'
import { canBeginWith, continueSegment, createSegment, type SegmentWriter } from './segment-writer.ts'
import { syncFolder } from './sync-folder.ts'

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

const FIRST_BUFFER_BYTES = 1 << 16
/** A buffer that had to grow beyond it is not kept. */
const MOST_BUFFER_BYTES = 4 << 20

/**
 * A log in append-only files. What is appended in one turn of the event loop is written at once, at the end
 * of the turn; with durability `power` what gathers while one write is on its way to the disk is the next.
 *
 * Writing in the event loop takes a third of the time of handing a write to a thread when records come one by
 * one, and no more when they come by hundreds. Waiting for a disk in it would stop everything else.
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

  let release: (() => void) | undefined
  let lastSequence: number
  let current: SegmentWriter | undefined
  try {
    const isNew = !existsSync(folder)
    release = holdFolder(folder, options.owner)
    mkdirSync(segmentsFolder(folder), { recursive: true })
    if (durability === 'power') syncFolder(folder)
    if (durability === 'power' && isNew) syncFolder(dirname(folder))
    const found = continueLog(folder, durability)
    lastSequence = found.lastSequence
    current = found.current
  } catch (error) {
    release?.()
    throw failed(error)
  }

  /** Records of the next write. */
  let buffer = Buffer.allocUnsafe(FIRST_BUFFER_BYTES)
  let used = 0
  let group: Group | undefined
  /** Another buffer, for what comes while one is on its way to the disk. */
  let spare = Buffer.allocUnsafe(FIRST_BUFFER_BYTES)
  let writing: Group | undefined
  let isScheduled = false
  /** What must not meet a write on its way: done as soon as there is none. */
  let betweenWrites: (() => void)[] = []
  let accepted = lastSequence
  let failure: VigiaError | undefined
  let isClosed = false

  /** The segment for records from `sequence` on. */
  const segmentFor = (sequence: number): SegmentWriter => {
    if (current !== undefined && current.size >= segmentBytes) endSegment()
    if (current?.size === 0 && !canBeginWith(current, sequence)) {
      const unused = current
      current = undefined
      unused.discard()
    }
    current ??= createSegment(folder, sequence, durability)
    return current
  }
  const endSegment = (): void => {
    if (current === undefined || current.size === 0) return
    const ended = current
    current = undefined
    ended.end()
  }

  /** The records that wait, in a buffer that takes no more. */
  const takeGroup = (next: Group): Buffer => {
    const bytes = buffer.subarray(0, used)
    group = undefined
    used = 0
    if (durability === 'power') {
      const full = buffer
      buffer = spare
      spare = full
    }
    if (buffer.length > MOST_BUFFER_BYTES) buffer = Buffer.allocUnsafe(FIRST_BUFFER_BYTES)
    writing = next
    return bytes
  }
  const succeed = (done: Group, segment: SegmentWriter, bytes: number): void => {
    const position = { segment: segment.name, offset: segment.size }
    segment.grow(bytes)
    lastSequence = done.lastSequence
    writing = undefined
    done.resolve(position)
  }
  /** Cuts off what was written of a group, and takes nothing more. */
  const fail = (failing: Group, error: unknown): void => {
    failure = failed(error)
    writing = undefined
    failing.reject(failure)
    group?.reject(failure)
    group = undefined
    used = 0
    accepted = lastSequence
    try {
      current?.cutOff()
    } catch {
      // `resume` tries again. Until then nothing is written, and nobody reads beyond the end.
    }
  }

  const writeNow = (): void => {
    isScheduled = false
    if (group === undefined) return
    const next = group
    const bytes = takeGroup(next)
    try {
      const segment = segmentFor(next.firstSequence)
      segment.writeNow(bytes)
      succeed(next, segment, bytes.length)
    } catch (error) {
      fail(next, error)
    }
  }
  const writeToDisk = async (): Promise<void> => {
    while (group !== undefined) {
      const next: Group = group
      const bytes = takeGroup(next)
      try {
        const segment = segmentFor(next.firstSequence)
        await segment.writeToDisk(bytes)
        succeed(next, segment, bytes.length)
      } catch (error) {
        fail(next, error)
      }
      const waiting = betweenWrites
      betweenWrites = []
      for (const work of waiting) work()
    }
    isScheduled = false
  }
  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    setImmediate(durability === 'process' ? writeNow : writeToDisk)
  }

  const closed = (): VigiaError => failed(new Error('it is closed'))
  const throwIfClosed = (): void => {
    if (isClosed) throw closed()
  }
  /** Waits until everything that was appended by now is durable or has failed. */
  const flush = async (): Promise<void> => {
    if (durability === 'process') writeNow()
    await (group ?? writing)?.written.catch(() => undefined)
  }
  /** Does `work` when no write is on its way. */
  const atRest = <T>(work: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const attempt = (): void => {
        try {
          resolve(work())
        } catch (error) {
          reject(failed(error))
        }
      }
      if (writing === undefined) attempt()
      else betweenWrites.push(attempt)
    })
  const guarded = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw failed(error)
    }
  }

  return {
    get lastSequence() {
      return lastSequence
    },
    append: (sequence, payload) => {
      if (isClosed) return Promise.reject(closed())
      if (failure !== undefined) return Promise.reject(failure)
      if (!Number.isSafeInteger(sequence) || sequence <= accepted)
        throw new Error(`record ${sequence} is appended after record ${accepted}: sequence numbers rise`)
      if (payload.length > MAX_PAYLOAD)
        throw new Error(`a record of ${payload.length} bytes is appended; ${MAX_PAYLOAD} are allowed`)
      accepted = sequence
      const from = used
      used += FRAME_HEAD + payload.length
      if (used > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(2 * buffer.length, used))
        larger.set(buffer.subarray(0, from))
        buffer = larger
      }
      writeFrame(buffer, from, sequence, payload)
      group ??= startGroup(sequence)
      group.lastSequence = sequence
      schedule()
      return group.written.then(({ segment, offset }) => ({ segment, offset: offset + from }))
    },
    resume: () => {
      if (failure === undefined) return
      try {
        current?.cutOff()
        assertRoom(folder)
      } catch (error) {
        throw failed(error)
      }
      failure = undefined
    },
    read: (after) =>
      readSegments(folder, after, (name) => (name === current?.name ? { end: current.size } : {})),
    readAt: ({ segment, offset }) => guarded(() => readRecordAt(folder, segment, offset)),
    rotate: async () => {
      throwIfClosed()
      await flush()
      return atRest(() => {
        // What a failed write has left must not become part of an ended segment.
        if (failure !== undefined) current?.cutOff()
        endSegment()
        return segmentsIn(folder).filter((name) => name !== current?.name)
      })
    },
    readSegment: (segment) => readRecords(folder, segment),
    remove: (segments) =>
      atRest(() => {
        throwIfClosed()
        const newest = segmentsIn(folder).at(-1)
        for (const name of segments) {
          if (name === current?.name) continue
          // When nothing is left, the name of an empty segment keeps the number of the last record that there
          // was.
          if (name === newest) current = createSegment(folder, lastSequence + 1, durability)
          rmSync(segmentPath(folder, name), { force: true })
        }
      }),
    writeDocument: (name, text) => guarded(() => writeDocument(folder, name, text, durability)),
    readDocument: (name) => guarded(() => readDocument(folder, name)),
    size: () =>
      guarded(() =>
        segmentsIn(folder).reduce(
          (sum, name) => sum + (statSync(segmentPath(folder, name), { throwIfNoEntry: false })?.size ?? 0),
          0,
        ),
      ),
    close: async () => {
      if (isClosed) return
      isClosed = true
      await flush()
      await atRest(() => {
        const last = current
        current = undefined
        last?.end()
      }).finally(release)
    },
  }
}

/**
 * Finds the end of the log, cuts off what a crash has left after it, and removes segments that were begun and
 * got nothing. What a power failure has left after a hole is kept beside the segment, for people.
 */
const continueLog = (
  folder: string,
  durability: Durability,
): { readonly lastSequence: number; readonly current: SegmentWriter | undefined } => {
  const segments = segmentsIn(folder)
  for (let i = segments.length - 1; i >= 0; i--) {
    const name = segments[i]!
    const end = findEnd(folder, name)
    // All others were removed: its name is what is left of them.
    if (end.bytes === 0 && i === 0)
      return { lastSequence: firstOf(name) - 1, current: continueSegment(folder, name, end, durability) }
    if (end.bytes > 0)
      return { lastSequence: end.lastSequence, current: continueSegment(folder, name, end, durability) }
    rmSync(segmentPath(folder, name))
  }
  return { lastSequence: 0, current: undefined }
}

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

/**
 * Room for some hundred records: with less, a log that could be written again would fail with the next of
 * them.
 */
const ROOM_BYTES = 1 << 20

/** Whether there is room is only known by writing. @throws what the file system says */
const assertRoom = (folder: string): void => {
  const probe = join(folder, '.room')
  try {
    writeFileSync(probe, new Uint8Array(ROOM_BYTES), { flush: true })
  } finally {
    rmSync(probe, { force: true })
  }
}
