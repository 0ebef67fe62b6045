import { VigiaError } from '../errors.ts'
import type { BranchedDecisions } from './branched-decisions.ts'
import { isOfLayout, type ServingModels } from './decider.ts'
import { type LoadedModel, modelName } from './loaded-model.ts'

/** The shadow of these models where it has another layout than the champion. */
export const foreignShadow = ({ shadow, champion }: ServingModels): LoadedModel | undefined =>
  shadow === undefined || isOfLayout(shadow, champion) ? undefined : shadow

/**
 * Why the shadow of these models says nothing of decisions; undefined: it does, or there is none. One of
 * another layout is scored by states of its own, which follow the log. Nobody can set a shadow without them,
 * and a start goes on without it.
 *
 * @param store its name
 * @param branched undefined where the store has room for states of one layout alone
 */
export const unscoredShadow = (
  models: ServingModels,
  store: string,
  branched: Pick<BranchedDecisions, 'refusalOf'> | undefined,
): VigiaError<'SERVING_SHADOW_WITHOUT_STATES'> | undefined => {
  const shadow = foreignShadow(models)
  if (shadow === undefined) return undefined
  const reason =
    branched === undefined
      ? `state store ${store} has room for the states of one layout alone`
      : branched.refusalOf(shadow)
  if (reason === undefined) return undefined
  return new VigiaError('SERVING_SHADOW_WITHOUT_STATES', { model: modelName(shadow), reason })
}
