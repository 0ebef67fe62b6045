import { EVENT_FIELDS, type EventRows } from '../features/transaction-event.ts'

/** Most rows of one batch, and most labels: large enough that an entity has several events in one. */
export const BATCH_ROWS = 65_536
/** Batches under way at once: one being read, one computed, one written. */
export const BATCH_SLOTS = 3

/** What is known of a label when it is delivered, row after row like events. */
export const LABEL_FIELDS = [
  'transactionToken',
  'eventTimeMs',
  'isFraud',
  'merchantToken',
  'deviceToken',
  /** The label is delivered before this row of the batch. */
  'beforeRow',
] as const
export const LABEL_WIDTH = LABEL_FIELDS.length
export const LABEL = {
  transactionToken: 0,
  eventTimeMs: 1,
  isFraud: 2,
  merchantToken: 3,
  deviceToken: 4,
  beforeRow: 5,
} as const satisfies Readonly<Record<(typeof LABEL_FIELDS)[number], number>>

/** A batch in memory that all threads share. Each output value is written by exactly one worker. */
export interface SharedBatch {
  readonly events: EventRows
  readonly labels: Float64Array
  /** Row after row: feature `f` of row `r` stands at `r * featureCount + f`. */
  readonly vectors: Float64Array
}

const WORD_BYTES = Float64Array.BYTES_PER_ELEMENT
const EVENT_WORDS = BATCH_ROWS * EVENT_FIELDS.length
const LABEL_WORDS = BATCH_ROWS * LABEL_WIDTH

/** Memory of one batch with `featureCount` features, to be given to threads and mapped by `mapBatch`. */
export const allocateBatch = (featureCount: number): SharedArrayBuffer =>
  new SharedArrayBuffer(WORD_BYTES * (EVENT_WORDS + LABEL_WORDS + BATCH_ROWS * featureCount))

export const mapBatch = (memory: SharedArrayBuffer): SharedBatch => ({
  events: new Float64Array(memory, 0, EVENT_WORDS),
  labels: new Float64Array(memory, EVENT_WORDS * WORD_BYTES, LABEL_WORDS),
  vectors: new Float64Array(memory, (EVENT_WORDS + LABEL_WORDS) * WORD_BYTES),
})
