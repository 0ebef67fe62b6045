import type { LogisticRegressionModel } from './logistic-regression.ts'
import type { ImportedKind, TreeEnsembleModel } from './trees/tree-ensemble.ts'

/** Any fitted model, as plain data. */
export type Model = LogisticRegressionModel | TreeEnsembleModel

/** What Vigía trains. */
export type ModelKind = Exclude<Model['kind'], ImportedKind>
