import { resolve } from 'node:path'
import type { StateTools } from '../cli/commands/state.ts'
import { TrackingSchema, type TrackingSettings } from '../config/sections/tracking.ts'
import type { ServingSettings } from '../config/serving-config.ts'
import type { World } from '../foundation/world.ts'
import { modelLoader } from '../pipelines/service/model-source.ts'
import type { OpenTrackingStore, TrackingStore } from '../ports/tracking-store.ts'

type OpenServingStore = (
  settings: ServingSettings['model'],
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
) => TrackingStore

/** The tracking store of a server: MLFLOW_TRACKING_URI, or `model.registry`. */
export const servingTrackingStore =
  (openTrackingStore: OpenTrackingStore): OpenServingStore =>
  (settings, environment, workingDirectory) =>
    openTrackingStore(trackingSettings(settings, workingDirectory), environment)

/** Loads models for serving: registered ones from the tracking store of the server. */
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
      openRegistry: async () =>
        servingTrackingStore(openTrackingStore)(settings, environment, workingDirectory),
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
