import { loadTrainingConfig } from '../src/config/config-manager.ts'
import { FEATURE_FAMILIES } from '../src/features/families/index.ts'
import { readFeatureSettings } from '../src/features/feature-settings.ts'
import { DEFAULT_AMOUNTS } from '../src/transaction/amount-rules.ts'

const { features, labels } = loadTrainingConfig({
  environment: {},
  assignments: [],
  workingDirectory: process.cwd(),
}).settings
const { options } = readFeatureSettings(features, labels, DEFAULT_AMOUNTS)

/** Every feature of the default settings, as the families list them: tests count nothing by hand. */
export const ALL_FEATURE_NAMES: readonly string[] = FEATURE_FAMILIES.flatMap((family) =>
  family.features(options).map(({ name }) => name),
)
