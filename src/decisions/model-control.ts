import { VigiaError } from '../errors.ts'
import type { ServingModels } from './decider.ts'
import type { ServedModel } from './inference-pipeline.ts'
import { type LoadedModel, pinnedSource } from './loaded-model.ts'
import type { ServedSources } from './log/served-choice.ts'
import type { OpenPipeline } from './open-pipeline.ts'

/** Loads the model that a source stands for, verified. */
export type LoadModel = (source: string) => Promise<LoadedModel>

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

/** What is in service, by where it is loaded from, and where that is kept for the next start. */
export interface Choice {
  readonly sources: ServedSources
  readonly keep: (sources: ServedSources) => Promise<void>
}

/**
 * Controls the models of `pipeline`.
 *
 * @param choice told of every act; nothing is kept when left out
 */
export const createModelControl = (
  pipeline: OpenPipeline,
  load: LoadModel,
  choice?: Choice,
): ModelControl => {
  let earlier: readonly LoadedModel[] = []
  const applyChange = createChanges(pipeline, choice)
  const change = (next: Change['next'], chosen: Change['chosen'], then: Change['then'] = remember) =>
    applyChange({ next, chosen, then })
  const remember = (before: ServingModels, after: ServingModels): void => {
    if (before.champion.key !== after.champion.key)
      earlier = [...earlier, before.champion].slice(-MOST_EARLIER)
  }

  return {
    list: () => pipeline.models,
    reload: () =>
      change(
        async (now) => ({ ...now, champion: await load(now.champion.description.source) }),
        ({ champion }) => ({ source: champion.description.source }),
      ),
    switchTo: (source) =>
      change(
        async (now) => ({ ...now, champion: await load(source) }),
        ({ champion }) => ({ source: champion.description.source }),
      ),
    rollBack: () =>
      change(
        async (now) => {
          const champion = earlier.at(-1)
          if (champion === undefined) throw new VigiaError('SERVING_NO_EARLIER_MODEL', {})
          return { ...now, champion }
        },
        ({ champion }) => ({ source: pinnedSource(champion) }),
        () => {
          earlier = earlier.slice(0, -1)
        },
      ),
    setShadow: (source) =>
      change(
        async ({ shadow: _, ...now }) => (source === null ? now : { ...now, shadow: await load(source) }),
        ({ shadow }) => ({ shadow: shadow?.description.source ?? '' }),
      ),
    setCanary: (source, share) =>
      change(
        async ({ canary: _, ...now }) =>
          source === null ? now : { ...now, canary: { model: await load(source), share } },
        ({ canary }) => ({ canary: canary?.model.description.source ?? '', canary_share: share }),
      ),
  }
}

interface Change {
  readonly next: (now: ServingModels) => Promise<ServingModels>
  /** What the next start is to do: models by what is found from any folder, not as they were asked for. */
  readonly chosen: (after: ServingModels) => Partial<ServedSources>
  /** What to remember when it has succeeded. */
  readonly then: (before: ServingModels, after: ServingModels) => void
}

/** Applies one change at a time, each in view of the one before. */
const createChanges = (
  pipeline: OpenPipeline,
  choice: Choice | undefined,
): ((change: Change) => Promise<readonly ServedModel[]>) => {
  let sources = choice?.sources
  let turn: Promise<unknown> = Promise.resolve()
  return ({ next, chosen, then }) => {
    const changed = turn
      .catch(() => undefined)
      .then(async () => {
        const before = pipeline.serving
        const after = await next(before)
        await pipeline.useModels(after)
        then(before, after)
        if (sources === undefined) return pipeline.models
        sources = { ...sources, ...chosen(after) }
        await choice?.keep(sources)
        return pipeline.models
      })
    turn = changed
    return changed
  }
}
