import { VigiaError } from '../errors.ts'
import type { BranchedDecisions } from './branched-decisions.ts'
import { isOfLayout, type ServingModels } from './decider.ts'
import type { InferenceObserver } from './inference-pipeline.ts'
import { type LoadedModel, modelName } from './loaded-model.ts'

/** The shadow of these models where it has another layout than the champion. */
export const foreignShadow = ({ shadow, champion }: ServingModels): LoadedModel | undefined =>
  shadow === undefined || isOfLayout(shadow, champion) ? undefined : shadow

/**
 * Makes sure that a shadow of another layout is scored by states of its own.
 *
 * @param store its name; undefined where it has room for states of several layouts
 * @param branched undefined: it is not known yet which there are
 * @throws SERVING_SHADOW_WITHOUT_STATES
 */
export const assertScored = (
  shadow: LoadedModel,
  store: string | undefined,
  branched: Pick<BranchedDecisions, 'refusalOf'> | undefined,
): void => {
  const reason =
    store === undefined
      ? branched?.refusalOf(shadow)
      : `state store ${store} has room for the states of one layout alone`
  if (reason !== undefined)
    throw new VigiaError('SERVING_SHADOW_WITHOUT_STATES', { model: modelName(shadow), reason })
}

/** Says that a shadow says nothing, since no states of its layout follow: a server decides without it. */
export const tellOfUnscored = (
  models: ServingModels,
  branched: Pick<BranchedDecisions, 'refusalOf'> | undefined,
  { warned }: Pick<InferenceObserver, 'warned'>,
): void => {
  const shadow = foreignShadow(models)
  const reason = shadow && branched?.refusalOf(shadow)
  if (shadow !== undefined && reason !== undefined)
    warned('SERVING_SHADOW_WITHOUT_STATES', { model: modelName(shadow), reason })
}
