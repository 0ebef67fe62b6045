import type { FeatureTable } from '../../learning/feature-table.ts'
import { scoreLogisticRegressionRows } from '../../learning/logistic-regression.ts'
import type { Model } from '../../learning/model.ts'
import { flattenTrees, marginOfTrees, probabilityOfMargin } from '../../learning/trees/flat-trees.ts'

/** Raw probability (before calibration) of every row, whose columns stand in the order of the model's features. */
export const scoreTable = (model: Model, { columns, rowCount }: FeatureTable): Float64Array => {
  const out = new Float64Array(rowCount)
  if (model.kind === 'logistic_regression') {
    scoreLogisticRegressionRows(model, { names: model.featureNames, columns, rowCount }, out)
    return out
  }
  const trees = flattenTrees(model)
  const vector = new Float64Array(columns.length)
  for (let row = 0; row < rowCount; row++) {
    for (let f = 0; f < vector.length; f++) vector[f] = columns[f]![row]!
    out[row] = probabilityOfMargin(model.link, marginOfTrees(trees, vector))
  }
  return out
}
