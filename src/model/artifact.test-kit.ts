import type { LogisticRegressionModel } from '../learning/logistic-regression.ts'
import type { TreeEnsembleModel } from '../learning/trees/tree-ensemble.ts'

export const LINEAR: LogisticRegressionModel = {
  kind: 'logistic_regression',
  featureNames: ['amount', 'category'],
  means: [10, 12],
  scales: [2.5, 6.1],
  coefficients: [0.1, -1 / 3],
  intercept: -2,
  iterations: 6,
  converged: true,
}

/**
 * amount < 100: then -1. Otherwise categories 0 and 2 give 0.5, the others 2. Missing amounts are left,
 * missing categories right.
 */
export const TREES: TreeEnsembleModel = {
  kind: 'gradient_boosting',
  featureNames: ['amount', 'category'],
  link: 'logistic',
  base: -1,
  trees: [
    {
      feature: [0, -1, 1, -1, -1],
      threshold: [100, 0, 0, 0, 0],
      left: [1, 0, 3, 0, 0],
      missingLeft: [1, 0, 0, 0, 0],
      value: [0, -1, 0, 0.5, 2],
      cover: [10, 6, 4, 1, 3],
      gain: [5, 0, 2, 0, 0],
      categories: { '2': [0, 2] },
    },
    {
      feature: [0, -1, -1],
      threshold: [0.1 + 0.2, 0, 0],
      left: [1, 0, 0],
      missingLeft: [0, 0, 0],
      value: [0, -1 / 3, 1 / 7],
      cover: [10, 5, 5],
      gain: [1, 0, 0],
    },
  ],
}

export { contentsOf } from '../testing/artifact-contents.ts'
