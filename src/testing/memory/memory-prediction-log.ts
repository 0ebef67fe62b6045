import { VigiaError } from '../../errors.ts'
import type { LogPosition, LogReader, LogRecord, PredictionLog } from '../../ports/prediction-log.ts'
import type { LogPlace } from '../prediction-log/log-law.ts'

/** A place in memory where one process at a time opens a log. `disk.fill()` makes every write fail. */
export const createMemoryLogPlace = (): LogPlace & { readonly disk: NonNullable<LogPlace['disk']> } => {
  const files: LogFiles = { segments: new Map(), documents: new Map(), lastSequence: 0, isFull: false }
  return {
    open: async () => new MemoryLog(files),
    reader: () => readerOf(files),
    disk: {
      fill: () => {
        files.isFull = true
      },
      free: () => {
        files.isFull = false
      },
    },
  }
}

/** What outlives the processes that open the log. */
interface LogFiles {
  /** Records by the name of their segment, oldest first. */
  readonly segments: Map<string, LogRecord[]>
  readonly documents: Map<string, string>
  lastSequence: number
  isFull: boolean
}

class MemoryLog implements PredictionLog {
  private readonly files: LogFiles
  /** Name of the segment that is written to; undefined before the first record and after `rotate`. */
  private current: string | undefined
  /** Sequence number of the last record that was taken, durable or not. */
  private given: number
  private isClosed = false
  /** A write has failed, and nobody has said `resume`. */
  private isFailed = false

  constructor(files: LogFiles) {
    this.files = files
    this.given = files.lastSequence
  }

  get lastSequence(): number {
    return this.files.lastSequence
  }

  append(sequence: number, payload: Uint8Array): Promise<LogPosition> {
    if (this.isClosed) return Promise.reject(failed('it is closed'))
    if (this.isFailed) return Promise.reject(failed('an earlier write has failed'))
    if (!Number.isSafeInteger(sequence) || sequence <= this.given)
      throw new Error(`sequence numbers rise: ${sequence} does not come after ${this.given}`)
    this.given = sequence
    return this.write(sequence, new Uint8Array(payload))
  }

  resume(): void {
    if (this.files.isFull) throw failed('there is no room')
    this.isFailed = false
  }

  read(after: number): AsyncIterable<LogRecord> {
    return readerOf(this.files).read(after)
  }

  async readAt({ segment, offset }: LogPosition): Promise<LogRecord | undefined> {
    return this.files.segments.get(segment)?.find(({ position }) => position.offset === offset)
  }

  async rotate(): Promise<readonly string[]> {
    if (this.isClosed) throw failed('it is closed')
    await written()
    this.current = undefined
    return [...this.files.segments.keys()]
  }

  async *readSegment(segment: string): AsyncGenerator<LogRecord> {
    yield* this.files.segments.get(segment) ?? []
  }

  async remove(segments: readonly string[]): Promise<void> {
    for (const segment of segments) if (segment !== this.current) this.files.segments.delete(segment)
  }

  async writeDocument(name: string, text: string): Promise<void> {
    if (!/^[a-z0-9-]+$/.test(name)) throw new Error(`a document cannot have the name ${JSON.stringify(name)}`)
    if (this.files.isFull) throw failed('there is no room')
    this.files.documents.set(name, text)
  }

  async readDocument(name: string): Promise<string | undefined> {
    return this.files.documents.get(name)
  }

  async size(): Promise<number> {
    const records = [...this.files.segments.values()].flat()
    return records.reduce((sum, { payload }) => sum + payload.length, 0)
  }

  async close(): Promise<void> {
    await written()
    this.isClosed = true
  }

  /** Durable a turn later, as a disk would have it: nothing may be answered for before. */
  private async write(sequence: number, payload: Uint8Array): Promise<LogPosition> {
    await undefined
    if (this.isFailed || this.files.isFull) {
      this.isFailed = true
      this.given = this.files.lastSequence
      throw failed('there is no room')
    }
    this.current ??= `${String(sequence).padStart(12, '0')}.log`
    const records = this.files.segments.get(this.current) ?? []
    this.files.segments.set(this.current, records)
    const before = records.at(-1)
    const offset = before === undefined ? 0 : before.position.offset + before.payload.length + 1
    const position = { segment: this.current, offset }
    records.push({ sequence, payload, position })
    this.files.lastSequence = sequence
    return position
  }
}

const readerOf = ({ segments, documents }: LogFiles): LogReader => ({
  async *read(after) {
    for (const records of segments.values())
      for (const record of records) if (record.sequence > after) yield record
  },
  segments: async () => [...segments.keys()],
  readSegment: async function* (segment) {
    yield* segments.get(segment) ?? []
  },
  readRest: async () => undefined,
  readDocument: async (name) => documents.get(name),
  documentNames: async () => [...documents.keys()].sort(),
})

/** Whatever was appended before is durable, or has failed, when this resolves. */
const written = async (): Promise<void> => undefined

const failed = (reason: string): VigiaError =>
  new VigiaError('SERVING_LOG_FAILED', { folder: 'memory', reason })
