import type { DuckDBConnection } from '@duckdb/node-api'
import { assertAttributes, preparedTypes } from '../dataset/attribute-columns.ts'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import {
  EVENT_FIELDS,
  EVENT_SOURCES,
  type EventField,
  type EventShape,
  eventShapeOf,
  eventWidth,
} from '../features/transaction-event.ts'
import { type Attribute, attributeColumn, isTextAttribute } from '../transaction/attributes.ts'
import { type Entity, entityIdSql } from '../transaction/entities.ts'
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
import type { Unlabelled } from './label-schedule.ts'
import { BATCH_ROWS, LABEL, labelWidth, type SharedBatch } from './shared-batch.ts'

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

/** @throws DATASET_ATTRIBUTE_MISSING, DATASET_ATTRIBUTE_KIND when the file has not these attributes */
export const profileArrivals = async (
  connection: DuckDBConnection,
  prepared: string,
  attributes: readonly Attribute[] = [],
): Promise<ArrivalProfile> => {
  if (attributes.length > 0) assertAttributes(await preparedTypes(connection, prepared), attributes, prepared)
  const result = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE, coalesce(bool_or(event_time_ms < previous), false) OR count(labelled_at_ms) > 0
     FROM (SELECT event_time_ms, labelled_at_ms, lag(event_time_ms) OVER () AS previous
           FROM read_parquet(${sqlLiteral(prepared)}))`,
  )
  const [rows, isDisordered] = result.getRows()[0] as [number, boolean]
  return { rows, isDisordered }
}

export interface ArrivalOptions {
  /** The Parquet file. */
  readonly prepared: string
  readonly profile: ArrivalProfile
  /** Whose values stand in a row after the fields of an event. */
  readonly attributes: readonly Attribute[]
  /** Whose tokens stand after them. */
  readonly entities: readonly Entity[]
  /** What a transaction reverses stands between the two. */
  readonly reversals?: boolean | undefined
  readonly labelDelayMs: number
  /** Whether transactions without a label become genuine; absent: they stay unknown. */
  readonly unlabelled?: Unlabelled
  readonly needsLabels: boolean
  /** Parquet with the history of labels, where there is one (`LabelScheduleOptions.history`). */
  readonly labelHistory?: string | undefined
  /** Where an earlier replay had come to. */
  readonly carried?: CarriedTime | undefined
}

/**
 * Reads a prepared dataset in arrival order, with the labels merged in where they are delivered
 * (`label-schedule.ts`).
 */
export class ArrivalReader {
  private readonly transactions: ChunkCursor
  private readonly labels: LabelFeed
  private readonly width: number
  private readonly labelWidth: number
  private clock: number
  private arrived = 0

  private constructor(transactions: ChunkCursor, labels: LabelFeed, clock: number, shape: EventShape) {
    this.transactions = transactions
    this.labels = labels
    this.clock = clock
    this.width = eventWidth(shape)
    this.labelWidth = labelWidth(shape)
  }

  static async open(
    connections: { readonly transactions: DuckDBConnection; readonly labels: DuckDBConnection },
    {
      prepared,
      profile,
      labelDelayMs,
      unlabelled,
      needsLabels,
      labelHistory,
      carried,
      ...parts
    }: ArrivalOptions,
  ): Promise<ArrivalReader> {
    const history = labelHistory === undefined ? undefined : `read_parquet(${sqlLiteral(labelHistory)})`
    const source = `read_parquet(${sqlLiteral(prepared)})`
    const shape = eventShapeOf(parts)
    const ids = parts.entities.map(idSql)
    const rows = await connections.transactions.stream(`SELECT ${rowSql(parts, ids)} FROM ${source}`)
    const start = carried?.clock ?? Number.NEGATIVE_INFINITY
    const labels = !needsLabels
      ? new PendingLabels(Number.POSITIVE_INFINITY, shape)
      : profile.isDisordered || history !== undefined
        ? new StreamedLabels(
            await connections.labels.stream(
              labelSql(source, { delayMs: labelDelayMs, startMs: start, unlabelled, history }, ids),
            ),
            shape,
          )
        : new PendingLabels(labelDelayMs, shape, unlabelled)
    const all = carried === undefined ? labels : new CarriedLabels(carried.labels, labels, shape)
    return new ArrivalReader(new ChunkCursor(rows), all, start, shape)
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
    const { width, labelWidth: labelWords } = this
    while (rows < limit && (await chunk.load())) {
      const available = Math.min(chunk.rowCount - chunk.row, limit - rows)
      this.copyTransactions(batch, rows, available)
      for (let i = 0; i < available; i++, rows++) {
        const clock = Math.max(this.clock, batch.events[rows * width]!)
        for (;;) {
          // Awaiting only where a chunk ends keeps the loop synchronous.
          if (this.labels.mustLoad) await this.labels.load()
          if (!this.labels.isDue(clock, this.arrived)) break
          if (labels === limit) {
            // Full of labels: this transaction comes first in the next batch.
            chunk.row += i
            return { rows, labels }
          }
          this.labels.take(batch.labels, labels * labelWords)
          batch.labels[labels * labelWords + LABEL.beforeRow] = rows
          labels++
        }
        this.labels.add(batch.events, rows * width, chunk.column(width)[chunk.row + i]!)
        this.clock = clock
        this.arrived++
      }
      chunk.row += available
    }
    return { rows, labels }
  }

  private copyTransactions({ events }: SharedBatch, to: number, count: number): void {
    const { transactions, width } = this
    for (let field = 0; field < width; field++) {
      const column = transactions.column(field)
      let at = to * width + field
      for (let row = transactions.row; row < transactions.row + count; row++, at += width) {
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

/** An attribute as `TransactionEvent.values` has it; missing text has the token of none. */
const attributeSql = (attribute: Attribute): string => {
  const column = sqlIdentifier(attributeColumn(attribute.name))
  return isTextAttribute(attribute) ? `coalesce(${column}, '')` : `coalesce(${column}::DOUBLE, 'NaN'::DOUBLE)`
}

/** The id of an entity, empty where the transaction names none. */
const idSql = (entity: Entity): string => entityIdSql(entity, attributeColumn)

/** A row of an event, and after it: 1 fraud, 0 not, -1 not known. */
const rowSql = (
  { attributes, reversals }: Pick<ArrivalOptions, 'attributes' | 'reversals'>,
  ids: readonly string[],
): string =>
  [
    ...EVENT_FIELDS.map(eventSql),
    ...attributes.map(attributeSql),
    ...(reversals ? ["coalesce(reverses, '')"] : []),
    ...ids,
    'coalesce(is_fraud, -1)::DOUBLE',
  ].join(', ')
