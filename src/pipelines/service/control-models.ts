import type { ServingModels } from '../../decisions/decider.ts'
import type { LoadedModel } from '../../decisions/loaded-model.ts'
import type { OpenPipeline } from '../../decisions/open-pipeline.ts'
import { VigiaError } from '../../errors.ts'
import type { ModelControl } from './model-control.ts'
import type { LoadModel } from './model-source.ts'

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
