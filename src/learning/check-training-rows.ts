import { VigiaError } from '../errors.ts'
import type { FeatureTable } from './feature-table.ts'

/**
 * Makes sure that rows can be learnt from.
 *
 * @throws LEARNING_NO_ROWS; LEARNING_LENGTHS_DIFFER unless there is one label and one weight a row;
 * LEARNING_LABEL_INVALID with the first label that is not 0 or 1; LEARNING_WEIGHT_INVALID with the first
 * weight that is negative or no number; LEARNING_ONE_CLASS unless both classes have a row with a weight above
 * 0
 */
export const checkTrainingRows = (
  table: FeatureTable,
  labels: ArrayLike<number>,
  weights: Float64Array | undefined,
): void => {
  if (table.rowCount === 0) throw new VigiaError('LEARNING_NO_ROWS', {})
  for (const length of [labels.length, weights?.length ?? table.rowCount]) {
    if (length !== table.rowCount) {
      throw new VigiaError('LEARNING_LENGTHS_DIFFER', { rows: table.rowCount, got: length })
    }
  }
  let rows = 0
  let frauds = 0
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!
    if (label !== 0 && label !== 1) throw new VigiaError('LEARNING_LABEL_INVALID', { row, got: label })
    const weight = weights?.[row] ?? 1
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY))
      throw new VigiaError('LEARNING_WEIGHT_INVALID', { row, got: weight })
    if (weight === 0) continue
    rows++
    frauds += label
  }
  if (frauds === 0 || frauds === rows) throw new VigiaError('LEARNING_ONE_CLASS', { rows, frauds })
}
