import type { FeatureTable } from '../learning/feature-table.ts'
import type { Model } from '../learning/model.ts'
import { createModelScorer } from '../model/scorer.ts'

/**
 * Raw probability (before calibration) of every row, whose columns stand in the order of the model's
 * features.
 */
export const scoreTable = (model: Model, table: FeatureTable): Float64Array => {
  const raw = new Float64Array(table.rowCount)
  createModelScorer(model, { method: 'none' }).scoreMany(table, raw)
  return raw
}
