import type { DuckDBResult } from '@duckdb/node-api'
import { type EventRows, eventFieldAt } from '../../features/transaction-event.ts'
import { ChunkCursor } from './chunk-cursor.ts'
import { LABEL, LABEL_WIDTH } from './shared-batch.ts'

/**
 * Labels in the order in which they become known.
 *
 * A label is due when the clock has reached the time at which it becomes known and its own transaction has arrived.
 */
export interface LabelFeed {
  /** `isDue` needs `load` first. */
  readonly mustLoad: boolean
  load(): Promise<unknown>
  /** Is the next label due at `clock`, when transactions 0 to `arrived - 1` have arrived? */
  isDue(clock: number, arrived: number): boolean
  /** Moves the next label to `into[at...]`; `beforeRow` is the caller's to fill. */
  take(into: Float64Array, at: number): void
  /** A transaction has arrived: the event at `events[at...]`; `isFraud` is -1 when nobody will ever know. */
  add(events: EventRows, at: number, isFraud: number): void
}

const TIME = eventFieldAt('eventTimeMs')
const ID = eventFieldAt('transactionToken')
const MERCHANT = eventFieldAt('merchantToken')
const DEVICE = eventFieldAt('deviceToken')

/**
 * For data in event-time order whose labels all have the same delay: they become known in the order of their transactions, so those
 * of the last `delayMs` wait in a queue. Memory: 48 bytes per transaction of that time.
 */
export class PendingLabels implements LabelFeed {
  readonly mustLoad = false
  private readonly delayMs: number
  private queue = new Float64Array(1024 * LABEL_WIDTH)
  private first = 0
  private size = 0

  constructor(delayMs: number) {
    this.delayMs = delayMs
  }

  async load(): Promise<void> {}

  isDue(clock: number): boolean {
    return this.size > 0 && this.queue[this.first * LABEL_WIDTH + LABEL.eventTimeMs]! + this.delayMs <= clock
  }

  take(into: Float64Array, at: number): void {
    const from = this.first * LABEL_WIDTH
    for (let word = 0; word < LABEL_WIDTH; word++) into[at + word] = this.queue[from + word]!
    this.first = (this.first + 1) % this.room
    this.size--
  }

  add(events: EventRows, at: number, isFraud: number): void {
    if (isFraud < 0 || this.delayMs === Number.POSITIVE_INFINITY) return
    if (this.size === this.room) this.grow()
    const to = ((this.first + this.size) % this.room) * LABEL_WIDTH
    this.queue[to + LABEL.transactionToken] = events[at + ID]!
    this.queue[to + LABEL.eventTimeMs] = events[at + TIME]!
    this.queue[to + LABEL.isFraud] = isFraud
    this.queue[to + LABEL.merchantToken] = events[at + MERCHANT]!
    this.queue[to + LABEL.deviceToken] = events[at + DEVICE]!
    this.size++
  }

  private get room(): number {
    return this.queue.length / LABEL_WIDTH
  }

  private grow(): void {
    const larger = new Float64Array(this.queue.length * 2)
    const head = this.queue.subarray(this.first * LABEL_WIDTH)
    larger.set(head)
    larger.set(this.queue.subarray(0, this.first * LABEL_WIDTH), head.length)
    this.queue = larger
    this.first = 0
  }
}

/** For any other data: DuckDB sorts the labels by the time at which they are due (`labelSql`). */
export class StreamedLabels implements LabelFeed {
  private readonly cursor: ChunkCursor

  constructor(result: DuckDBResult) {
    this.cursor = new ChunkCursor(result)
  }

  get mustLoad(): boolean {
    return this.cursor.row >= this.cursor.rowCount && !this.cursor.isDone
  }

  load(): Promise<unknown> {
    return this.cursor.load()
  }

  isDue(clock: number, arrived: number): boolean {
    const { cursor } = this
    if (cursor.row >= cursor.rowCount) return false
    return cursor.column(0)[cursor.row]! <= clock && cursor.column(1)[cursor.row]! < arrived
  }

  take(into: Float64Array, at: number): void {
    const { cursor } = this
    const from = cursor.row++
    into[at + LABEL.eventTimeMs] = cursor.column(2)[from]!
    into[at + LABEL.isFraud] = cursor.column(3)[from]!
    into[at + LABEL.transactionToken] = cursor.column(4)[from]!
    into[at + LABEL.merchantToken] = cursor.column(5)[from]!
    into[at + LABEL.deviceToken] = cursor.column(6)[from]!
  }

  add(): void {}
}

/** Labels of `source` with the time they are due, their transaction's arrival, and what `StreamedLabels` takes, in order. */
export const labelSql = (source: string, delayMs: number): string =>
  `SELECT greatest(coalesce(labelled_at_ms, event_time_ms + ${delayMs}), clock)::DOUBLE AS due, arrival::DOUBLE,
          event_time_ms::DOUBLE, is_fraud::DOUBLE, transaction_id, coalesce(merchant_id, ''), coalesce(device_id, '')
   FROM (SELECT *, max(event_time_ms) OVER (ORDER BY arrival ROWS UNBOUNDED PRECEDING) AS clock FROM ${source})
   WHERE is_fraud IS NOT NULL ORDER BY due, arrival`
