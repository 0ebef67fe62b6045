import { resolve } from 'node:path'
import type { StateTools } from '../cli/commands/state.ts'
import { TrackingSchema, type TrackingSettings } from '../config/sections/tracking.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import type { World } from '../foundation/world.ts'
import { modelLoader } from '../pipelines/service/model-source.ts'
import type { OpenTrackingStore } from '../ports/tracking-store.ts'

/** Loads models for serving: registered ones from MLFLOW_TRACKING_URI or `model.registry`. */
export const servingModelLoader =
  ({
    openTrackingStore,
    world,
  }: {
    readonly openTrackingStore: OpenTrackingStore
    readonly world: Pick<World, 'now'>
  }): StateTools['modelLoader'] =>
  (settings, environment, workingDirectory) =>
    modelLoader({
      workingDirectory,
      openRegistry: async () => openTrackingStore(trackingSettings(settings, workingDirectory), environment),
      world,
    })

const trackingSettings = (
  { registry }: ServingSettings['model'],
  workingDirectory: string,
): TrackingSettings => {
  const defaults = Object.fromEntries(
    Object.entries(TrackingSchema.properties).map(([name, schema]) => [
      name,
      (schema as unknown as { readonly default: unknown }).default,
    ]),
  ) as unknown as TrackingSettings
  return { ...defaults, directory: resolve(workingDirectory, registry) }
}
