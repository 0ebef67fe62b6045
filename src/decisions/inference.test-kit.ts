import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AGGREGATES, DERIVED, SMALL_FIT, smallSettings } from '../../test/oracle/random-histories.ts'
import { openSegmentLog } from '../adapters/segments/segment-log.ts'
import { statesIdentity } from '../artifacts/states-manifest.ts'
import type { FittedCleaning } from '../dataset/cleaning.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { parseDuration } from '../foundation/duration.ts'
import type { World } from '../foundation/world.ts'
import { createModelScorer } from '../model/scorer.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { ANY_EVENT_TIME } from '../transaction/event-time.ts'
import type { DecisionSettings } from './decisions.ts'
import type { InferenceObserver } from './inference-pipeline.ts'
import type { LoadedModel } from './loaded-model.ts'
import { ServedTables } from './tables/served-tables.ts'
import { warningsOnly } from './warnings-only.ts'

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

/** What `smallSettings` stands for in a configuration. */
const FEATURE_SETTINGS = {
  features: {
    time_zone: 'UTC',
    business_hours: { from: 9, to: 18 },
    night: { from: 0, to: 7 },
    windows: ['10s', '60s', '90s'],
    risk_windows: ['10s', '60s'],
    amount_bands: 3,
    derived: Object.fromEntries(DERIVED.map(({ name, ...derived }) => [name, derived])),
    aggregates: Object.fromEntries(
      AGGREGATES.map(({ name, windows, ...aggregate }) => [
        name,
        { ...aggregate, ...(windows.length > 0 && { windows }) },
      ]),
    ),
    vocabulary_size: 2,
    include: [],
    exclude: [],
    allowed_lateness: '20s',
    state: {
      user_transactions: 1024,
      merchant_transactions: 1024,
      device_transactions: 1024,
      remembered_values: 64,
    },
  },
  labels: { delay: '30s' },
  amounts: DEFAULT_AMOUNTS,
}

const withForgetAfter = (forget_after: string) => {
  const { features } = FEATURE_SETTINGS
  return { ...FEATURE_SETTINGS, features: { ...features, state: { ...features.state, forget_after } } }
}

/**
 * A model over two features of small windows. `weight` tells models apart: the probability of the same row
 * rises with it.
 *
 * @param forgetAfter the setting `features.state.forget_after`
 */
export const testModel = (name = 'test', weight = 1, forgetAfter = 'never'): LoadedModel => {
  const settings = smallSettings(forgetAfter === 'never' ? {} : { forgetAfterMs: parseDuration(forgetAfter) })
  const computed = planFeatures(settings).features.map(({ feature }) => feature.name)
  const featureNames = ['user_tx_count_60s', 'amount']
  const scorer = createModelScorer(
    {
      kind: 'logistic_regression',
      featureNames,
      means: [0, 0],
      scales: [1, 1],
      coefficients: [0.1 * weight, 0.01 * weight],
      intercept: -1,
    } as never,
    { method: 'none' },
  )
  const identity = statesIdentity(settings, SMALL_FIT)
  const riskLevels = { medium: 0.3, high: 0.5, critical: 0.9 }
  return {
    key: `${name}${'0'.repeat(16)}`.slice(0, 16),
    description: {
      name,
      version: String(weight),
      title: 'Logistic regression',
      threshold: 0.5,
      riskLevels,
      featureNames,
      sha256: name.padEnd(64, '0'),
      loadedAtMs: 0,
      source: name,
    },
    artifact: {
      manifest: {
        featureSettings: withForgetAfter(forgetAfter),
        fitted: { features: SMALL_FIT, cleaning: CLEANING },
      },
    } as never,
    settings,
    fitted: SMALL_FIT,
    cleaning: CLEANING,
    scorer: {
      ...scorer,
      threshold: 0.5,
      riskLevels,
      isFlagged: (probability) => probability >= 0.5,
      riskLevel: (probability) => (probability >= 0.5 ? 'high' : 'low'),
    },
    explainer: {
      featureNames,
      reasonsOne: (vector, top) =>
        featureNames.slice(0, top).map((feature, f) => ({ feature, value: vector[f] })) as never,
    },
    computed,
    identity,
    statesKey: forgetAfter === 'never' ? 'small' : `small, forgets after ${forgetAfter}`,
    layoutKey: forgetAfter === 'never' ? 'small' : `small, forgets after ${forgetAfter}`,
  }
}

/** A world in which no time passes. */
export const TEST_WORLD: World = { now: () => 1e12, monotonicMs: () => 0, newId: () => 'abcdef0123' }

/** Nothing is saved, swept or archived by itself, however long what a test has left as killed lives on. */
export const TEST_SETTINGS: DecisionSettings = {
  cacheBytes: 1 << 30,
  saveAfterMs: 1e9,
  receiptLifeMs: 1e9,
  waitingLabels: 100,
  waitingLifeMs: 1e9,
  archiveAfterBytes: 1e9,
  eventTime: ANY_EVENT_TIME,
}

export const silentObserver: InferenceObserver = warningsOnly((code, details) => {
  throw new Error(`${code}: ${JSON.stringify(details)}`)
})

/** For a pipeline whose models look nothing up. */
export const noTables = (): ServedTables =>
  new ServedTables({
    settings: {},
    workingDirectory: '',
    database: { threads: 1, memoryLimit: '256MB', tempDirectory: join(tmpdir(), 'vigia-spill') },
    observer: silentObserver,
    world: { now: () => 0 },
  })

/** A folder of one test, removed by `remove`. */
export const testFolder = (): { readonly folder: string; remove(): void } => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-inference-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

let nextProcess = 1_000_000_000

/** Opens the log in `folder` as a new process would; whoever had it before is dead. */
export const openTestLog = (folder: string, segmentBytes = 1 << 20): Promise<PredictionLog> => {
  const owner = { processId: nextProcess++, host: 'here', processSpace: 'test', isAlive: () => false }
  return openSegmentLog({ folder, owner, durability: 'process', segmentBytes })
}
