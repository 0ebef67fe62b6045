import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTrainingConfig } from '../src/config/config-manager.ts'
import { readSource } from '../src/dataset/read-source.ts'
import { splitDataset } from '../src/dataset/split/split-dataset.ts'
import type { SplitReport } from '../src/dataset/split/split-report.ts'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../src/disk/database.ts'
import { unwatched, unwatchedWork } from '../src/disk/work.ts'
import { evaluate, type PartEvaluation, type RowsToEvaluate } from '../src/evaluation/evaluate.ts'
import { readFeatureSettings } from '../src/features/feature-settings.ts'
import type { FeatureTable } from '../src/learning/feature-table.ts'
import {
  fitLogisticRegression,
  type LogisticRegressionModel,
  scoreLogisticRegressionRows,
} from '../src/learning/logistic-regression.ts'
import { fitFeaturesOn } from '../src/replay/fit-features.ts'
import { replay } from '../src/replay/replay.ts'
import { DEFAULT_AMOUNTS } from '../src/transaction/amount-rules.ts'
import golden from './golden/second-bank-sklearn.json' with { type: 'json' }

/**
 * The claim that the first model is worth what it should be: from another bank's export, through our reader,
 * split, feature engine, logistic regression and metrics, to the figures that Python reaches with
 * scikit-learn and its own implementation of the handbook's definitions
 * (test/reference/second-bank-sklearn.py, which uses nothing of ours).
 *
 * What may differ: the optimum is the same, so only sums in another order and where each optimiser stops.
 * Hence rows and frauds are equal, features agree to rounding, and ROC-AUC and average precision to far less
 * than the .002 that is promised.
 */
describe('second-bank with the card-fraud handbook’s features and protocol', () => {
  it('has the same rows and frauds in each part', () => {
    expect(job.split.rows).toBe(golden.rows)
    const parts = job.split.parts.map(({ part, rows, frauds }) => ({ part, rows, frauds }))
    expect(parts.slice(0, 3)).toEqual([
      { part: 'train', rows: golden.train.rows, frauds: golden.train.frauds },
      { part: 'validation', rows: golden.validation.rows, frauds: golden.validation.frauds },
      { part: 'test', rows: golden.test.rows, frauds: golden.test.frauds },
    ])
  })

  it('waits for labels between the parts, so the split has nothing to warn of', () => {
    expect(job.split.warnings).toEqual([])
  })

  it.each(Object.entries(golden.features))(
    'has the same mean and spread of %s in training',
    (name, expected) => {
      const column = job.train.table.names.indexOf(name)
      expect(job.model.means[column]).toBeCloseTo(expected.mean, 8)
      expect(job.model.scales[column]).toBeCloseTo(expected.scale, 8)
    },
  )

  it.each(Object.entries(golden.features))('gives %s the same weight', (name, { coefficient }) => {
    const column = job.model.featureNames.indexOf(name)
    expect(job.model.coefficients[column]).toBeCloseTo(coefficient, 4)
  })

  it.each(['validation', 'test'] as const)('is worth the same on the %s part', (part) => {
    const { rocAuc, averagePrecision } = job[part]
    expect(Math.abs(rocAuc! - golden[part].roc_auc)).toBeLessThan(0.002)
    expect(Math.abs(averagePrecision! - golden[part].average_precision)).toBeLessThan(0.002)
  })

  it.each(['validation', 'test'] as const)('finds as many cards a day in the %s part', (part) => {
    expect(job[part].perfectDailyPrecision).toBeCloseTo(
      golden[part].card_precision_at_100_of_a_perfect_model,
      12,
    )
    // One card more or less on one of seven days is .0014.
    expect(job[part].dailyPrecision).toBeCloseTo(golden[part].card_precision_at_100, 2)
  })
})

interface Part extends Omit<RowsToEvaluate, 'scores'> {
  readonly table: FeatureTable
}

interface Job {
  readonly split: SplitReport
  readonly train: Part
  readonly model: LogisticRegressionModel
  readonly validation: PartEvaluation
  readonly test: PartEvaluation
}

const folder = mkdtempSync(join(tmpdir(), 'vigia-second-bank-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let job: Job
beforeAll(async () => {
  job = await runJob()
})

/** The steps of `vigia run` on examples/second-bank, without what validates, cleans and stores. */
const runJob = async (): Promise<Job> => {
  const { settings } = loadTrainingConfig({
    file: {
      name: 'training_config.yaml',
      directory: resolve('examples/second-bank'),
      text: readFileSync('examples/second-bank/training_config.yaml', 'utf8'),
    },
    environment: {},
    assignments: [],
    workingDirectory: resolve('.'),
  })
  const database = { threads: 2, memoryLimit: '2GB', tempDirectory: folder }
  const path = (name: string) => join(folder, name)
  const prepared = path('prepared.parquet')
  return withDatabase(database, async (connection) => {
    await readSource(
      connection,
      settings.source,
      { preparedPath: prepared, quarantinePath: path('quarantine.jsonl') },
      { workingDirectory: resolve('.'), work: unwatched() },
    )
    const split = await splitDataset(
      connection,
      prepared,
      settings.split,
      settings.labels,
      1,
      path('split.parquet'),
    )
    const features = readFeatureSettings(settings.features, settings.labels, DEFAULT_AMOUNTS)
    const training = `arrival IN (SELECT arrival FROM read_parquet(${sqlLiteral(path('split.parquet'))}) WHERE part = 'train')`
    const { featureNames } = await replay({
      prepared,
      out: path('features.parquet'),
      settings: features,
      fitted: await fitFeaturesOn(connection, prepared, training, features),
      workers: 2,
      work: unwatchedWork(database),
    })
    const readPart = async (part: string): Promise<Part> => {
      const columns = ['is_fraud', 'event_time_ms', ...featureNames]
      const result = await connection.runAndReadAll(
        `SELECT user_id, ${columns.map((name) => `${sqlIdentifier(name)}::DOUBLE`).join(', ')}
         FROM read_parquet(${sqlLiteral(path('features.parquet'))}) POSITIONAL JOIN read_parquet(${sqlLiteral(path('split.parquet'))})
         WHERE part = ${sqlLiteral(part)} ORDER BY arrival`,
      )
      const [users, labels, times, ...values] = result.getColumnsJS() as [
        string[],
        number[],
        number[],
        ...number[][],
      ]
      return {
        entities: users,
        labels: Uint8Array.from(labels),
        eventTimesMs: Float64Array.from(times),
        table: {
          names: featureNames,
          rowCount: users.length,
          columns: values.map((column) => Float64Array.from(column, (value) => value ?? Number.NaN)),
        },
      }
    }
    const train = await readPart('train')
    const {
      c,
      class_weight: classWeight,
      max_iterations: maxIterations,
      tolerance,
    } = settings.models.logistic_regression
    const model = fitLogisticRegression(train.table, train.labels, {
      c,
      classWeight,
      maxIterations,
      tolerance,
    })
    const judge = async (part: 'validation' | 'test'): Promise<PartEvaluation> => {
      const { table, ...rows } = await readPart(part)
      const scores = new Float64Array(table.rowCount)
      scoreLogisticRegressionRows(model, table, scores)
      const { top_k: k, curve_points: curvePoints, histogram_bins: histogramBins } = settings.evaluation
      const firstDayMs = split.windows![part]!.fromMs
      return evaluate({ ...rows, scores }, { threshold: 0.5, k, firstDayMs, curvePoints, histogramBins })
    }
    return { split, train, model, validation: await judge('validation'), test: await judge('test') }
  })
}
