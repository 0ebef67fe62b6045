import { type Episode, type EpisodeRecord, isEnded } from './episode.ts'
import type { TriggerKind } from './finding.ts'

/** What one step changes: written as one line, so that it is there whole or not at all. */
export interface RetrainingEntry {
  readonly version: 1
  /** A look that was taken in, with the kinds that it found. */
  readonly look?: TakenLook
  readonly episode?: Episode
  readonly records: readonly EpisodeRecord[]
}

export interface TakenLook {
  readonly id: string
  readonly model: string
  readonly champion: string
  readonly kinds: readonly TriggerKind[]
  /** As in `RetrainingLook`; absent: none. */
  readonly brokenDays?: readonly number[]
}

/** Everything that is known of retraining, as it follows from the entries of a journal. */
export interface RetrainingBook {
  /** In the order in which they began. */
  readonly episodes: ReadonlyMap<string, Episode>
  /** Ids of all looks that were taken in, by model. */
  readonly looks: ReadonlyMap<string, ReadonlySet<string>>
  /**
   * Looks in a row that did not find a kind, since it was found last, by `<model> <champion> <kind>`; absent:
   * it was never found.
   */
  readonly quiet: ReadonlyMap<string, number>
  /**
   * Days whose data any look found broken, by model: looks tell of the latest weeks, models learn from more.
   */
  readonly brokenDays: ReadonlyMap<string, ReadonlySet<number>>
  readonly records: readonly EpisodeRecord[]
}

export const EMPTY_RETRAINING: RetrainingBook = {
  episodes: new Map(),
  looks: new Map(),
  quiet: new Map(),
  brokenDays: new Map(),
  records: [],
}

/** The book after more entries. */
export const withRetraining = (
  before: RetrainingBook,
  entries: readonly RetrainingEntry[],
): RetrainingBook => {
  if (entries.length === 0) return before
  const episodes = new Map(before.episodes)
  const looks = new Map(before.looks)
  const quiet = new Map(before.quiet)
  const brokenDays = new Map(before.brokenDays)
  const records = [...before.records]
  for (const { look, episode, records: more } of entries) {
    if (look !== undefined) {
      looks.set(look.model, new Set([...(looks.get(look.model) ?? []), look.id]))
      countQuiet(quiet, look)
      const { model, brokenDays: days = [] } = look
      if (days.length > 0) brokenDays.set(model, new Set([...(brokenDays.get(model) ?? []), ...days]))
    }
    if (episode !== undefined) episodes.set(episode.id, episode)
    records.push(...more)
  }
  return { episodes, looks, quiet, brokenDays, records }
}

/** Of what somebody or the calendar asks for: nobody has looked at data, so it says nothing of them. */
export const isOnlyAsked = (kinds: readonly TriggerKind[]): boolean =>
  kinds.length > 0 && kinds.every((kind) => kind === 'request' || kind === 'schedule')

const countQuiet = (quiet: Map<string, number>, { model, champion, kinds }: TakenLook): void => {
  if (isOnlyAsked(kinds)) return
  const prefix = `${triggerKey(model, champion, '')}`
  for (const [key, looks] of quiet) if (key.startsWith(prefix)) quiet.set(key, looks + 1)
  for (const kind of kinds) quiet.set(triggerKey(model, champion, kind), 0)
}

/** JSON parts, so that no name can be taken for another. */
export const triggerKey = (model: string, champion: string, kind: TriggerKind | ''): string =>
  `${JSON.stringify([model, champion])} ${kind}`

/** The episode of a model that has not ended; at most one. */
export const runningEpisode = ({ episodes }: RetrainingBook, model: string): Episode | undefined =>
  [...episodes.values()].find((episode) => episode.model === model && !isEnded(episode.status))

/** Episodes of a model, the latest last. */
export const episodesOf = ({ episodes }: RetrainingBook, model: string): readonly Episode[] =>
  [...episodes.values()].filter((episode) => episode.model === model)
