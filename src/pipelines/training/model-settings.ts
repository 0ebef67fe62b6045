import type { ModelsSettings } from '../../config/sections/models.ts'
import type { ModelKind } from '../../learning/model.ts'
import type { ModelSettings } from './training-outcome.ts'

/** Settings of a model that decide whether and where it is trained, and not what is learnt. */
const NOT_LEARNT_FROM = ['enabled', 'grid', 'library']

/** Names of the models that are to be trained, in the order of the configuration. */
export const enabledModels = (models: ModelsSettings): readonly ModelKind[] =>
  (Object.keys(models) as ModelKind[]).filter((name) => models[name].enabled)

/** The settings that decide what a model learns, by their names in the configuration. */
export const modelSettings = (model: ModelsSettings[ModelKind]): ModelSettings =>
  Object.fromEntries(Object.entries(model).filter(([name]) => !NOT_LEARNT_FROM.includes(name)))

/**
 * Settings as algorithms take them: `max_depth` is `maxDepth`. Names inside of a value (features, for
 * `monotone`) stay.
 *
 * Generic, so that a new setting needs no line here; the contract between both is that they have the same
 * names.
 */
export const algorithmSettings = (settings: ModelSettings): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  )
