import type { LoadedModel } from '../decisions/loaded-model.ts'
import { decodeDays } from '../drift/days-encoding.ts'
import type { DayProfile } from '../drift/profile-book.ts'
import {
  type LayoutOptions,
  type ProfileLayout,
  profileLayoutOf,
  scoreLayoutOf,
} from '../drift/profile-layout.ts'
import { type DecidingModel, type Translation, translationsFor } from './fitted-anew.ts'

/** A model whose traffic is watched, and in which bins. */
export interface WatchedModel {
  readonly loaded: LoadedModel
  /** Its features in their order, and its threshold. */
  readonly options: Required<LayoutOptions>
  /** Bins of its profiles. */
  readonly layout: ProfileLayout
  /** Bins of its segments. */
  readonly scoreLayout: ProfileLayout
}

/** One whose traffic is looked at, with what was usual when it was trained. */
export interface MonitoredModel extends WatchedModel {
  /** The days of its training, ascending; none where its artifact tells of none. */
  readonly trainingDays: readonly DayProfile[]
}

export const watchedModel = (loaded: LoadedModel): WatchedModel => {
  const { reference } = loaded.artifact
  const { featureNames, threshold } = loaded.scorer
  const options = { features: featureNames, threshold }
  const layout = profileLayoutOf(reference, options)
  return { loaded, options, layout, scoreLayout: scoreLayoutOf(reference, threshold) }
}

/** @throws DRIFT_PROFILE_REFUSED when the artifact's days are not of its reference */
export const monitoredModel = (loaded: LoadedModel): MonitoredModel => {
  const { days } = loaded.artifact
  const watched = watchedModel(loaded)
  const { layout, scoreLayout } = watched
  const trainingDays = days === undefined ? [] : decodeDays(days, layout, scoreLayout)
  return { ...watched, trainingDays }
}

/**
 * Reads decisions for a model, whichever model decided: `vector` has its features, in its own codes, `score`
 * its probability. Undefined where the model that decided computes not all of its features.
 */
export const readerFor = (
  { loaded }: Pick<WatchedModel, 'loaded'>,
  by: DecidingModel,
): DecisionReader | undefined => {
  const { scorer } = loaded
  const places = Int32Array.from(scorer.featureNames, (name) => by.computed.indexOf(name))
  if (places.includes(-1)) return undefined
  const vector = new Float64Array(places.length)
  const isOwn = by.key === loaded.key
  const translations = isOwn ? new Map<string, Translation>() : translationsFor(loaded, by)
  const translated = scorer.featureNames.flatMap((name, f) => {
    const translate = translations.get(name)
    return translate === undefined ? [] : [{ f, translate }]
  })
  const read = { vector, score: Number.NaN }
  return (logged, probability) => {
    for (let f = 0; f < places.length; f++) vector[f] = logged[places[f]!]!
    for (const { f, translate } of translated) vector[f] = translate(logged)
    read.score = isOwn ? probability : scorer.scoreOne(vector)
    return read
  }
}

/** What it returns is valid until the next call. */
export type DecisionReader = (
  logged: ArrayLike<number>,
  probability: number,
) => { readonly vector: Float64Array; readonly score: number }

/** Reads decisions as `readerFor` does, of any model; undefined for one that cannot be read. */
export const readersFor = (
  model: Pick<WatchedModel, 'loaded'>,
): ((by: DecidingModel) => DecisionReader | undefined) => {
  const readers = new Map<string, DecisionReader | undefined>()
  return (by) => {
    const known = readers.get(by.key)
    if (known !== undefined || readers.has(by.key)) return known
    const reader = readerFor(model, by)
    readers.set(by.key, reader)
    return reader
  }
}
