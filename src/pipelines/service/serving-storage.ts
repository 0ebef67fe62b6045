import type { ServingSettings } from '../../config/serving-config.ts'
import type { LogReader, PredictionLog } from '../../ports/prediction-log.ts'
import type { SharedStateStore, StateStore } from '../../ports/state-store.ts'

/** A state store, and whether one process owns it or many share it. `name` is for people. */
export type OpenStates =
  | { readonly kind: 'owned'; readonly name: string; readonly store: StateStore }
  | { readonly kind: 'shared'; readonly name: string; readonly store: SharedStateStore }

/** Opens what a server keeps things in. */
export interface ServingStorage {
  /** @throws SERVING_FOLDER_IN_USE, SERVING_STORE_FAILED */
  openStates(settings: ServingSettings['state_store']): Promise<OpenStates>
  /** @throws SERVING_FOLDER_IN_USE, SERVING_LOG_DAMAGED, SERVING_LOG_FAILED */
  openLog(settings: ServingSettings['prediction_log']): Promise<PredictionLog>
  /** A log that a server may be writing. */
  readLog(folder: string): LogReader
}
