import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlLiteral } from '../disk/database.ts'
import { EVENT_FIELDS, EVENT_SOURCES, type EventField } from '../features/transaction-event.ts'
import { isTextKind, TRANSACTION_FIELDS } from '../transaction/fields.ts'
import { FIELD_SQL } from '../transaction/prepared-columns.ts'
import { ChunkCursor } from './chunk-cursor.ts'
import {
  CarriedLabels,
  type CarriedTime,
  type LabelFeed,
  labelSql,
  PendingLabels,
  StreamedLabels,
} from './label-feed.ts'
import { BATCH_ROWS, LABEL, LABEL_WIDTH, type SharedBatch } from './shared-batch.ts'

/** Rows and labels that were put into a batch. */
export interface FilledBatch {
  readonly rows: number
  readonly labels: number
}

/** What the whole file is like. */
export interface ArrivalProfile {
  readonly rows: number
  /** Some transaction happened before one that arrived earlier, or a label has a time of its own. */
  readonly isDisordered: boolean
}

export const profileArrivals = async (
  connection: DuckDBConnection,
  prepared: string,
): Promise<ArrivalProfile> => {
  const result = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE, coalesce(bool_or(event_time_ms < previous), false) OR count(labelled_at_ms) > 0
     FROM (SELECT event_time_ms, labelled_at_ms, lag(event_time_ms) OVER () AS previous
           FROM read_parquet(${sqlLiteral(prepared)}))`,
  )
  const [rows, isDisordered] = result.getRows()[0] as [number, boolean]
  return { rows, isDisordered }
}

/**
 * Reads a prepared dataset in arrival order, with the labels merged in where they are delivered
 * (`label-schedule.ts`).
 */
export class ArrivalReader {
  private readonly transactions: ChunkCursor
  private readonly labels: LabelFeed
  private clock: number
  private arrived = 0

  private constructor(transactions: ChunkCursor, labels: LabelFeed, clock: number) {
    this.transactions = transactions
    this.labels = labels
    this.clock = clock
  }

  static async open(
    connections: { readonly transactions: DuckDBConnection; readonly labels: DuckDBConnection },
    prepared: string,
    profile: ArrivalProfile,
    labelDelayMs: number,
    needsLabels: boolean,
    carried?: CarriedTime,
  ): Promise<ArrivalReader> {
    const source = `read_parquet(${sqlLiteral(prepared)})`
    const rows = await connections.transactions.stream(`SELECT ${TRANSACTION_SQL} FROM ${source}`)
    const start = carried?.clock ?? Number.NEGATIVE_INFINITY
    const labels = !needsLabels
      ? new PendingLabels(Number.POSITIVE_INFINITY)
      : profile.isDisordered
        ? new StreamedLabels(await connections.labels.stream(labelSql(source, labelDelayMs, start)))
        : new PendingLabels(labelDelayMs)
    const all = carried === undefined ? labels : new CarriedLabels(carried.labels, labels)
    return new ArrivalReader(new ChunkCursor(rows), all, start)
  }

  /** Where the replay has come to: what a later one needs to go on. */
  async end(): Promise<CarriedTime> {
    return { clock: this.clock, labels: await this.labels.drain() }
  }

  /**
   * Fills `batch` with the next transactions and the labels due among them, at most `limit` of each (1 to
   * `BATCH_ROWS`); 0 rows and 0 labels at the end.
   */
  async fill(batch: SharedBatch, limit = BATCH_ROWS): Promise<FilledBatch> {
    let rows = 0
    let labels = 0
    const chunk = this.transactions
    while (rows < limit && (await chunk.load())) {
      const available = Math.min(chunk.rowCount - chunk.row, limit - rows)
      this.copyTransactions(batch, rows, available)
      for (let i = 0; i < available; i++, rows++) {
        const clock = Math.max(this.clock, batch.events[rows * EVENT_WIDTH]!)
        for (;;) {
          // Awaiting only where a chunk ends keeps the loop synchronous.
          if (this.labels.mustLoad) await this.labels.load()
          if (!this.labels.isDue(clock, this.arrived)) break
          if (labels === limit) {
            // Full of labels: this transaction comes first in the next batch.
            chunk.row += i
            return { rows, labels }
          }
          this.labels.take(batch.labels, labels * LABEL_WIDTH)
          batch.labels[labels * LABEL_WIDTH + LABEL.beforeRow] = rows
          labels++
        }
        this.labels.add(batch.events, rows * EVENT_WIDTH, chunk.column(IS_FRAUD)[chunk.row + i]!)
        this.clock = clock
        this.arrived++
      }
      chunk.row += available
    }
    return { rows, labels }
  }

  private copyTransactions({ events }: SharedBatch, to: number, count: number): void {
    const { transactions } = this
    for (let field = 0; field < EVENT_WIDTH; field++) {
      const column = transactions.column(field)
      let at = to * EVENT_WIDTH + field
      for (let row = transactions.row; row < transactions.row + count; row++, at += EVENT_WIDTH) {
        events[at] = column[row]!
      }
    }
  }
}

/**
 * The column of a prepared dataset for a field of an event: numbers as doubles, text as it is; missing ones
 * too.
 */
const eventSql = (event: EventField): string => {
  const name = EVENT_SOURCES[event]
  const { kind, required } = TRANSACTION_FIELDS.find((field) => field.name === name)!
  if (required) return FIELD_SQL[name]
  return `coalesce(${FIELD_SQL[name]}, ${isTextKind(kind) ? "''" : "'NaN'::DOUBLE"})`
}
const EVENT_WIDTH = EVENT_FIELDS.length
/** The column after the event's: 1 fraud, 0 not, -1 not known. */
const IS_FRAUD = EVENT_WIDTH
const TRANSACTION_SQL = [...EVENT_FIELDS.map(eventSql), 'coalesce(is_fraud, -1)::DOUBLE'].join(', ')
