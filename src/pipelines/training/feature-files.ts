import type { ReadResult } from '../../dataset/read-source.ts'
import { withDatabase } from '../../disk/database.ts'
import { readJson } from '../../disk/json-file.ts'
import { type FeatureSettings, knownData, readFeatureSettings } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import {
  categoricalNames,
  type FeatureFiles,
  type FeatureRows,
  readFeatureRows,
} from '../../fitting/feature-rows.ts'
import type { StepWork } from '../../steps/step.ts'
import type { TrainingContext } from './training-context.ts'

/** Steps whose files `featureFiles` names: inputs of a step that reads rows. */
export const FEATURE_INPUTS = ['read', 'split', 'features'] as const

/** Files of the rows that a step learns from or judges by, as it reads them by `input`. */
export const featureFiles = (input: StepWork['input']): FeatureFiles => ({
  features: input('features', 'features.parquet'),
  split: input('split', 'split.parquet'),
  prepared: input('read', 'prepared.parquet'),
})

/** What the features of a run are computed with, as its read and features steps have found it. */
export const featuresOfRun = async (
  { config }: Pick<TrainingContext, 'config'>,
  input: StepWork['input'],
): Promise<{ readonly settings: FeatureSettings; readonly fitted: FittedFeatures }> => {
  const fitted = await readJson<FittedFeatures>(input('features', 'fitted.json'))
  const { amounts } = await readJson<ReadResult>(input('read', 'read.json'))
  const { features, labels } = config.settings
  return { settings: readFeatureSettings(features, labels, amounts, knownData(fitted)), fitted }
}

/** Names of the features whose values are codes without an order, as the features step has fitted them. */
export const categoricalFeatures = async (
  context: Pick<TrainingContext, 'config'>,
  input: StepWork['input'],
): Promise<readonly string[]> => categoricalNames((await featuresOfRun(context, input)).settings)

/** The rows of `part` of a run, with the features `names`, as its steps have left them. */
export const readPart = async (
  context: Pick<TrainingContext, 'config'>,
  { input, database }: Pick<StepWork, 'input' | 'database'>,
  part: string,
  names: readonly string[],
): Promise<FeatureRows> => {
  const categorical = await categoricalFeatures(context, input)
  return withDatabase(database, (connection) =>
    readFeatureRows(connection, featureFiles(input), part, names, categorical),
  )
}
