import { DAY_MS } from '../../foundation/days.ts'
import type { Attribute } from '../../transaction/attributes.ts'
import { attributeWords } from '../attribute-words.ts'
import { categoryFeatures } from '../category-features.ts'
import type { Feature, FeatureFamily, FeatureSources } from '../feature.ts'
import { yesOrNo } from '../phrase.ts'

const ANYTHING = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const

/** What the bank knows of the transaction beside the fields of every transaction. */
export const attributes: FeatureFamily = {
  name: 'attributes',
  title: 'Attributes',
  meaning: 'What the bank knows of the transaction beside the fields of every transaction.',
  features: (options) => options.attributes.flatMap((attribute, place) => featuresOf(attribute, place)),
}

const valueAt =
  (place: number) =>
  ({ transaction }: FeatureSources): (() => number) => {
    const { values } = transaction
    return () => values[place]!
  }

const featuresOf = (attribute: Attribute, place: number): readonly Feature[] => {
  switch (attribute.kind) {
    case 'number':
      return [numberFeature(attribute, place)]
    case 'boolean':
      return [booleanFeature(attribute, place)]
    case 'time':
      return [ageFeature(attribute, place)]
    case 'category':
      return categoryFeatures(attribute.name, attributeWords(attribute), valueAt(place))
    case 'text':
      // Says something to people only; an expression can make a category or a number of it.
      return []
  }
}

const numberFeature = (attribute: Attribute, place: number): Feature => ({
  name: attribute.name,
  meaning: `Attribute of the bank: ${attributeWords(attribute)}.`,
  unit: attribute.unit ?? 'number',
  range: ANYTHING,
  missing: 'missing when the transaction has none',
  phrase: { text: `${attributeWords(attribute)} is {}`, missing: `no ${attributeWords(attribute)} given` },
  bind: valueAt(place),
})

const booleanFeature = (attribute: Attribute, place: number): Feature => ({
  name: attribute.name,
  meaning: `Attribute of the bank: ${attributeWords(attribute)}; 1 for yes, 0 for no.`,
  unit: 'boolean',
  range: [0, 1],
  missing: 'missing when the transaction has none',
  phrase: yesOrNo(
    `${attributeWords(attribute)}: yes`,
    `${attributeWords(attribute)}: no`,
    `no ${attributeWords(attribute)} given`,
  ),
  bind: valueAt(place),
})

const ageFeature = (attribute: Attribute, place: number): Feature => ({
  name: `${attribute.name}_age`,
  meaning: `Days from the attribute ${attributeWords(attribute)} to the transaction; negative when it lies after it.`,
  unit: 'days',
  range: ANYTHING,
  missing: 'missing when the transaction has none',
  phrase: { text: `{} since ${attributeWords(attribute)}`, missing: `no ${attributeWords(attribute)} given` },
  bind: (sources) => {
    const value = valueAt(place)(sources)
    const { transaction } = sources
    return () => (transaction.eventTimeMs - value()) / DAY_MS
  },
})
