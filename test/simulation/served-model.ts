import { statesIdentity } from '../../src/artifacts/states-manifest.ts'
import type { FittedCleaning } from '../../src/dataset/cleaning.ts'
import type { LoadedModel } from '../../src/decisions/loaded-model.ts'
import { planFeatures } from '../../src/features/feature-plan.ts'
import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import { type FittedFeatures, VOCABULARY_FIELDS } from '../../src/features/fitted-features.ts'
import type { StateLimits } from '../../src/features/state/layout.ts'
import { createModelScorer } from '../../src/model/scorer.ts'
import { DEFAULT_AMOUNTS, featureAmounts } from '../../src/transaction/amount-rules.ts'

/** Time from a transaction until labels of it count, in milliseconds. */
export const LABEL_DELAY_MS = 30_000

/** Secret of the control sample. */
export const SALT = 'simulated'

const LIMITS: StateLimits = {
  ringEvents: 16,
  dimensionValues: 8,
  latenessMs: 20_000,
  labelDelayMs: LABEL_DELAY_MS,
  // Runs last minutes: some entities come again as new, and some states expire.
  forgetAfterMs: 110_000,
}

const FITTED: FittedFeatures = {
  amountBandEdgesMinor: [500, 2000],
  vocabularies: {
    merchant_category: [{ value: 'food', share: 0.5 }],
    transaction_type: [],
    device_type: [],
    currency: [],
    location: [],
  },
}

const CLEANING: FittedCleaning = {
  version: 1,
  foldCategories: true,
  fill: {
    currency: null,
    merchant_category: null,
    transaction_type: null,
    device_type: null,
    location: null,
  },
  amountCapMinor: null,
}

/** The standard features over one window, in small rings: runs overflow them. */
const settingsOf = (unlabelled: boolean): FeatureSettings => ({
  timeZone: 'UTC',
  amounts: DEFAULT_AMOUNTS,
  options: {
    windows: ['60s'],
    riskWindows: ['60s'],
    businessHours: { from: 9, to: 18 },
    night: { from: 0, to: 7 },
    categories: VOCABULARY_FIELDS,
    attributes: [],
    amounts: featureAmounts(DEFAULT_AMOUNTS),
    entities: [],
    standardEntities: [],
    derived: [],
    aggregates: [],
  },
  windowMs: new Map([['60s', 60_000]]),
  limits: { user: LIMITS, merchant: LIMITS, device: LIMITS },
  include: [],
  exclude: [],
  amountBands: 3,
  vocabularySize: 2,
  ...(unlabelled && { unlabelled: 'genuine_after_delay' as const }),
})

/** A small model; `version` tells apart those that can go on from each other's states. */
export const servedModel = (version: number, unlabelled: boolean): LoadedModel => {
  const settings = settingsOf(unlabelled)
  const computed = planFeatures(settings).features.map(({ feature }) => feature.name)
  const featureNames = ['user_tx_count_60s', 'merchant_risk_60s', 'amount']
  const scorer = createModelScorer(
    {
      kind: 'logistic_regression',
      featureNames,
      means: [0, 0, 0],
      scales: [1, 1, 1],
      coefficients: [0.1 * version, 1, 0.01],
      intercept: -1,
    } as never,
    { method: 'none' },
  )
  const riskLevels = { medium: 0.3, high: 0.5, critical: 0.9 }
  const name = `model${version}${unlabelled ? 'u' : ''}`
  return {
    key: `${name}${'0'.repeat(16)}`.slice(0, 16),
    description: {
      name: 'simulated',
      version: String(version),
      title: 'Logistic regression',
      threshold: 0.5,
      riskLevels,
      featureNames,
      sha256: name.padEnd(64, '0'),
      loadedAtMs: 0,
      source: name,
    },
    artifact: {
      manifest: { featureSettings: {}, fitted: { features: FITTED, cleaning: CLEANING } },
    } as never,
    settings,
    fitted: FITTED,
    cleaning: CLEANING,
    scorer: {
      ...scorer,
      threshold: 0.5,
      riskLevels,
      isFlagged: (probability) => probability >= 0.5,
      riskLevel: (probability) => (probability >= 0.5 ? 'high' : 'low'),
    },
    explainer: { featureNames, reasonsOne: () => [] },
    computed,
    identity: statesIdentity(settings, FITTED),
    statesKey: `simulated ${unlabelled}`,
    layoutKey: `simulated ${unlabelled}`,
  }
}

const made = new Map<string, LoadedModel>()

/** The same object each time. */
export const modelOf = (version: number, unlabelled: boolean): LoadedModel => {
  const name = `${version} ${unlabelled}`
  const model = made.get(name) ?? servedModel(version, unlabelled)
  made.set(name, model)
  return model
}
