/**
 * `vigia/testing`: the laws of the ports as data, for whoever writes an own state store, prediction log,
 * tracker, registry, alert channel or algorithm, and stores in memory for tests of what uses one.
 *
 * Nothing here knows a test runner; failed checks throw AssertionErrors of node:assert.
 */

export { createMemoryAlertChannel, type MemoryAlertChannel } from '../adapters/memory/memory-alert-channel.ts'
export { createMemoryStateStore } from '../adapters/memory/memory-state-store.ts'
export {
  type AlertChannelSubject,
  alertChannelLaws,
  type OpenAlertChannel,
  type ReceivedAlert,
  type ReceiverMood,
} from './alert-channel-laws.ts'
export type { AlgorithmSubject } from './algorithm/algorithm-law.ts'
export { algorithmLaws } from './algorithm-laws.ts'
export type { ExperimentTrackerSubject } from './experiment-tracker/tracker-law.ts'
export { experimentTrackerLaws } from './experiment-tracker-laws.ts'
export type { Law } from './law.ts'
export { createMemoryLogPlace } from './memory/memory-prediction-log.ts'
export { createMemorySharedStates, type MemorySharedOptions } from './memory/memory-shared-states.ts'
export {
  createMemoryTrackingStore,
  type MemoryTrackingOptions,
  type MemoryTrackingStore,
} from './memory/memory-tracking-store.ts'
export { type ModelRegistrySubject, modelRegistryLaws } from './model-registry-laws.ts'
export type { LogPlace, PredictionLogSubject } from './prediction-log/log-law.ts'
export { predictionLogLaws } from './prediction-log-laws.ts'
export { type BrokenLaw, type LawReport, type RunLawsOptions, runLaws } from './run-laws.ts'
export {
  type SharedProcess,
  type SharedStateStoreSubject,
  sharedStateStoreLaws,
} from './shared-state-store-laws.ts'
export { type StateStoreSubject, stateStoreLaws } from './state-store-laws.ts'
