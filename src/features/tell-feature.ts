import type { Feature } from './feature.ts'
import type { FittedFeatures } from './fitted-features.ts'
import { entryText, numberText, VALUE_TEXTS, valueTextOf } from './value-texts.ts'

/**
 * What `value` of `feature` says, in words: `amount is 9.4 times the user's mean of the last 7 days`.
 *
 * A feature without a phrase is told by its name. Whatever the value, the text holds no NaN, Infinity or
 * minus zero; an infinite value is told as a very large one.
 */
export const tellFeature = (feature: Feature, value: number, fitted: FittedFeatures): string => {
  const { name, unit, phrase } = feature
  if (Number.isNaN(value)) return phrase?.missing ?? `${spoken(name)} is not known`
  if (phrase === undefined) return `${spoken(name)} is ${numberText(value)}`
  const own = phrase.at?.[value]
  if (own !== undefined) return own
  const tell =
    phrase.vocabulary !== undefined
      ? entryText(phrase.vocabulary)
      : phrase.as === undefined
        ? valueTextOf(unit)
        : VALUE_TEXTS[phrase.as]
  // A function, because a category may hold "$&", which a replacement text would expand.
  return phrase.text.replace('{}', () => tell(value, fitted))
}

/**
 * What the code of a categorical feature stands for; null when it is missing or training did not know the
 * value.
 */
export const categoryOf = (
  { phrase }: Feature,
  code: number,
  { vocabularies }: FittedFeatures,
): string | null => {
  const name = phrase?.vocabulary
  return (name === undefined ? undefined : vocabularies[name]?.[code]?.value) ?? null
}

const spoken = (name: string): string => name.replaceAll('_', ' ')
