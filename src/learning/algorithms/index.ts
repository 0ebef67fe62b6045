import type { Algorithm } from '../algorithm.ts'
import type { ModelKind } from '../model.ts'
import { gradientBoosting } from './gradient-boosting.ts'
import { logisticRegression } from './logistic-regression.ts'
import { randomForest } from './random-forest.ts'
import { xgboost } from './xgboost.ts'

/**
 * Every algorithm by its name in the configuration's `models` section, in the order in which they are
 * trained.
 */
export const ALGORITHMS: Readonly<Record<ModelKind, Algorithm<never>>> = {
  logistic_regression: logisticRegression,
  random_forest: randomForest,
  gradient_boosting: gradientBoosting,
  xgboost,
}
