import { loadTrainingConfig } from '../src/config/config-manager.ts'
import { findXgboostLibrary } from '../src/fitting/xgboost/find-library.ts'
import { librarySearchHere } from '../src/fitting/xgboost/library-search.ts'
import type { ModelKind } from '../src/learning/model.ts'
import type { AlgorithmSubject } from '../src/testing/algorithm/algorithm-law.ts'

/*
 * What the contract suites must know of each algorithm that its code does not say: how far the laws bind it,
 * and what changes a model of it. A new algorithm has its two entries here, and no other line in any test.
 */

const found = await findXgboostLibrary(
  librarySearchHere({ setting: '', environment: process.env, projectDirectory: process.cwd() }),
)

/** Where the default settings of each model come from. */
export const MODELS = loadTrainingConfig({
  environment: {},
  assignments: [],
  workingDirectory: process.cwd(),
}).settings.models

/** Settings that are known on this machine alone. */
export const HERE: Partial<Readonly<Record<ModelKind, Readonly<Record<string, unknown>>>>> =
  'path' in found ? { xgboost: { library: found.path } } : {}

/** How far each law binds each algorithm. */
export const BOUNDS: Readonly<Record<ModelKind, Omit<AlgorithmSubject, 'algorithm' | 'settings'>>> = {
  logistic_regression: {
    drawing: 'it never draws',
    orderOfRows: 1e-9,
    weightsAsRepetition: 1e-9,
    constantFeature: 1e-9,
    blindToAbsence: 'a missing value stands at the mean of its feature',
    blindToCodes: 'it weighs codes like numbers',
  },
  random_forest: {
    drawing: {},
    orderOfRows: 'rows are drawn by their numbers',
    weightsAsRepetition: 'a row n times is drawn n times on average, another draw',
    constantFeature: 'the features of a split are drawn among one more',
  },
  gradient_boosting: {
    drawing: { rowShare: 0.5 },
    orderOfRows: 0,
    weightsAsRepetition: 0,
    constantFeature: 0,
  },
  xgboost: {
    drawing: { rowShare: 0.5 },
    orderOfRows: 1e-5,
    weightsAsRepetition: 1e-5,
    constantFeature: 0,
    ...('missing' in found && { unavailable: `no library was found: ${found.advice}` }),
  },
}

const BOOSTING: Changes = {
  trees: { trees: 3 },
  learning_rate: { learning_rate: 0.5 },
  max_depth: { max_depth: 1 },
  min_child_weight: { min_child_weight: 20 },
  l2: { l2: 50 },
  min_gain: { min_gain: 5 },
  row_share: { row_share: 0.5 },
  column_share: { column_share: 0.4 },
  early_stopping_rounds: { early_stopping_rounds: 1 },
  class_weight: { class_weight: 'balanced' },
  max_bins: { max_bins: 4 },
}

/**
 * For each setting, a change of it that changes the model learnt from `problem`. A new setting has its line
 * here.
 */
export const CHANGES: Readonly<Record<ModelKind, Changes>> = {
  logistic_regression: {
    c: { c: 0.01 },
    class_weight: { class_weight: 'balanced' },
    max_iterations: { max_iterations: 1 },
    tolerance: { tolerance: 0.1 },
  },
  random_forest: {
    trees: { trees: 3 },
    max_depth: { max_depth: 1 },
    min_leaf_rows: { min_leaf_rows: 40 },
    category_penalty: { category_penalty: 0 },
    features_per_split: { features_per_split: 1 },
    class_weight: { class_weight: 'balanced' },
    row_share: { row_share: 0.3 },
    max_bins: { max_bins: 4 },
  },
  gradient_boosting: {
    ...BOOSTING,
    category_penalty: { category_penalty: 0 },
    monotone: { monotone: { feature_2: 'increasing' } },
  },
  xgboost: { ...BOOSTING, l1: { l1: 20 }, tree_method: { tree_method: 'exact' } },
}

type Changes = Readonly<Record<string, Readonly<Record<string, unknown>>>>
