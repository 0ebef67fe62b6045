import { describe, expect, test } from 'vitest'
import { loadTrainingConfig } from '../src/config/config-manager.ts'
import { ModelsSchema } from '../src/config/sections/models.ts'
import { findXgboostLibrary } from '../src/fitting/xgboost/find-library.ts'
import { librarySearchHere } from '../src/fitting/xgboost/library-search.ts'
import { fitAlone, soloCrew, type TrainingData } from '../src/learning/algorithm.ts'
import { ALGORITHMS } from '../src/learning/algorithms/index.ts'
import type { ModelKind } from '../src/learning/model.ts'
import { algorithmSettings, modelSettings } from '../src/pipelines/training/model-settings.ts'
import { problem } from '../src/testing/learning-problems.ts'

const found = await findXgboostLibrary(
  librarySearchHere({ setting: '', environment: process.env, projectDirectory: process.cwd() }),
)
const { models } = loadTrainingConfig({
  environment: {},
  assignments: [],
  workingDirectory: process.cwd(),
}).settings

/** Decide whether, where and how often a model is trained, and not what it learns. */
const NOT_LEARNT_FROM = ['enabled', 'grid', 'library']

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
const CHANGES: Readonly<Record<ModelKind, Changes>> = {
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
    features_per_split: { features_per_split: 1 },
    class_weight: { class_weight: 'balanced' },
    row_share: { row_share: 0.3 },
    max_bins: { max_bins: 4 },
  },
  gradient_boosting: { ...BOOSTING, monotone: { monotone: { feature_2: 'increasing' } } },
  xgboost: { ...BOOSTING, l1: { l1: 20 }, tree_method: { tree_method: 'exact' } },
}

describe.each(Object.keys(ALGORITHMS) as ModelKind[])('settings of %s', (name) => {
  const algorithm = ALGORITHMS[name]!
  const defaults = modelSettings(models[name])
  const settingsOf = (change: Readonly<Record<string, unknown>>) =>
    ({
      ...algorithmSettings({ ...defaults, ...change } as typeof defaults),
      ...(name === 'xgboost' && 'path' in found && { library: found.path }),
    }) as never
  const data = { ...problem(400), validation: problem(100, 2) }
  const learn = (change: Readonly<Record<string, unknown>>, on: TrainingData = data) =>
    JSON.stringify(fitAlone(algorithm, on, settingsOf(change), 7))
  const names = Object.keys(ModelsSchema.properties[name].properties).filter(
    (setting) => !NOT_LEARNT_FROM.includes(setting),
  )
  const unavailable =
    name === 'xgboost' && 'missing' in found ? `: skipped, no library was found: ${found.advice}` : ''

  test('are those of the configuration', () => {
    expect(Object.keys(CHANGES[name]).sort()).toEqual(names.sort())
  })

  test.skipIf(unavailable)(`each of them changes what is learnt${unavailable}`, () => {
    const usual = learn({})
    expect(names.filter((setting) => learn(CHANGES[name][setting] ?? {}) === usual)).toEqual([])
  })

  test.skipIf(unavailable)(`shared memory is what the estimate says, and enough${unavailable}`, () => {
    for (const change of [{}, ...('row_share' in defaults ? [{ row_share: 0.5 }] : [])]) {
      const settings = settingsOf(change)
      const shape = { rows: 400, validationRows: 100, features: 3 }
      const estimate = algorithm.memory(shape, settings, 1)
      // A write past the end of a typed array is dropped without a word: with room to spare it would count.
      const roomy = Object.fromEntries(
        Object.entries(estimate).map(([part, bytes]) => [part, 2 * Math.ceil(bytes / 8) * 8]),
      )
      const fitIn = (bytes: Readonly<Record<string, number>>) =>
        JSON.stringify(algorithm.assemble([algorithm.fit(data, settings, 7, soloCrew(bytes)) as never]))
      expect(fitIn(roomy)).toBe(fitIn(estimate))
    }
  })

  test.skipIf(unavailable)(`more rows are never estimated to take less${unavailable}`, () => {
    const bytes = (rows: number, features: number) => {
      const shape = { rows, validationRows: rows, features }
      const shared = Object.values(algorithm.memory(shape, settingsOf({}), 1))
      return (
        shared.reduce((sum, part) => sum + part, 0) + (algorithm.ownMemory?.(shape, settingsOf({}), 1) ?? 0)
      )
    }
    for (const rows of [10, 1000, 100_000]) {
      expect(bytes(rows, 3)).toBeGreaterThan(0)
      expect(bytes(rows + 1, 3)).toBeGreaterThanOrEqual(bytes(rows, 3))
      expect(bytes(rows, 4)).toBeGreaterThanOrEqual(bytes(rows, 3))
    }
  })
})

test('logistic regression asks for its standardised rows with ones, and for the weights of its rows', () => {
  const shape = { rows: 1000, validationRows: 0, features: 3 }
  expect(ALGORITHMS.logistic_regression!.ownMemory?.(shape, {} as never, 1)).toBe(1000 * (3 + 1 + 1) * 8)
})

type Changes = Readonly<Record<string, Readonly<Record<string, unknown>>>>
