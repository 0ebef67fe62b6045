import type { DataShape, TrainingData, TrainingRows } from '../learning/algorithm.ts'
import type { LabelledTable } from './learning-messages.ts'

/** `data` with every column in memory that threads share: what lies there already is not copied. */
export const shareData = (data: TrainingData): TrainingData => ({
  ...shareRows(data),
  ...(data.validation && { validation: shareRows(data.validation) }),
})

/** `rows` with every column in memory that threads share. */
export const shareTable = ({ table, labels }: LabelledTable): LabelledTable => ({
  table: { ...table, columns: table.columns.map(sharedNumbers) },
  labels: isShared(labels) ? labels : sharedBytes(labels),
})

const shareRows = ({ table, labels, weights }: TrainingRows): TrainingRows => ({
  table: { ...table, columns: table.columns.map(sharedNumbers) },
  // Labels that are no bytes are sent as they are: what is neither 0 nor 1 must arrive, to be refused.
  labels: isShared(labels) ? labels : labels instanceof Uint8Array ? sharedBytes(labels) : Array.from(labels),
  ...(weights && { weights: sharedNumbers(weights) }),
})

/** Bytes that `shareData` would copy. */
export const bytesToShare = ({ validation, ...data }: TrainingData): number =>
  bytesOf(data) + (validation === undefined ? 0 : bytesOf(validation))

export const shapeOf = ({ table, validation }: TrainingData): DataShape => ({
  rows: table.rowCount,
  validationRows: validation?.table.rowCount ?? 0,
  features: table.columns.length,
})

const bytesOf = ({ table, labels, weights }: TrainingRows): number =>
  table.columns.reduce((sum, column) => sum + (isShared(column) ? 0 : column.byteLength), 0) +
  (isShared(labels) ? 0 : labels.length) +
  (weights === undefined || isShared(weights) ? 0 : weights.byteLength)

const isShared = (values: ArrayLike<number>): boolean =>
  ArrayBuffer.isView(values) && values.buffer instanceof SharedArrayBuffer

const sharedNumbers = (values: Float64Array): Float64Array => {
  if (isShared(values)) return values
  const shared = new Float64Array(new SharedArrayBuffer(values.byteLength))
  shared.set(values)
  return shared
}

const sharedBytes = (values: Uint8Array): Uint8Array => {
  const shared = new Uint8Array(new SharedArrayBuffer(values.byteLength))
  shared.set(values)
  return shared
}
