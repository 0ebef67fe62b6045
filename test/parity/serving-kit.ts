import { statesIdentity } from '../../src/artifacts/states-manifest.ts'
import { createServingStorage } from '../../src/composition/open-serving-storage.ts'
import type { FittedCleaning } from '../../src/dataset/cleaning.ts'
import { testModel } from '../../src/decisions/inference.test-kit.ts'
import type { LoadedModel } from '../../src/decisions/loaded-model.ts'
import { decodeLogEntry, type LogEntry } from '../../src/decisions/log/log-record.ts'
import { planFeatures } from '../../src/features/feature-plan.ts'
import type { Scorer } from '../../src/model/scorer.ts'
import type { ServingStorage } from '../../src/pipelines/service/serving-storage.ts'
import type { PredictionLog } from '../../src/ports/prediction-log.ts'
import type { History } from './replay-run.ts'

/** Cleaning that changes nothing. */
export const NO_CLEANING: FittedCleaning = {
  version: 1,
  foldCategories: false,
  fill: {
    currency: null,
    merchant_category: null,
    transaction_type: null,
    device_type: null,
    location: null,
  },
  amountCapMinor: null,
}

/** A model that computes the features of `history`, and gives every transaction the same probability. */
export const modelOf = (
  { settings, fitted }: Pick<History, 'settings' | 'fitted'>,
  cleaning = NO_CLEANING,
): LoadedModel => ({
  ...testModel('history'),
  settings,
  fitted,
  cleaning,
  scorer: anyScorer,
  computed: planFeatures(settings).features.map(({ feature }) => feature.name),
  identity: statesIdentity(settings, fitted),
})

/** Storage of servers that nobody holds any more: LMDB and segments in folders, or states in memory. */
export const testStorage = () =>
  createServingStorage({ processId: process.pid, host: 'here', isAlive: () => false })

/** `storage`, with the last decision that was appended to a log of it. */
export const lastDecision = (storage: ServingStorage) => {
  let last: LogEntry | undefined
  return {
    storage: {
      ...storage,
      openLog: async (settings: Parameters<ServingStorage['openLog']>[0]): Promise<PredictionLog> => {
        const log = await storage.openLog(settings)
        return {
          ...log,
          get lastSequence() {
            return log.lastSequence
          },
          append: (sequence, payload) => {
            last = decodeLogEntry(payload)
            return log.append(sequence, payload)
          },
        }
      },
    },
    /** The decision of that number, which must be the last record. */
    last: (sequence: number): Extract<LogEntry, { readonly kind: 'decision' }> => {
      if (last?.kind === 'decision' && last.sequence === sequence) return last
      throw new Error(`record ${sequence} is not the last one of the log`)
    },
  }
}

const anyScorer: Scorer = {
  featureNames: ['amount'],
  threshold: 0.5,
  riskLevels: { medium: 0.3, high: 0.5, critical: 0.9 },
  marginOne: () => 0,
  scoreOne: () => 0.5,
  scoreMany: () => undefined,
  isFlagged: () => true,
  riskLevel: () => 'high',
}
