import { EVENT_COLUMNS, type EventColumn, type TransactionColumns } from '../../features/transaction-event.ts'

/** Rows of one batch, and labels of one batch. */
export const BATCH_ROWS = 16_384
/** Batches under way at once: one being read, some computed, one written. */
export const BATCH_SLOTS = 4

/** What is known of a label when it is delivered, column by column. */
export const LABEL_COLUMNS = [
  'transactionToken',
  'eventTimeMs',
  'isFraud',
  'merchantToken',
  'deviceToken',
  /** The label is delivered before this row of the batch. */
  'beforeRow',
] as const
export type LabelColumn = (typeof LABEL_COLUMNS)[number]
export type LabelColumns = Readonly<Record<LabelColumn, Float64Array>>

/** A batch in memory that all threads share. Each output value is written by exactly one worker. */
export interface SharedBatch {
  readonly events: TransactionColumns
  readonly labels: LabelColumns
  /** Column by column: feature `f` of row `r` stands at `f * BATCH_ROWS + r`. */
  readonly vectors: Float64Array
}

/** Memory of one batch with `featureCount` features, to be given to threads and mapped by `mapBatch`. */
export const allocateBatch = (featureCount: number): SharedArrayBuffer =>
  new SharedArrayBuffer(
    Float64Array.BYTES_PER_ELEMENT *
      BATCH_ROWS *
      (EVENT_COLUMNS.length + LABEL_COLUMNS.length + featureCount),
  )

export const mapBatch = (memory: SharedArrayBuffer): SharedBatch => {
  const column = (index: number): Float64Array =>
    new Float64Array(memory, index * BATCH_ROWS * Float64Array.BYTES_PER_ELEMENT, BATCH_ROWS)
  const events = Object.fromEntries(EVENT_COLUMNS.map((name, index) => [name, column(index)]))
  const labels = Object.fromEntries(
    LABEL_COLUMNS.map((name, index) => [name, column(EVENT_COLUMNS.length + index)]),
  )
  const vectorsAt =
    (EVENT_COLUMNS.length + LABEL_COLUMNS.length) * BATCH_ROWS * Float64Array.BYTES_PER_ELEMENT
  return {
    events: events as Record<EventColumn, Float64Array>,
    labels: labels as Record<LabelColumn, Float64Array>,
    vectors: new Float64Array(memory, vectorsAt),
  }
}
