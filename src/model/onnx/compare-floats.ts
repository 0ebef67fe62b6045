import type { Calibration } from '../../learning/calibration/calibration.ts'
import type { FeatureTable } from '../../learning/feature-table.ts'
import type { Model } from '../../learning/model.ts'
import { createModelScorer } from '../scorer.ts'
import { calibrationInFloats, inFloats } from './in-floats.ts'
import type { FloatComparison } from './onnx-contents.ts'

/** What probabilities in floats may be beside those in doubles without counting as others: rounding alone. */
export const FLOAT_TOLERANCE = 1e-6

/**
 * Scores the rows with the model, and rounded to floats with the model in floats. Sums are of doubles in
 * both, so what is told is what rounding the input and the model changes; a runtime that adds floats is
 * another 1e-6 or so beside it.
 *
 * Undefined where the model cannot be in floats.
 *
 * @param threshold from which probability a transaction is flagged
 */
export const compareFloats = (
  model: Model,
  calibration: Calibration,
  threshold: number,
  table: FeatureTable,
): FloatComparison | undefined => {
  const rounded = inFloats(model)
  if (rounded === undefined) return undefined
  const { rowCount: rows } = table
  const scores = new Float64Array(rows)
  const ofFloats = new Float64Array(rows)
  createModelScorer(model, calibration).scoreMany(table, scores)
  const columns = table.columns.map((column) => Float64Array.from(column, Math.fround))
  createModelScorer(rounded, calibrationInFloats(calibration)).scoreMany({ ...table, columns }, ofFloats)
  let [differing, flaggedOtherwise, largestDifference] = [0, 0, 0]
  for (let row = 0; row < rows; row++) {
    const difference = Math.abs(scores[row]! - ofFloats[row]!)
    const isOtherwise = scores[row]! >= threshold !== ofFloats[row]! >= threshold
    if (difference > FLOAT_TOLERANCE || isOtherwise) differing++
    if (difference > largestDifference) largestDifference = difference
    if (isOtherwise) flaggedOtherwise++
  }
  return { rows, differing, flaggedOtherwise, largestDifference }
}
