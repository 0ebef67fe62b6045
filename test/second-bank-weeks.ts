import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { expect } from 'vitest'
import { loadTrainingConfig } from '../src/config/config-manager.ts'
import type { TrainingSettings } from '../src/config/training-config.ts'
import { readSource } from '../src/dataset/read-source.ts'
import { declareEntities } from '../src/dataset/source-entities.ts'
import { splitDataset } from '../src/dataset/split/split-dataset.ts'
import { sqlLiteral, withDatabase } from '../src/disk/database.ts'
import { unwatched, unwatchedWork } from '../src/disk/work.ts'
import { averagePrecision } from '../src/evaluation/average-precision.ts'
import { rocAuc } from '../src/evaluation/roc-auc.ts'
import { readFeatureSettings, splitEntities } from '../src/features/feature-settings.ts'
import { VOCABULARY_FIELDS } from '../src/features/fitted-features.ts'
import { type FeatureRows, readFeatureRows } from '../src/fitting/feature-rows.ts'
import { fitOnThreads } from '../src/fitting/fit-on-threads.ts'
import type { ModelKind } from '../src/learning/model.ts'
import { createModelScorer } from '../src/model/scorer.ts'
import { algorithmSettings } from '../src/pipelines/training/model-settings.ts'
import { fitFeaturesOn } from '../src/replay/fit-features.ts'
import { replay } from '../src/replay/replay.ts'
import { DEFAULT_AMOUNTS } from '../src/transaction/amount-rules.ts'
import golden from './golden/second-bank-models.json' with { type: 'json' }

/** A week or more to train on, a week until its labels are known, and a week to test on. */
export interface Week {
  readonly train: FeatureRows
  readonly test: FeatureRows
}

/** What a model is worth on the test rows of one week. */
export interface WeekFigures {
  readonly roc_auc: number
  readonly average_precision: number
}

/** Settings of an example of second-bank. */
export const settingsOf = (config: string, assignments: readonly string[] = []): TrainingSettings =>
  loadTrainingConfig({
    file: {
      name: basename(config),
      directory: resolve(dirname(config)),
      text: readFileSync(config, 'utf8'),
    },
    environment: {},
    assignments,
    workingDirectory: resolve('.'),
  }).settings

/** Figures on the test rows of each week, means over the seeds. */
export const judgeWeeks = async (
  weeks: readonly Week[],
  name: ModelKind,
  model: Readonly<Record<string, unknown>>,
  seeds: number,
): Promise<readonly WeekFigures[]> => {
  const { enabled: _, grid: __, ...settings } = model
  const figures: WeekFigures[] = []
  for (const { train, test } of weeks) {
    const sums = { roc_auc: 0, average_precision: 0 }
    for (let seed = 1; seed <= seeds; seed++) {
      const fitted = await fitOnThreads({
        algorithm: name,
        data: train,
        settings: algorithmSettings(settings),
        seed,
        threads: 2,
        memoryLimitBytes: 2e9,
        work: unwatched(),
      })
      const scores = new Float64Array(test.table.rowCount)
      createModelScorer(fitted, { method: 'none' }).scoreMany(test.table, scores)
      sums.roc_auc += rocAuc(test.labels, scores) / seeds
      sums.average_precision += averagePrecision(test.labels, scores) / seeds
    }
    figures.push(sums)
  }
  return figures
}

const DAY_MS = 86_400_000
const FIRST_DAY_MS = Date.UTC(2018, 3, 1)
const dayMs = (day: number): number => FIRST_DAY_MS + day * DAY_MS

/**
 * The first recorded weeks of second-bank with the features of an example: features once, then the rows of
 * each week.
 *
 * @param trainingDays how many days end where the recorded week of training ends; the rows of the test are
 *   the recorded ones whatever it is
 */
export const readWeeks = async (
  config: string,
  count: number,
  trainingDays = 7,
): Promise<readonly Week[]> => {
  const settings = settingsOf(config)
  const folder = mkdtempSync(join(tmpdir(), 'vigia-weeks-'))
  const database = { threads: 2, memoryLimit: '2GB', tempDirectory: folder }
  const path = (name: string) => join(folder, name)
  const files = { prepared: path('prepared.parquet'), features: path('features.parquet') }
  const read = withDatabase(database, async (connection) => {
    await readSource(
      connection,
      settings.source,
      { preparedPath: files.prepared, quarantinePath: path('quarantine.jsonl') },
      { workingDirectory: resolve('.'), work: unwatched() },
    )
    const { entities } = declareEntities(settings.entities, settings.source, settings.features)
    const features = readFeatureSettings(settings.features, settings.labels, DEFAULT_AMOUNTS, {
      categories: VOCABULARY_FIELDS,
      attributes: [],
      ...splitEntities(entities),
    })
    const { featureNames } = await replay({
      prepared: files.prepared,
      out: files.features,
      settings: features,
      fitted: await fitFeaturesOn(connection, files.prepared, 'true', features),
      workers: 2,
      work: unwatchedWork(database),
    })
    const weeks: Week[] = []
    for (const { first_day: firstDay, train, test } of golden.splits.slice(0, count)) {
      const recorded = path(`recorded-${firstDay}.parquet`)
      const split = path(`split-${firstDay}.parquet`)
      // The protocol's test week is the part called validation, because the exclusion of known cards is the
      // same there, and the part called test is a day that nobody looks at.
      const date = (day: number) => `'${new Date(dayMs(day)).toISOString().slice(0, 10)}'`
      const dates = {
        train_from: 0,
        train_to: 7,
        validation_from: 14,
        validation_to: 21,
        test_from: 28,
        test_to: 29,
      }
      const chosen = settingsOf(
        config,
        Object.entries(dates).map(([name, day]) => `split.dates.${name}=${date(firstDay + day)}`),
      )
      await splitDataset(connection, files.prepared, chosen.split, chosen.labels, 1, recorded)
      await connection.run(
        `COPY (
           SELECT CASE WHEN event_time_ms < ${dayMs(firstDay + 7)}
             THEN if(event_time_ms >= ${dayMs(firstDay + 7 - trainingDays)}, 'train', 'none') ELSE part END AS part
           FROM (SELECT event_time_ms FROM read_parquet(${sqlLiteral(files.prepared)}))
             POSITIONAL JOIN (SELECT part FROM read_parquet(${sqlLiteral(recorded)}))
         ) TO ${sqlLiteral(split)}`,
      )
      const part = (name: string) => readFeatureRows(connection, { ...files, split }, name, featureNames)
      const week = { train: await part('train'), test: await part('validation') }
      if (trainingDays === 7) expect(week.train.table.rowCount).toBe(train.rows)
      expect(week.test.table.rowCount).toBe(test.rows)
      weeks.push(week)
    }
    return weeks
  })
  return read.finally(() => rmSync(folder, { recursive: true, force: true }))
}

/** The mean of some numbers. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
