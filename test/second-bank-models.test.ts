import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTrainingConfig } from '../src/config/config-manager.ts'
import { withDatabase } from '../src/dataset/database.ts'
import { readSource } from '../src/dataset/read-source.ts'
import { splitDataset } from '../src/dataset/split/split-dataset.ts'
import { averagePrecision } from '../src/evaluation/average-precision.ts'
import { rocAuc } from '../src/evaluation/roc-auc.ts'
import { readFeatureSettings } from '../src/features/feature-settings.ts'
import type { ModelKind } from '../src/learning/model.ts'
import { createModelScorer } from '../src/model/scorer.ts'
import { fitOnThreads } from '../src/pipelines/learning/fit-on-threads.ts'
import { fitFeaturesOn } from '../src/pipelines/replay/fit-features.ts'
import { replay } from '../src/pipelines/replay/replay.ts'
import { type FeatureRows, readFeatureRows } from '../src/pipelines/training/feature-rows.ts'
import { algorithmSettings } from '../src/pipelines/training/model-settings.ts'
import golden from './golden/second-bank-models.json' with { type: 'json' }

/**
 * The claim that our models are as good as scikit-learn's and XGBoost's: the handbook's 15 features and protocol on five weeks of
 * second-bank, against figures that test/reference/second-bank-models.py recorded with its own implementation of the features.
 *
 * What may differ: a forest draws its rows and features at random, and XGBoost's and our trees differ where a cut falls in a bin. On one
 * week that moves average precision by several thousandths either way (the recorded forests differ by .001 to .007 from seed to seed),
 * so the promise, .005, is held by the mean over the weeks, and each week is held to three times that.
 */
describe.each([
  ['logistic_regression', 'logistic_regression', { c: 1 }, 1],
  ['random_forest', 'random_forest', { trees: 100, max_depth: 0 }, 2],
  ['random_forest', 'random_forest_depth_20', { trees: 100, max_depth: 20 }, 2],
  ['gradient_boosting', 'xgboost_exact_eta_0.1_depth_3', { trees: 100, learning_rate: 0.1, max_depth: 3 }, 1],
  ['gradient_boosting', 'xgboost_exact_eta_0.3_depth_6', { trees: 100, learning_rate: 0.3, max_depth: 6 }, 1],
] as const)('%s against %s', (name, reference, changes, seeds) => {
  let own: readonly { readonly roc_auc: number; readonly average_precision: number }[]
  beforeAll(async () => {
    own = await judge(name, changes, seeds)
  }, 300_000)

  it.each(['roc_auc', 'average_precision'] as const)('has its mean %s to .005', (figure) => {
    const recorded = golden.splits.map(({ models }) => models[reference][figure].mean)
    const difference = mean(own.map((figures) => figures[figure])) - mean(recorded)
    expect(Math.abs(difference)).toBeLessThan(0.005)
    own.forEach((figures, split) => {
      expect(Math.abs(figures[figure] - recorded[split]!), `split ${split}`).toBeLessThan(0.015)
    })
  })
})

it('boosting with equally filled bins loses what ours keeps', () => {
  const of = (reference: 'xgboost_hist_eta_0.1_depth_3' | 'xgboost_exact_eta_0.1_depth_3'): number =>
    mean(golden.splits.map(({ models }) => models[reference].average_precision.mean))
  expect(of('xgboost_exact_eta_0.1_depth_3') - of('xgboost_hist_eta_0.1_depth_3')).toBeGreaterThan(0.005)
})

const folder = mkdtempSync(join(tmpdir(), 'vigia-second-bank-models-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Week {
  readonly train: FeatureRows
  readonly test: FeatureRows
}

let weeks: readonly Week[]
beforeAll(async () => {
  weeks = await readWeeks()
}, 300_000)

const load = (assignments: readonly string[]) =>
  loadTrainingConfig({
    file: {
      name: 'training_config.yaml',
      directory: resolve('examples/second-bank'),
      text: readFileSync('examples/second-bank/training_config.yaml', 'utf8'),
    },
    environment: {},
    assignments,
    workingDirectory: resolve('.'),
  }).settings

/** Figures on the test rows of each week, means over the seeds. */
const judge = async (name: ModelKind, changes: Readonly<Record<string, unknown>>, seeds: number) => {
  const { models } = load([])
  const { enabled: _, grid: __, ...defaults } = models[name] as Readonly<Record<string, unknown>>
  const settings = algorithmSettings({ ...defaults, ...changes })
  const figures: { roc_auc: number; average_precision: number }[] = []
  for (const { train, test } of weeks) {
    const sums = { roc_auc: 0, average_precision: 0 }
    for (let seed = 1; seed <= seeds; seed++) {
      const model = await fitOnThreads({
        algorithm: name,
        data: train,
        settings,
        seed,
        threads: 2,
        memoryLimitBytes: 2e9,
      })
      const scores = new Float64Array(test.table.rowCount)
      createModelScorer(model, { method: 'none' }).scoreMany(test.table, scores)
      sums.roc_auc += rocAuc(test.labels, scores) / seeds
      sums.average_precision += averagePrecision(test.labels, scores) / seeds
    }
    figures.push(sums)
  }
  return figures
}

const DAY_MS = 86_400_000
const FIRST_DAY_MS = Date.UTC(2018, 3, 1)

/** The features once, then the rows of each week and of the week that is tested 14 days later. */
const readWeeks = async (): Promise<readonly Week[]> => {
  const settings = load([])
  const database = { threads: 2, memoryLimit: '2GB', tempDirectory: folder }
  const path = (name: string) => join(folder, name)
  const files = { prepared: path('prepared.parquet'), features: path('features.parquet') }
  return withDatabase(database, async (connection) => {
    await readSource(
      connection,
      settings.source,
      { preparedPath: files.prepared, quarantinePath: path('quarantine.jsonl') },
      { workingDirectory: resolve('.'), signal: new AbortController().signal },
    )
    const features = readFeatureSettings(settings.features, settings.labels)
    const { featureNames } = await replay({
      prepared: files.prepared,
      out: files.features,
      settings: features,
      fitted: await fitFeaturesOn(connection, files.prepared, 'true', features),
      workers: 2,
      database,
    })
    const read: Week[] = []
    for (const { first_day: firstDay, train, test } of golden.splits) {
      const split = path(`split-${firstDay}.parquet`)
      // The protocol's test week is the part called validation, because the exclusion of known cards is the same there, and the part
      // called test is a day that nobody looks at.
      const date = (day: number) => `'${new Date(FIRST_DAY_MS + day * DAY_MS).toISOString().slice(0, 10)}'`
      const dates = {
        train_from: 0,
        train_to: 7,
        validation_from: 14,
        validation_to: 21,
        test_from: 28,
        test_to: 29,
      }
      const chosen = load(
        Object.entries(dates).map(([name, day]) => `split.dates.${name}=${date(firstDay + day)}`),
      )
      await splitDataset(connection, files.prepared, chosen.split, chosen.labels, 1, split)
      const part = (name: string) => readFeatureRows(connection, { ...files, split }, name, featureNames)
      const week = { train: await part('train'), test: await part('validation') }
      expect(week.train.table.rowCount).toBe(train.rows)
      expect(week.test.table.rowCount).toBe(test.rows)
      read.push(week)
    }
    return read
  })
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
