import type { ServingSettings } from '../../config/serving-config.ts'
import type { OpenStates } from '../../decisions/decisions.ts'
import type { LogReader, PredictionLog } from '../../ports/prediction-log.ts'

export type { OpenStates }

/** Opens what a server keeps things in. */
export interface ServingStorage {
  /** SERVING_LEASE_LOST, once another process has taken over what was opened here; else it waits for ever. */
  readonly lost: Promise<Error>
  /** Begins to watch who has a log that will be opened: who waits for the states waits for it as well. */
  watchLog(settings: ServingSettings['prediction_log']): void
  /** @throws SERVING_FOLDER_IN_USE, SERVING_STORE_FAILED */
  openStates(settings: ServingSettings['state_store']): Promise<OpenStates>
  /** @throws SERVING_FOLDER_IN_USE, SERVING_LOG_DAMAGED, SERVING_LOG_FAILED */
  openLog(settings: ServingSettings['prediction_log']): Promise<PredictionLog>
  /** A log that a server may be writing. */
  readLog(folder: string): LogReader
}
