import type { TrackingStore } from '../../ports/tracking-store.ts'
import { createMlflowClient, type MlflowClientOptions } from './mlflow-client.ts'
import { createMlflowRegistry } from './mlflow-registry.ts'
import { createMlflowTracker } from './mlflow-tracker.ts'

/**
 * Tracker and registry of a real MLflow server. Nothing is contacted yet.
 *
 * @throws TRACKING_URI_UNSUPPORTED for an address that is not http:// or https://
 */
export const createMlflowStore = (options: MlflowClientOptions): TrackingStore => {
  const client = createMlflowClient(options)
  return { tracker: createMlflowTracker(client), registry: createMlflowRegistry(client) }
}
