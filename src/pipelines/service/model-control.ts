import type { ServingModels } from '../../decisions/decider.ts'
import type { ServedModel } from '../../decisions/inference-pipeline.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import type { OpenPipeline } from '../../decisions/open-pipeline.ts'
import { VigiaError } from '../../errors.ts'
import type { LoadModel } from './model-source.ts'

/** Changes which models are in service, without dropping a request. One change at a time. */
export interface ModelControl {
  /** The champion, and canary and shadow where there are. */
  list(): readonly ServedModel[]
  /** Loads what the champion's source stands for by now; the same model stays as it is. */
  reload(): Promise<readonly ServedModel[]>
  /**
   * Loads, verifies and warms the model of `source` (a folder, or `models:/name@alias` or `models:/name/3`)
   * and lets it decide.
   *
   * @throws MODEL_ARTIFACT_REFUSED, REGISTRY_VERSION_UNKNOWN, SERVING_STATES_FOREIGN: the models in service
   * stay as they are
   */
  switchTo(source: string): Promise<readonly ServedModel[]>
  /** Lets the champion before this one decide again. @throws SERVING_NO_EARLIER_MODEL */
  rollBack(): Promise<readonly ServedModel[]>
  /** Scores every transaction with the model of `source` too; null ends it. */
  setShadow(source: string | null): Promise<readonly ServedModel[]>
  /** Lets the model of `source` decide for `share` (0 to 1) of the users; null ends it. */
  setCanary(source: string | null, share: number): Promise<readonly ServedModel[]>
}

/** Champions that can be rolled back to. */
const MOST_EARLIER = 10

/** Controls the models of `pipeline`. */
export const createModelControl = (pipeline: OpenPipeline, load: LoadModel): ModelControl => {
  let earlier: readonly LoadedModel[] = []
  let turn: Promise<unknown> = Promise.resolve()

  /**
   * One change at a time, each in view of the one before. `then` is what to remember when it has succeeded.
   */
  const change = (
    next: (now: ServingModels) => Promise<ServingModels>,
    then: (before: ServingModels, after: ServingModels) => void = remember,
  ) => {
    const changed = turn
      .catch(() => undefined)
      .then(async () => {
        const before = pipeline.serving
        const after = await next(before)
        await pipeline.useModels(after)
        then(before, after)
        return pipeline.models
      })
    turn = changed
    return changed
  }
  const remember = (before: ServingModels, after: ServingModels): void => {
    if (before.champion.key !== after.champion.key)
      earlier = [...earlier, before.champion].slice(-MOST_EARLIER)
  }

  return {
    list: () => pipeline.models,
    reload: () => change(async (now) => ({ ...now, champion: await load(now.champion.description.source) })),
    switchTo: (source) => change(async (now) => ({ ...now, champion: await load(source) })),
    rollBack: () =>
      change(
        async (now) => {
          const champion = earlier.at(-1)
          if (champion === undefined) throw new VigiaError('SERVING_NO_EARLIER_MODEL', {})
          return { ...now, champion }
        },
        () => {
          earlier = earlier.slice(0, -1)
        },
      ),
    setShadow: (source) =>
      change(async ({ shadow: _, ...now }) =>
        source === null ? now : { ...now, shadow: await load(source) },
      ),
    setCanary: (source, share) =>
      change(async ({ canary: _, ...now }) =>
        source === null ? now : { ...now, canary: { model: await load(source), share } },
      ),
  }
}
