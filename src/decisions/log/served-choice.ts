import type { LogReader, PredictionLog } from '../../ports/prediction-log.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'

/** Which models are in service, by where they are loaded from. */
export interface ServedSources {
  /** A folder in full, or `models:/name@alias` or `models:/name/3`. */
  readonly source: string
  /** Empty: none. */
  readonly shadow: string
  /** Empty: none. */
  readonly canary: string
  /** Share of the users that the canary decides for, in [0, 1]. */
  readonly canary_share: number
}

/** What was chosen by an act of administration while a server ran, kept beside its log. */
export interface ServedChoice {
  /** What the configuration said then: a choice stands until it says something else. */
  readonly configured: ServedSources
  readonly served: ServedSources
  readonly chosenAtMs: number
}

const CHOICE_DOCUMENT = 'served-models'

/** Keeps a choice; a later one replaces it. */
export const writeChoice = (log: PredictionLog, choice: ServedChoice): Promise<void> =>
  log.writeDocument(CHOICE_DOCUMENT, JSON.stringify(choice))

/** Whether the choice of an act of administration stands, or the configuration has changed since. */
export type StartChoice = ServedChoice & { readonly isStanding: boolean }

/** Who is told of a choice at the start. */
export interface ChoiceListeners {
  readonly observer: Pick<InferenceObserver, 'warned'>
  /** Called when an act of administration had chosen other models than the configuration names. */
  readonly onModels?: (choice: StartChoice) => void
}

/**
 * The models that an act of administration has chosen, where the configuration still says what it said then
 * and they can be loaded; else those of the configuration.
 *
 * @param load loads models; what it throws for those of the configuration is thrown
 */
export const chooseModels = async <Models>(
  log: Pick<LogReader, 'readDocument'>,
  configured: ServedSources,
  load: (sources: ServedSources) => Promise<Models>,
  { observer, onModels }: ChoiceListeners,
): Promise<{ readonly sources: ServedSources; readonly models: Models }> => {
  const text = await log.readDocument(CHOICE_DOCUMENT)
  const choice = text === undefined ? undefined : (JSON.parse(text) as ServedChoice)
  if (choice !== undefined && !isSame(choice.served, configured)) {
    const about = { ...choice, configured }
    if (isSame(choice.configured, configured))
      try {
        const models = await load(choice.served)
        onModels?.({ ...about, isStanding: true })
        return { sources: choice.served, models }
      } catch (error) {
        observer.warned('SERVING_CHOICE_LOST', { ...choice, reason: (error as Error).message })
      }
    onModels?.({ ...about, isStanding: false })
  }
  return { sources: configured, models: await load(configured) }
}

/** The sources alone, of settings that say more. */
export const sourcesOf = ({ source, shadow, canary, canary_share }: ServedSources): ServedSources => ({
  source,
  shadow,
  canary,
  canary_share,
})

/** Whether two say the same. */
const isSame = (a: ServedSources, b: ServedSources): boolean =>
  a.source === b.source &&
  a.shadow === b.shadow &&
  a.canary === b.canary &&
  // Without a canary its share says nothing.
  (a.canary === '' || a.canary_share === b.canary_share)
