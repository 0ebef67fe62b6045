import { LABEL_WIDTH } from '../artifacts/pending-labels.ts'
import { type EventRows, type EventShape, eventWidth } from '../features/transaction-event.ts'

export { LABEL, LABEL_WIDTH, labelInWord } from '../artifacts/pending-labels.ts'

/** Most rows of one batch, and most labels: large enough that an entity has several events in one. */
export const BATCH_ROWS = 65_536
/** Most words of one batch: rows with many attributes come in smaller batches. 80 MiB. */
const BATCH_WORDS = BATCH_ROWS * 160
/** Batches under way at once: one being read, one computed, one written. */
export const BATCH_SLOTS = 3

/** A batch in memory that all threads share. Each output value is written by exactly one worker. */
export interface SharedBatch {
  readonly events: EventRows
  readonly labels: Float64Array
  /** Row after row: feature `f` of row `r` stands at `r * featureCount + f`. */
  readonly vectors: Float64Array
}

/** Words of a label with so many entities of the bank's own, whose tokens stand at its end. */
export const labelWidth = ({ entities }: Pick<EventShape, 'entities'>): number => LABEL_WIDTH + entities

/** What a row of a batch has beside the fields of its event. */
export interface BatchShape extends EventShape {
  readonly features: number
}

const rowWords = (shape: BatchShape): number => eventWidth(shape) + labelWidth(shape) + shape.features

/** Most rows, and most labels, of a batch of this shape: 16 to `BATCH_ROWS`. */
export const rowsOfBatch = (shape: BatchShape): number =>
  Math.max(16, Math.min(BATCH_ROWS, Math.floor(BATCH_WORDS / rowWords(shape))))

const WORD_BYTES = Float64Array.BYTES_PER_ELEMENT

/** Memory of one batch, to be given to threads and mapped by `mapBatch`. */
export const allocateBatch = (shape: BatchShape): SharedArrayBuffer =>
  new SharedArrayBuffer(WORD_BYTES * rowsOfBatch(shape) * rowWords(shape))

/** The batch in memory that was allocated with the same shape. */
export const mapBatch = (memory: SharedArrayBuffer, shape: BatchShape): SharedBatch => {
  const rows = rowsOfBatch(shape)
  const eventWords = rows * eventWidth(shape)
  const labelWords = rows * labelWidth(shape)
  return {
    events: new Float64Array(memory, 0, eventWords),
    labels: new Float64Array(memory, eventWords * WORD_BYTES, labelWords),
    vectors: new Float64Array(memory, (eventWords + labelWords) * WORD_BYTES),
  }
}
