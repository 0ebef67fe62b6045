import type { LogisticRegressionModel } from './logistic-regression.ts'
import type { TreeEnsembleModel } from './trees/tree-ensemble.ts'

/** Any fitted model, as plain data. */
export type Model = LogisticRegressionModel | TreeEnsembleModel

export type ModelKind = Model['kind']
