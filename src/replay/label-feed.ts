import type { DuckDBResult } from '@duckdb/node-api'
import { knownWord } from '../artifacts/pending-labels.ts'
import { type EventRows, type EventShape, eventFieldAt, eventWidth } from '../features/transaction-event.ts'
import { ChunkCursor } from './chunk-cursor.ts'
import {
  DELIVERY_ORDER,
  isLabelDue,
  type LabelScheduleOptions,
  labelSchedule,
  type Unlabelled,
} from './label-schedule.ts'
import { LABEL, LABEL_WIDTH, labelWidth } from './shared-batch.ts'

/** Labels in the order in which they are delivered: the rule is that of `label-schedule.ts`. */
export interface LabelFeed {
  /** `isDue` needs `load` first. */
  readonly mustLoad: boolean
  load(): Promise<unknown>
  /** Is the next label due at `clock`, when transactions 0 to `arrived - 1` have arrived? */
  isDue(clock: number, arrived: number): boolean
  /** Moves the next label to `into[at...]`; `beforeRow` is the caller's to fill. */
  take(into: Float64Array, at: number): void
  /** When the next label is due; Infinity when there is none at hand. */
  dueAt(): number
  /**
   * All labels not taken yet, in order, as the words of a pending label each: for a replay that goes on where
   * this one ends.
   */
  drain(): Promise<Float64Array>
  /** A transaction has arrived: the event at `events[at...]`; `isFraud` is -1 when nobody will ever know. */
  add(events: EventRows, at: number, isFraud: number): void
}

/**
 * Where a replay ended: its clock, and the labels that were not due by it (as `LabelFeed.drain` gives them).
 */
export interface CarriedTime {
  readonly clock: number
  readonly labels: Float64Array
}

/*
 * A pending label has the words of a label in a batch, with the time it is due in the place of `beforeRow`.
 */
const DUE = LABEL.beforeRow

/** What feeds must know of events: how long rows are, and so labels. */
type Shape = EventShape

const TIME = eventFieldAt('eventTimeMs')
const ID = eventFieldAt('transactionToken')
const MERCHANT = eventFieldAt('merchantToken')
const DEVICE = eventFieldAt('deviceToken')

/**
 * For data in event-time order whose labels all have the same delay: by the rule they are delivered in the
 * order of their transactions, so those of the last `delayMs` wait in a queue. Memory: 48 bytes per
 * transaction of that time.
 */
export class PendingLabels implements LabelFeed {
  readonly mustLoad = false
  private readonly delayMs: number
  private readonly unlabelled: Unlabelled
  private readonly width: number
  /** Where the tokens of the bank's own entities begin in a row. */
  private readonly tokensAt: number
  private queue: Float64Array
  private first = 0
  private size = 0

  /** @param unlabelled whether transactions without a label become genuine */
  constructor(delayMs: number, shape: Shape, unlabelled: Unlabelled = undefined) {
    this.delayMs = delayMs
    this.unlabelled = unlabelled
    this.width = labelWidth(shape)
    this.tokensAt = eventWidth(shape) - shape.entities
    this.queue = new Float64Array(1024 * this.width)
  }

  async load(): Promise<void> {}

  isDue(clock: number): boolean {
    return this.dueAt() <= clock
  }

  dueAt(): number {
    if (this.size === 0) return Number.POSITIVE_INFINITY
    return this.queue[this.first * this.width + LABEL.eventTimeMs]! + this.delayMs
  }

  async drain(): Promise<Float64Array> {
    const rows = new Float64Array(this.size * this.width)
    for (let at = 0; this.size > 0; at += this.width) {
      const due = this.dueAt()
      this.take(rows, at)
      rows[at + DUE] = due
    }
    return rows
  }

  take(into: Float64Array, at: number): void {
    const from = this.first * this.width
    for (let word = 0; word < this.width; word++) into[at + word] = this.queue[from + word]!
    this.first = (this.first + 1) % this.room
    this.size--
  }

  add(events: EventRows, at: number, isFraud: number): void {
    if (this.delayMs === Number.POSITIVE_INFINITY) return
    if (isFraud < 0 && this.unlabelled === undefined) return
    if (this.size === this.room) this.grow()
    const to = ((this.first + this.size) % this.room) * this.width
    this.queue[to + LABEL.transactionToken] = events[at + ID]!
    this.queue[to + LABEL.eventTimeMs] = events[at + TIME]!
    this.queue[to + LABEL.isFraud] = Math.max(isFraud, 0)
    this.queue[to + LABEL.merchantToken] = events[at + MERCHANT]!
    this.queue[to + LABEL.deviceToken] = events[at + DEVICE]!
    for (let own = LABEL_WIDTH; own < this.width; own++)
      this.queue[to + own] = events[at + this.tokensAt + own - LABEL_WIDTH]!
    this.size++
  }

  private get room(): number {
    return this.queue.length / this.width
  }

  private grow(): void {
    const larger = new Float64Array(this.queue.length * 2)
    const head = this.queue.subarray(this.first * this.width)
    larger.set(head)
    larger.set(this.queue.subarray(0, this.first * this.width), head.length)
    this.queue = larger
    this.first = 0
  }
}

/** For any other data: DuckDB sorts the labels by the time at which they are due (`labelSql`). */
export class StreamedLabels implements LabelFeed {
  private readonly cursor: ChunkCursor
  private readonly width: number

  constructor(result: DuckDBResult, shape: Shape) {
    this.cursor = new ChunkCursor(result)
    this.width = labelWidth(shape)
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
    const label = { dueMs: cursor.column(0)[cursor.row]!, arrival: cursor.column(1)[cursor.row]! }
    return isLabelDue(label, clock, arrived)
  }

  dueAt(): number {
    const { cursor } = this
    return cursor.row < cursor.rowCount ? cursor.column(0)[cursor.row]! : Number.POSITIVE_INFINITY
  }

  async drain(): Promise<Float64Array> {
    const rows: number[] = []
    const row = new Float64Array(this.width)
    while (await this.cursor.load()) {
      const due = this.dueAt()
      this.take(row, 0)
      row[DUE] = due
      rows.push(...row)
    }
    return Float64Array.from(rows)
  }

  take(into: Float64Array, at: number): void {
    const { cursor } = this
    const from = cursor.row++
    into[at + LABEL.eventTimeMs] = cursor.column(2)[from]!
    into[at + LABEL.isFraud] = cursor.column(3)[from]!
    into[at + LABEL.transactionToken] = cursor.column(4)[from]!
    into[at + LABEL.merchantToken] = cursor.column(5)[from]!
    into[at + LABEL.deviceToken] = cursor.column(6)[from]!
    for (let own = LABEL_WIDTH; own < this.width; own++)
      into[at + own] = cursor.column(7 + own - LABEL_WIDTH)[from]!
  }

  add(): void {}
}

/**
 * Labels that an earlier replay left pending, merged with those of the data at hand by the time they are due.
 */
export class CarriedLabels implements LabelFeed {
  private readonly carried: Float64Array
  private readonly next: LabelFeed
  private readonly width: number
  private at = 0

  /** `carried` is what `drain` gave. */
  constructor(carried: Float64Array, next: LabelFeed, shape: Shape) {
    this.carried = carried
    this.next = next
    this.width = labelWidth(shape)
  }

  get mustLoad(): boolean {
    return this.next.mustLoad
  }

  load(): Promise<unknown> {
    return this.next.load()
  }

  isDue(clock: number, arrived: number): boolean {
    return this.isCarriedFirst() ? this.carriedDue() <= clock : this.next.isDue(clock, arrived)
  }

  dueAt(): number {
    return Math.min(this.carriedDue(), this.next.dueAt())
  }

  take(into: Float64Array, at: number): void {
    if (!this.isCarriedFirst()) {
      this.next.take(into, at)
      return
    }
    for (let word = 0; word < this.width; word++) into[at + word] = this.carried[this.at + word]!
    this.at += this.width
  }

  async drain(): Promise<Float64Array> {
    const rest = [this.carried.subarray(this.at), await this.next.drain()]
    const rows = rest.flatMap((words) =>
      Array.from({ length: words.length / this.width }, (_, row) =>
        words.subarray(row * this.width, (row + 1) * this.width),
      ),
    )
    // Stable: of equally due labels the carried come first, as they arrived first.
    rows.sort((a, b) => a[DUE]! - b[DUE]!)
    const sorted = new Float64Array(rows.length * this.width)
    rows.forEach((row, index) => {
      sorted.set(row, index * this.width)
    })
    return sorted
  }

  add(events: EventRows, at: number, isFraud: number): void {
    this.next.add(events, at, isFraud)
  }

  private carriedDue(): number {
    return this.at < this.carried.length ? this.carried[this.at + DUE]! : Number.POSITIVE_INFINITY
  }

  private isCarriedFirst(): boolean {
    const due = this.carriedDue()
    return due !== Number.POSITIVE_INFINITY && due <= this.next.dueAt()
  }
}

/** A label with what was known before, as `labelInWord` reads it. */
const WORD = `(coalesce(is_fraud, -1) + CASE known WHEN 0 THEN ${knownWord(false)} WHEN 1 THEN ${knownWord(true)} ELSE 0 END)`

/**
 * What `StreamedLabels` takes of the labels of `source`, in order; `own` are the ids of the bank's own
 * entities, as SQL.
 */
export const labelSql = (
  source: string,
  options: LabelScheduleOptions,
  own: readonly string[] = [],
): string =>
  `SELECT due, arrival::DOUBLE, event_time_ms::DOUBLE, ${WORD}::DOUBLE,
          ${["transaction_id, coalesce(merchant_id, ''), coalesce(device_id, '')", ...own].join(', ')}
   FROM ${labelSchedule(source, options)} ORDER BY ${DELIVERY_ORDER}`
