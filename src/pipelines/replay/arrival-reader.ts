import type { DuckDBConnection, DuckDBResult, DuckDBVector } from '@duckdb/node-api'
import { sqlLiteral } from '../../dataset/database.ts'
import { readTokens } from '../../dataset/text-tokens.ts'
import { BATCH_ROWS, type SharedBatch } from './shared-batch.ts'

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
        const clock = Math.max(this.clock, batch.events.eventTimeMs[rows]!)
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
    return labels.number(0)[labels.row]! <= clock && labels.number(1)[labels.row]! < this.arrived
  }

  private copyTransactions({ events }: SharedBatch, to: number, count: number): void {
    const { transactions } = this
    const from = transactions.row
    const numbers = (index: number) => transactions.number(index).subarray(from, from + count)
    events.eventTimeMs.set(numbers(0), to)
    events.amountMinor.set(numbers(1), to)
    events.latitude.set(numbers(2), to)
    events.longitude.set(numbers(3), to)
    TOKEN_COLUMNS.forEach((column, index) => {
      events[column].set(transactions.tokens(4 + index).subarray(from, from + count), to)
    })
  }

  private copyLabel({ labels: into }: SharedBatch, at: number, beforeRow: number): void {
    const { labels } = this
    const from = labels.row++
    into.eventTimeMs[at] = labels.number(2)[from]!
    into.isFraud[at] = labels.number(3)[from]!
    into.transactionToken[at] = labels.tokens(4)[from]!
    into.merchantToken[at] = labels.tokens(5)[from]!
    into.deviceToken[at] = labels.tokens(6)[from]!
    into.beforeRow[at] = beforeRow
  }
}

const TOKEN_COLUMNS = [
  'transactionToken',
  'userToken',
  'merchantToken',
  'categoryToken',
  'typeToken',
  'deviceToken',
  'deviceTypeToken',
  'locationToken',
] as const

const text = (name: string): string => `coalesce(${name}, '')`

const TRANSACTION_SQL = [
  'event_time_ms::DOUBLE',
  'amount_minor::DOUBLE',
  `coalesce(latitude, 'NaN'::DOUBLE)`,
  `coalesce(longitude, 'NaN'::DOUBLE)`,
  'transaction_id',
  'user_id',
  ...['merchant_id', 'merchant_category', 'transaction_type', 'device_id', 'device_type', 'location'].map(
    text,
  ),
].join(', ')

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

/** A place in a stream of chunks. Token columns are read once per chunk. */
class Cursor {
  row = 0
  rowCount = 0
  private isDone = false
  private readonly result: DuckDBResult | undefined
  private vectors: DuckDBVector[] = []
  private readonly tokenColumns: (Float64Array | undefined)[] = []

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
      this.tokenColumns.fill(undefined)
    }
    return !this.isDone
  }

  number(index: number): Float64Array {
    return (this.vectors[index] as unknown as { readonly items: Float64Array }).items
  }

  tokens(index: number): Float64Array {
    let tokens = this.tokenColumns[index]
    if (tokens === undefined) {
      tokens = new Float64Array(this.rowCount)
      readTokens(this.vectors[index]!, this.rowCount, tokens, 0)
      this.tokenColumns[index] = tokens
    }
    return tokens
  }
}
