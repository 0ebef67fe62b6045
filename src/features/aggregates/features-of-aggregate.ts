import { DAY_MS } from '../../foundation/days.ts'
import { scaleOf } from '../../foundation/exact-sum.ts'
import type { Attribute } from '../../transaction/attributes.ts'
import { attributeWords } from '../attribute-words.ts'
import type { Feature, FeatureSources } from '../feature.ts'
import { windowText, yesOrNo } from '../phrase.ts'
import type { Kept } from '../state/aggregates/aggregate-layout.ts'
import type { AggregateReading } from '../state/reading.ts'
import { type AggregateFeature, type Compute, DEFAULT_DECIMALS } from './aggregate-feature.ts'

/** An aggregate with what it is of, and what its entity is called in sentences. */
export interface AggregateOf extends AggregateFeature {
  readonly attribute: Attribute
  readonly word: string
}

const ANYTHING = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const
const ONWARDS = Number.POSITIVE_INFINITY

/** One feature for each window; one alone of the last value and the change since. */
export const featuresOfAggregate = (aggregate: AggregateOf): readonly Feature[] => {
  const { name, compute, windows } = aggregate
  if (compute === 'last') return [{ name, ...last(aggregate) }]
  if (compute === 'change') return [{ name, ...change(aggregate) }]
  return windows.map((window) => ({ name: `${name}_${window}`, ...IN_WINDOWS[compute](aggregate, window) }))
}

/** A feature but for its name. */
type Unnamed = Omit<Feature, 'name'>

const KEPT: Readonly<Record<Compute, Kept>> = {
  mean: 'sum',
  sum: 'sum',
  maximum: 'maximum',
  distinct: 'distinct',
  share: 'share',
  last: 'last',
  change: 'last',
}

const readingOf = (aggregate: AggregateOf, sources: FeatureSources, window?: string): AggregateReading => {
  const { attribute, by, compute } = aggregate
  const keeps = KEPT[compute]
  return sources.entity(by).aggregate({
    attribute: attribute.name,
    kind: attribute.kind,
    keeps,
    ...(keeps === 'sum' && { decimals: decimalsOf(aggregate) }),
    ...(window !== undefined && { window }),
  })
}

/** Yes and no, and milliseconds, are whole. */
const decimalsOf = ({ attribute, decimals = DEFAULT_DECIMALS }: AggregateOf): number =>
  attribute.kind === 'number' ? decimals : 0

const valueAtHand = ({ attribute }: AggregateOf, { transaction }: FeatureSources): (() => number) => {
  const { values } = transaction
  const place = transaction.attributes.findIndex(({ name }) => name === attribute.name)
  return () => values[place]!
}

const inWindow = ({ word }: AggregateOf, window: string): string =>
  `of the ${word} in the last ${windowText(window)}`

const missingOf = ({ word, attribute }: AggregateOf): string =>
  `missing when the transaction names no ${word}, or no ${attributeWords(attribute)} is known`

/** What a number of the attribute's own unit is, or an age in days. */
const unitOf = ({ attribute: { kind, unit } }: AggregateOf): string =>
  kind === 'time' ? 'days' : kind === 'boolean' ? 'boolean' : (unit ?? 'number')

/** Of a time, the days from it to the transaction. */
const inDays =
  ({ attribute }: AggregateOf, { transaction }: FeatureSources, value: () => number): (() => number) =>
  () => {
    const raw = value()
    return attribute.kind === 'time' ? (transaction.eventTimeMs - raw) / DAY_MS : raw
  }

const mean = (aggregate: AggregateOf, window: string): Unnamed => {
  const { attribute } = aggregate
  const [words, where] = [attributeWords(attribute), inWindow(aggregate, window)]
  const isBoolean = attribute.kind === 'boolean'
  const isTime = attribute.kind === 'time'
  return {
    meaning: isBoolean
      ? `Share of yes among the known values of ${words} ${where}, this transaction included.`
      : isTime
        ? `Days from the mean of the known values of ${words} ${where}, this transaction included, to it.`
        : `Mean of the known values of ${words} ${where}, this transaction included.`,
    unit: isBoolean ? 'share' : unitOf(aggregate),
    range: isBoolean ? [0, 1] : ANYTHING,
    missing: isBoolean ? missingOf(aggregate) : `${missingOf(aggregate)}, or while one is too large`,
    phrase: {
      text: isBoolean
        ? `${words} is yes in {} of the transactions ${where}`
        : isTime
          ? `{} since the mean ${words} ${where}`
          : `mean ${words} ${where} is {}`,
      missing: `no ${words} ${where} is known`,
    },
    bind: (sources) => {
      const reading = readingOf(aggregate, sources, window)
      const scale = scaleOf(decimalsOf(aggregate))
      return inDays(aggregate, sources, () => reading.value / reading.count / scale)
    },
  }
}

const sum = (aggregate: AggregateOf, window: string): Unnamed => {
  const { attribute } = aggregate
  const [words, where] = [attributeWords(attribute), inWindow(aggregate, window)]
  const isBoolean = attribute.kind === 'boolean'
  return {
    meaning: isBoolean
      ? `Transactions whose ${words} is yes ${where}, this one included.`
      : `Sum of the known values of ${words} ${where}, this transaction included.`,
    unit: isBoolean ? 'transactions' : unitOf(aggregate),
    range: isBoolean ? [0, ONWARDS] : ANYTHING,
    missing: isBoolean ? missingOf(aggregate) : `${missingOf(aggregate)}, or while one is too large`,
    phrase: {
      text: isBoolean ? `{} ${where} with ${words}` : `${words} ${where} comes to {}`,
      missing: `no ${words} ${where} is known`,
    },
    bind: (sources) => {
      const reading = readingOf(aggregate, sources, window)
      const scale = scaleOf(decimalsOf(aggregate))
      return () => reading.value / scale
    },
  }
}

const maximum = (aggregate: AggregateOf, window: string): Unnamed => {
  const { attribute } = aggregate
  const [words, where] = [attributeWords(attribute), inWindow(aggregate, window)]
  const isTime = attribute.kind === 'time'
  return {
    meaning:
      attribute.kind === 'boolean'
        ? `Whether ${words} is yes in any transaction ${where}, this one included.`
        : isTime
          ? `Days from the latest ${words} ${where}, this transaction included, to it.`
          : `Largest ${words} ${where}, this transaction included.`,
    unit: unitOf(aggregate),
    range: attribute.kind === 'boolean' ? [0, 1] : ANYTHING,
    missing: missingOf(aggregate),
    phrase:
      attribute.kind === 'boolean'
        ? yesOrNo(
            `${words} is yes in a transaction ${where}`,
            `${words} is yes in no transaction ${where}`,
            `no ${words} ${where} is known`,
          )
        : {
            text: isTime ? `{} since the latest ${words} ${where}` : `largest ${words} ${where} is {}`,
            missing: `no ${words} ${where} is known`,
          },
    bind: (sources) => {
      const reading = readingOf(aggregate, sources, window)
      return inDays(aggregate, sources, () => reading.value)
    },
  }
}

const distinct = (aggregate: AggregateOf, window: string): Unnamed => {
  const [words, where] = [attributeWords(aggregate.attribute), inWindow(aggregate, window)]
  return {
    meaning: `Different values of ${words} among the transactions ${where}, this one included.`,
    unit: 'values',
    range: [0, ONWARDS],
    missing: `missing when the transaction names no ${aggregate.word}; 0 when no ${words} is known`,
    phrase: {
      text: `{} of ${words} among the transactions ${where}`,
      at: { 0: `no ${words} ${where} is known` },
      missing: `no ${aggregate.word} given`,
    },
    bind: (sources) => {
      const reading = readingOf(aggregate, sources, window)
      return () => reading.value
    },
  }
}

const share = (aggregate: AggregateOf, window: string): Unnamed => {
  const [words, where] = [attributeWords(aggregate.attribute), inWindow(aggregate, window)]
  return {
    meaning: `Share of the transactions ${where} with a known ${words} that have this one's, this one included.`,
    unit: 'share',
    range: [0, 1],
    missing: `missing when the transaction names no ${aggregate.word} or has no ${words}`,
    phrase: {
      text: `{} of the transactions ${where} have this ${words}`,
      missing: `no ${aggregate.word} or no ${words} given`,
    },
    bind: (sources) => {
      const reading = readingOf(aggregate, sources, window)
      return () => reading.value / reading.count
    },
  }
}

const IN_WINDOWS = { mean, sum, maximum, distinct, share }

const last = (aggregate: AggregateOf): Unnamed => {
  const { attribute, word } = aggregate
  const words = attributeWords(attribute)
  const missing = `${missingWithout(aggregate)}${attribute.kind === 'category' ? '; -1 for a value training did not know' : ''}`
  const none = `no earlier ${words} of the ${word} is known`
  if (attribute.kind === 'category') {
    return {
      meaning: `Code of the last known ${words} of the ${word} before this transaction, in the fitted vocabulary.`,
      unit: 'index',
      kind: 'categorical',
      range: [-1, ONWARDS],
      missing,
      phrase: { text: `last ${words} of the ${word} was {}`, vocabulary: attribute.name, missing: none },
      bind: (sources) => {
        const reading = readingOf(aggregate, sources)
        const lookup = sources.fitted.category(attribute.name)
        return () => (Number.isNaN(reading.value) ? Number.NaN : lookup.code(reading.value))
      },
    }
  }
  return {
    meaning:
      attribute.kind === 'time'
        ? `Days from the last known ${words} of the ${word} before this transaction to it.`
        : `Last known ${words} of the ${word} before this transaction.`,
    unit: unitOf(aggregate),
    range: attribute.kind === 'boolean' ? [0, 1] : ANYTHING,
    missing,
    phrase:
      attribute.kind === 'boolean'
        ? yesOrNo(`last ${words} of the ${word}: yes`, `last ${words} of the ${word}: no`, none)
        : {
            text:
              attribute.kind === 'time'
                ? `{} since the last ${words} of the ${word}`
                : `last ${words} of the ${word} was {}`,
            missing: none,
          },
    bind: (sources) => {
      const reading = readingOf(aggregate, sources)
      return inDays(aggregate, sources, () => reading.value)
    },
  }
}

const missingWithout = ({ word }: AggregateOf): string =>
  `missing when the transaction names no ${word}, or none is known`

const change = (aggregate: AggregateOf): Unnamed => {
  const { attribute, word } = aggregate
  const words = attributeWords(attribute)
  const missing = `${missingWithout(aggregate)}, before or now`
  const none = `no ${words} of the ${word} is known, before or now`
  if (attribute.kind === 'category' || attribute.kind === 'text') {
    return {
      meaning: `The ${words} is not the last known one of the ${word} before this transaction.`,
      unit: 'boolean',
      range: [0, 1],
      missing,
      phrase: yesOrNo(
        `${words} is not the last one of the ${word}`,
        `${words} is the last one of the ${word}`,
        none,
      ),
      bind: (sources) => {
        const reading = readingOf(aggregate, sources)
        const value = valueAtHand(aggregate, sources)
        return () => {
          const now = value()
          if (now === 0 || Number.isNaN(reading.value)) return Number.NaN
          return now === reading.value ? 0 : 1
        }
      },
    }
  }
  return {
    meaning: `The ${words} less the last known one of the ${word} before this transaction${MORE[attribute.kind]}.`,
    unit: attribute.kind === 'boolean' ? 'number' : unitOf(aggregate),
    range: attribute.kind === 'boolean' ? [-1, 1] : ANYTHING,
    missing,
    phrase: {
      text: `${words} differs from the last one of the ${word} by {}`,
      at: {
        0: `${words} is the last one of the ${word}`,
        ...(attribute.kind === 'boolean' && {
          1: `${words} has become yes for the ${word}`,
          [-1]: `${words} has become no for the ${word}`,
        }),
      },
      missing: none,
    },
    bind: (sources) => {
      const reading = readingOf(aggregate, sources)
      const value = valueAtHand(aggregate, sources)
      const unit = attribute.kind === 'time' ? DAY_MS : 1
      return () => {
        const difference = (value() - reading.value) / unit
        // Two doubles can be further apart than a double reaches.
        return Number.isFinite(difference) ? difference : Number.NaN
      }
    },
  }
}

const MORE = { number: '', time: ', in days', boolean: ': 1 where it has become yes, -1 no' } as const
