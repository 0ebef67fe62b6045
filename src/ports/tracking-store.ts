import type { TrackingSettings } from '../config/sections/tracking.ts'
import type { ExperimentTracker } from './experiment-tracker.ts'
import type { ModelRegistry } from './model-registry.ts'

/** A tracker and the registry beside it: an MLflow server has both, and so has a folder in its layout. */
export interface TrackingStore {
  readonly tracker: ExperimentTracker
  readonly registry: ModelRegistry
}

/**
 * Opens what the settings and the environment name (MLFLOW_TRACKING_URI and its credentials); nothing is
 * contacted yet.
 *
 * @throws TRACKING_URI_UNSUPPORTED
 */
export type OpenTrackingStore = (
  settings: TrackingSettings,
  environment: Readonly<Record<string, string | undefined>>,
) => TrackingStore
