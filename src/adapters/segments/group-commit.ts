import type { VigiaError } from '../../errors.ts'
import type { Durability, LogPosition } from '../../ports/prediction-log.ts'
import type { LogTail } from './log-tail.ts'
import { RecordBuffer } from './record-buffer.ts'
import { MAX_PAYLOAD } from './record-frame.ts'
import type { SegmentWriter } from './segment-writer.ts'

/** How far a log is. Each is the sequence number of a record, inclusive; 0 is before the first. */
export interface LogFrontier {
  /** The last record that was taken: it is durable, on its way to the disk, or waits. */
  accepted: number
  /** The last record that is durable: `durable <= accepted`. */
  durable: number
}

/** Records that are written together. */
interface Group {
  /** Sequence numbers of its first and last record, both inclusive. */
  readonly firstSequence: number
  lastSequence: number
  /** Where they begin, once they are durable. */
  readonly written: Promise<LogPosition>
  resolve(position: LogPosition): void
  reject(error: unknown): void
}

/**
 * Group commit: what is appended in one turn of the event loop is written at once, at the end of the turn.
 * With durability `power` what gathers while one write is on its way to the disk is the next one, and one
 * fsync (the call that brings a file's bytes to the disk itself) serves the whole group.
 *
 * Before each write and after it the log must still be this process's own: a record counts when it was
 * written while nobody else could have the log.
 *
 * It owns the records that wait, who waits for them, the frontier of the log, and the failure that stops it.
 * It does not own segments: it asks the tail for one, writes, and says how many bytes count.
 *
 * Writing in the event loop takes a third of the time of handing a write to a thread when records come one by
 * one, and no more when they come by hundreds. Waiting for a disk in it would stop everything else.
 */
export class GroupCommit {
  readonly frontier: LogFrontier
  /** Why nothing is taken until `resume`; undefined: all is well. */
  failure: VigiaError | undefined
  private readonly tail: LogTail
  private readonly durability: Durability
  private readonly failed: (error: unknown) => VigiaError
  private readonly buffer: RecordBuffer
  /** Whose records are in the buffer; undefined when it is empty. */
  private waiting: Group | undefined
  /** Whose records are on their way to the disk. */
  private writing: Group | undefined
  private isScheduled = false
  /** What must not meet a write on its way: done as soon as there is none. */
  private betweenWrites: (() => void)[] = []
  private readonly write: () => void

  /** @param failed makes an error of the log of what the file system throws */
  constructor(
    tail: LogTail,
    durability: Durability,
    lastSequence: number,
    failed: (error: unknown) => VigiaError,
  ) {
    this.tail = tail
    this.durability = durability
    this.failed = failed
    this.frontier = { accepted: lastSequence, durable: lastSequence }
    this.buffer = new RecordBuffer(durability)
    this.write = durability === 'process' ? () => this.writeNow() : () => void this.writeToDisk()
  }

  /** Takes a record. Resolves when it is durable; rejects when its write failed, as all behind it do. */
  append(sequence: number, payload: Uint8Array): Promise<LogPosition> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    const { accepted } = this.frontier
    if (!Number.isSafeInteger(sequence) || sequence <= accepted)
      throw new Error(`record ${sequence} is appended after record ${accepted}: sequence numbers rise`)
    if (payload.length > MAX_PAYLOAD)
      throw new Error(`a record of ${payload.length} bytes is appended; ${MAX_PAYLOAD} are allowed`)
    this.frontier.accepted = sequence
    const from = this.buffer.add(sequence, payload)
    this.waiting ??= startGroup(sequence)
    this.waiting.lastSequence = sequence
    this.schedule()
    return this.waiting.written.then(({ segment, offset }) => ({ segment, offset: offset + from }))
  }

  /**
   * Takes records again after a failure. @throws what the file system says while it still could not write
   * them
   */
  resume(): void {
    if (this.failure === undefined) return
    this.tail.assertOwned()
    this.tail.cutOff()
    this.tail.requireRoom()
    this.failure = undefined
  }

  /** Waits until everything that was appended by now is durable or has failed. */
  async flush(): Promise<void> {
    if (this.durability === 'process') this.writeNow()
    await (this.waiting ?? this.writing)?.written.catch(() => undefined)
  }

  /** Does `work` when no write is on its way. */
  atRest<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const attempt = (): void => {
        try {
          resolve(work())
        } catch (error) {
          reject(this.failed(error))
        }
      }
      if (this.writing === undefined) attempt()
      else this.betweenWrites.push(attempt)
    })
  }

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    setImmediate(this.write)
  }

  private writeNow(): void {
    this.isScheduled = false
    if (this.waiting === undefined) return
    const group = this.waiting
    const bytes = this.take(group)
    try {
      this.tail.assertInTime()
      const segment = this.tail.segmentFor(group.firstSequence)
      segment.writeNow(bytes)
      // An owner that stood still meanwhile may have written where nobody reads.
      this.tail.assertOwned()
      this.succeed(group, segment, bytes.length)
    } catch (error) {
      this.fail(group, error)
    }
  }

  private async writeToDisk(): Promise<void> {
    while (this.waiting !== undefined) {
      const group: Group = this.waiting
      const bytes = this.take(group)
      try {
        this.tail.assertInTime()
        const segment = this.tail.segmentFor(group.firstSequence)
        await segment.writeToDisk(bytes)
        this.tail.assertOwned()
        this.succeed(group, segment, bytes.length)
      } catch (error) {
        this.fail(group, error)
      }
      const works = this.betweenWrites
      this.betweenWrites = []
      for (const work of works) work()
    }
    this.isScheduled = false
  }

  private take(group: Group): Buffer {
    this.waiting = undefined
    this.writing = group
    return this.buffer.take()
  }

  private succeed(group: Group, segment: SegmentWriter, bytes: number): void {
    const position = { segment: segment.name, offset: segment.size }
    segment.grow(bytes)
    this.frontier.durable = group.lastSequence
    this.writing = undefined
    group.resolve(position)
  }

  /** Cuts off what was written of a group, and takes nothing more. */
  private fail(group: Group, error: unknown): void {
    const failure = this.failed(error)
    this.failure = failure
    this.writing = undefined
    group.reject(failure)
    this.waiting?.reject(failure)
    this.waiting = undefined
    this.buffer.clear()
    this.frontier.accepted = this.frontier.durable
    try {
      this.tail.assertOwned()
      this.tail.cutOff()
    } catch {
      // `resume` tries again. Until then nothing is written, and nobody reads beyond the end.
    }
  }
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
