import {
  type DuckDBConnection,
  DuckDBDoubleVector,
  type DuckDBResult,
  type DuckDBVector,
} from '@duckdb/node-api'
import { sqlLiteral } from '../../dataset/database.ts'
import { readTokens } from '../../dataset/text-tokens.ts'
import { EVENT_FIELDS, type EventField } from '../../features/transaction-event.ts'
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
 * Reads a prepared dataset in arrival order, with the labels merged in where they become known.
 *
 * The clock of a replay is the latest event time that has arrived. A label is delivered before the first transaction at whose
 * arrival the clock has reached `labelled_at` (or event time + delay), and never before its own transaction.
 */
export class ArrivalReader {
  private readonly transactions: Cursor
  private readonly labels: Cursor
  private clock = Number.NEGATIVE_INFINITY
  private arrived = 0

  private constructor(transactions: Cursor, labels: Cursor) {
    this.transactions = transactions
    this.labels = labels
  }

  static async open(
    connections: { readonly transactions: DuckDBConnection; readonly labels: DuckDBConnection },
    prepared: string,
    profile: ArrivalProfile,
    labelDelayMs: number,
    needsLabels: boolean,
  ): Promise<ArrivalReader> {
    const source = `read_parquet(${sqlLiteral(prepared)})`
    const transactions = await connections.transactions.stream(`SELECT ${TRANSACTION_SQL} FROM ${source}`)
    const labels = needsLabels
      ? await connections.labels.stream(labelSql(source, profile.isDisordered, labelDelayMs))
      : undefined
    return new ArrivalReader(new Cursor(transactions), new Cursor(labels))
  }

  /** Fills `batch` with the next transactions and the labels due among them; 0 rows and 0 labels at the end. */
  async fill(batch: SharedBatch): Promise<FilledBatch> {
    let rows = 0
    let labels = 0
    while (rows < BATCH_ROWS) {
      if (!(await this.transactions.load())) break
      const chunk = this.transactions
      const available = Math.min(chunk.rowCount - chunk.row, BATCH_ROWS - rows)
      this.copyTransactions(batch, rows, available)
      for (let i = 0; i < available; i++) {
        const clock = Math.max(this.clock, batch.events[rows * EVENT_WIDTH]!)
        // Awaiting only where a chunk ends keeps the loop synchronous.
        while (this.labels.row < this.labels.rowCount || (await this.labels.load())) {
          if (!this.isLabelDue(clock)) break
          if (labels === BATCH_ROWS) {
            // Full of labels: this transaction comes first in the next batch.
            chunk.row += i
            return { rows, labels }
          }
          this.copyLabel(batch, labels++, rows)
        }
        this.clock = clock
        this.arrived++
        rows++
      }
      chunk.row += available
    }
    return { rows, labels }
  }

  private isLabelDue(clock: number): boolean {
    const { labels } = this
    return labels.column(0)[labels.row]! <= clock && labels.column(1)[labels.row]! < this.arrived
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

  private copyLabel({ labels: into }: SharedBatch, index: number, beforeRow: number): void {
    const { labels } = this
    const from = labels.row++
    const at = index * LABEL_WIDTH
    into[at + LABEL.eventTimeMs] = labels.column(2)[from]!
    into[at + LABEL.isFraud] = labels.column(3)[from]!
    into[at + LABEL.transactionToken] = labels.column(4)[from]!
    into[at + LABEL.merchantToken] = labels.column(5)[from]!
    into[at + LABEL.deviceToken] = labels.column(6)[from]!
    into[at + LABEL.beforeRow] = beforeRow
  }
}

const text = (name: string): string => `coalesce(${name}, '')`

/** The column of a prepared dataset for each field of an event: numbers as doubles, text as it is. */
const FIELD_SQL: Readonly<Record<EventField, string>> = {
  eventTimeMs: 'event_time_ms::DOUBLE',
  amountMinor: 'amount_minor::DOUBLE',
  transactionToken: 'transaction_id',
  userToken: 'user_id',
  merchantToken: text('merchant_id'),
  categoryToken: text('merchant_category'),
  typeToken: text('transaction_type'),
  deviceToken: text('device_id'),
  deviceTypeToken: text('device_type'),
  locationToken: text('location'),
  latitude: `coalesce(latitude, 'NaN'::DOUBLE)`,
  longitude: `coalesce(longitude, 'NaN'::DOUBLE)`,
}
const EVENT_WIDTH = EVENT_FIELDS.length
const TRANSACTION_SQL = EVENT_FIELDS.map((field) => FIELD_SQL[field]).join(', ')

/** due, arrival, event time, is_fraud, transaction, merchant, device; in the order of delivery. */
const labelSql = (source: string, isDisordered: boolean, delayMs: number): string => {
  const columns = `arrival::DOUBLE, event_time_ms::DOUBLE, is_fraud::DOUBLE, transaction_id, ${text('merchant_id')}, ${text('device_id')}`
  if (!isDisordered) {
    return `SELECT (event_time_ms + ${delayMs})::DOUBLE, ${columns} FROM ${source} WHERE is_fraud IS NOT NULL`
  }
  return `SELECT greatest(coalesce(labelled_at_ms, event_time_ms + ${delayMs}), clock)::DOUBLE AS due, ${columns}
    FROM (SELECT *, max(event_time_ms) OVER (ORDER BY arrival ROWS UNBOUNDED PRECEDING) AS clock FROM ${source})
    WHERE is_fraud IS NOT NULL ORDER BY due, arrival`
}

/** A place in a stream of chunks. Columns are read once per chunk, when first asked for. */
class Cursor {
  row = 0
  rowCount = 0
  private isDone = false
  private readonly result: DuckDBResult | undefined
  private vectors: DuckDBVector[] = []
  private readonly columns: (Float64Array | undefined)[] = []

  constructor(result: DuckDBResult | undefined) {
    this.result = result
  }

  /** Makes sure that there is a row at `row`; false at the end. */
  async load(): Promise<boolean> {
    while (this.row >= this.rowCount && !this.isDone) {
      const chunk = await this.result?.fetchChunk()
      if (!chunk || chunk.rowCount === 0) {
        this.isDone = true
        break
      }
      this.row = 0
      this.rowCount = chunk.rowCount
      this.vectors = Array.from({ length: chunk.columnCount }, (_, index) => chunk.getColumnVector(index))
      this.columns.fill(undefined)
    }
    return !this.isDone
  }

  /** Column `index` of the chunk as numbers; of text its tokens. */
  column(index: number): Float64Array {
    let column = this.columns[index]
    if (column === undefined) {
      column = readColumn(this.vectors[index]!, this.rowCount)
      this.columns[index] = column
    }
    return column
  }
}

const readColumn = (vector: DuckDBVector, rowCount: number): Float64Array => {
  if (vector instanceof DuckDBDoubleVector) {
    return (vector as unknown as { readonly items: Float64Array }).items
  }
  const tokens = new Float64Array(rowCount)
  readTokens(vector, rowCount, tokens, 0)
  return tokens
}
