import type { LoadedModel } from '../decisions/loaded-model.ts'
import type { ModelDocument } from '../decisions/log/model-document.ts'
import { planFeatures } from '../features/feature-plan.ts'
import type { FittedFeatures, VocabularyEntry } from '../features/fitted-features.ts'
import { createFittedLookup } from '../features/fitted-lookup.ts'
import { powerOfTen } from '../foundation/elementary/whole-powers.ts'

/** The model that decided, as its log knows it. */
export type DecidingModel = Pick<ModelDocument, 'key' | 'computed'> & Partial<Pick<ModelDocument, 'fitted'>>

/** A feature's value of the one model, from a vector that another one computed. */
export type Translation = (logged: ArrayLike<number>) => number

/**
 * How values of features that rest on what was fitted are read from the vector of another model, by name;
 * none for features that mean the same to both. Codes go by the values that they stand for, shares are those
 * of the own training, bands those of the own edges. A value that the deciding model did not know is unknown
 * here too, whether or not the own one knows it: the vector does not say which it was.
 */
export const translationsFor = (
  own: Pick<LoadedModel, 'settings' | 'fitted'>,
  { computed, fitted }: DecidingModel,
): ReadonlyMap<string, Translation> => {
  const translations = new Map<string, Translation>()
  if (fitted === undefined) return translations
  const { features: theirs } = fitted as { readonly features: FittedFeatures }
  const vocabularyOf = (name: string) => vocabularies(own.fitted, theirs, name)
  for (const { feature } of planFeatures(own.settings).features) {
    const { name, phrase } = feature
    if (feature.kind === 'categorical' && phrase?.vocabulary !== undefined) {
      const codes = codesOf(vocabularyOf(phrase.vocabulary))
      if (codes !== undefined) translations.set(name, recoded(computed.indexOf(name), codes, -1))
    } else if (name.endsWith('_share')) {
      const of = name.slice(0, -'_share'.length)
      const shares = sharesOf(vocabularyOf(of))
      if (shares !== undefined) translations.set(name, recoded(computed.indexOf(`${of}_code`), shares, 0))
    }
  }
  if (!isSame(own.fitted.amountBandEdgesMinor, theirs.amountBandEdgesMinor))
    translations.set('amount_band', bandOf(own.fitted, computed.indexOf('amount')))
  return translations
}

interface Vocabularies {
  readonly own: readonly VocabularyEntry[]
  readonly theirs: readonly VocabularyEntry[]
}

const vocabularies = (own: FittedFeatures, theirs: FittedFeatures, name: string): Vocabularies => ({
  own: own.vocabularies[name] ?? [],
  theirs: theirs.vocabularies[name] ?? [],
})

/** Of each of their codes the own one; undefined where they are equal. */
const codesOf = ({ own, theirs }: Vocabularies): readonly number[] | undefined => {
  const codes = new Map(own.map(({ value }, code) => [value, code]))
  const found = theirs.map(({ value }) => codes.get(value) ?? -1)
  return found.every((code, at) => code === at) ? undefined : found
}

/** Of each of their codes the share in the own training; undefined where they are equal. */
const sharesOf = ({ own, theirs }: Vocabularies): readonly number[] | undefined => {
  const shares = new Map(own.map(({ value, share }) => [value, share]))
  const found = theirs.map(({ value }) => shares.get(value) ?? 0)
  return found.every((share, at) => share === theirs[at]!.share) ? undefined : found
}

const recoded =
  (place: number, values: readonly number[], unknown: number): Translation =>
  (logged) => {
    const code = place < 0 ? Number.NaN : logged[place]!
    return Number.isNaN(code) ? Number.NaN : (values[code] ?? unknown)
  }

const bandOf = (own: FittedFeatures, place: number): Translation => {
  const lookup = createFittedLookup(own)
  const unit = powerOfTen(own.amountDecimals ?? 2)
  return (logged) => (place < 0 ? Number.NaN : lookup.amountBand(Math.round(logged[place]! * unit)))
}

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((value, at) => value === b[at])
