import type { FeatureTable } from '../learning/feature-table.ts'
import type { Model } from '../learning/model.ts'
import { createExplainer } from '../model/explain/create-explainer.ts'

/** Rows that are explained at most: the mean of a thousand is sure to a few hundredths of a share. */
const MOST_ROWS = 1000

/**
 * Share of each feature in what moves the scores of rows: the mean size of its SHAP values over rows spread
 * evenly, over the sum of all. All 0 where nothing moves them.
 */
export const importanceOfRows = (model: Model, table: FeatureTable): Readonly<Record<string, number>> => {
  const { names, columns, rowCount } = table
  const explainer = createExplainer(model)
  const sums = new Float64Array(columns.length)
  const contributions = new Float64Array(columns.length)
  const rows = Math.min(MOST_ROWS, rowCount)
  for (let i = 0; i < rows; i++) {
    const row = Math.floor((i * rowCount) / rows)
    const vector = Float64Array.from(columns, (column) => column[row]!)
    explainer.explainOne(vector, 0, contributions)
    for (let f = 0; f < sums.length; f++) sums[f]! += Math.abs(contributions[f]!)
  }
  const all = sums.reduce((sum, one) => sum + one, 0)
  return Object.fromEntries(names.map((name, f) => [name, all > 0 ? sums[f]! / all : 0]))
}
