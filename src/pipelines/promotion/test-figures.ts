import { join } from 'node:path'
import { applyCleaning, type FittedCleaning } from '../../dataset/cleaning.ts'
import { withDatabase } from '../../disk/database.ts'
import type { Work } from '../../disk/work.ts'
import { NO_COSTS } from '../../evaluation/cost.ts'
import { COMPARABLE_FIGURES, type FigureValues, figuresOf, keyOf } from '../../evaluation/figures.ts'
import { judgedRows } from '../../evaluation/judged-rows.ts'
import { type FeatureSettings, featureSettingsOfModel } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { categoricalNames, type FeatureRows, readFeatureRows } from '../../fitting/feature-rows.ts'
import type { Artifact } from '../../model/artifact.ts'
import { createScorer } from '../../model/scorer.ts'
import { replay } from '../../replay/replay.ts'
import type { AmountRules } from '../../transaction/amount-rules.ts'
import { assertSameMoney } from '../../transaction/base-amount.ts'
import { whyOtherFeatures } from '../training/production-model.ts'
import type { RunRows } from './run-folder.ts'

/** What a model is worth on test by the comparable figures; null where one is not defined. */
export type TestFigures = Partial<FigureValues>

/** Figures with the rows that they were measured on. */
export interface MeasuredFigures extends Partial<FigureValues> {
  readonly rows: number
  readonly frauds: number
}

export interface TestFiguresOptions {
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly workers: number
  readonly work: Work
}

/** The settings that an artifact's features are computed with. */
export const featureSettingsOf = ({ manifest: { featureSettings, fitted } }: Artifact): FeatureSettings =>
  featureSettingsOfModel(featureSettings, fitted.features as FittedFeatures)

/** The test rows of a run with a model's scores, in arrival order. */
export interface ScoredTest extends FeatureRows {
  readonly scores: Float64Array
  readonly threshold: number
}

/**
 * What `artifact` is worth on the test rows of a run.
 *
 * Where the run's features are not the artifact's, they are computed anew from the run's transactions, with
 * all that the artifact was fitted with: models of different features are judged on the same rows.
 */
export const testFigures = async (
  artifact: Artifact,
  rows: RunRows,
  options: TestFiguresOptions,
): Promise<MeasuredFigures> => {
  const read = await testScores(artifact, rows, options)
  const { labels, scores, threshold } = read
  // None of these figures looks at days or costs.
  const judged = judgedRows({ ...read, entities: read.userIds }, 0)
  return {
    ...figuresOf({ ...judged, scores, threshold, k: 1, costs: NO_COSTS }, COMPARABLE_FIGURES),
    rows: labels.length,
    frauds: labels.reduce((sum, label) => sum + label, 0),
  }
}

/** Scores the test rows of a run with `artifact`, on its own features. */
export const testScores = async (
  artifact: Artifact,
  rows: RunRows,
  options: TestFiguresOptions,
): Promise<ScoredTest> => {
  const features =
    whyOtherFeatures(artifact, rows.origin) === undefined
      ? rows.features
      : await computeFeatures(artifact, rows, options)
  return withDatabase(options.work.database, async (connection) => {
    const scorer = createScorer(artifact)
    const names = scorer.featureNames
    const categorical = categoricalNames(featureSettingsOf(artifact))
    const files = { features, split: rows.split, prepared: rows.prepared }
    const read = await readFeatureRows(connection, files, 'test', names, categorical)
    const scores = new Float64Array(read.table.rowCount)
    scorer.scoreMany(read.table, scores)
    return { ...read, scores, threshold: scorer.threshold }
  })
}

/**
 * Figures that the training of `artifact` found on test; undefined where it has none, since it was imported.
 * One of an earlier training may lack figures that have been added since.
 */
export const recordedFigures = ({ manifest }: Pick<Artifact, 'manifest'>): TestFigures | undefined => {
  const { test } = manifest.metrics as { readonly test?: Partial<FigureValues> }
  return (
    test &&
    Object.fromEntries(COMPARABLE_FIGURES.map((figure) => [keyOf(figure), test[keyOf(figure)] ?? null]))
  )
}

const computeFeatures = async (
  artifact: Artifact,
  { prepared, origin }: RunRows,
  { workFolder, workers, work }: TestFiguresOptions,
): Promise<string> => {
  const settings = featureSettingsOf(artifact)
  assertSameMoney(settings.options.amounts, origin.settings.amounts as AmountRules | undefined)
  const cleaned = join(workFolder, 'cleaned.parquet')
  const out = join(workFolder, 'features.parquet')
  const { fitted } = artifact.manifest
  const features = fitted.features as FittedFeatures
  await withDatabase(work.database, (connection) =>
    applyCleaning(connection, prepared, cleaned, fitted.cleaning as FittedCleaning, features.attributes),
  )
  await replay({
    prepared: cleaned,
    out,
    settings,
    fitted: features,
    workers,
    work,
  })
  return out
}
