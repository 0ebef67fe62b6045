import { readFeatureSettings } from '../../features/feature-settings.ts'
import { categoricalNames, type FeatureFiles } from '../../fitting/feature-rows.ts'
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

/** Names of the features whose values are codes without an order, by the configuration. */
export const categoricalFeatures = ({ config }: Pick<TrainingContext, 'config'>): readonly string[] =>
  categoricalNames(readFeatureSettings(config.settings.features, config.settings.labels))
