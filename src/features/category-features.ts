import type { Feature, FeatureSources, KnownData } from './feature.ts'
import type { VocabularyField } from './fitted-features.ts'
import type { TransactionEvent } from './transaction-event.ts'

const ONWARDS = Number.POSITIVE_INFINITY

/**
 * What a category says by itself: its code in the fitted vocabulary, and how common it is.
 *
 * @param name of the vocabulary, and what the names of the features begin with
 * @param words what it is called in sentences: `device type`
 * @param tokenOf its value in the transaction at hand, as a token
 */
export const categoryFeatures = (
  name: string,
  words: string,
  tokenOf: (sources: FeatureSources) => () => number,
): readonly Feature[] => [
  {
    name: `${name}_code`,
    meaning: `Code of the ${words} in the fitted vocabulary, commonest 0.`,
    unit: 'index',
    kind: 'categorical',
    range: [-1, ONWARDS],
    missing: 'missing when the transaction has none; -1 for a value training did not know',
    phrase: { text: `${words} is {}`, vocabulary: name, missing: `no ${words} given` },
    bind: (sources) => {
      const lookup = sources.fitted.category(name)
      const token = tokenOf(sources)
      return () => lookup.code(token())
    },
  },
  {
    name: `${name}_share`,
    meaning: `Share of the training transactions with this ${words}.`,
    unit: 'share',
    range: [0, 1],
    missing: 'missing when the transaction has none; 0 for a value training did not know',
    phrase: {
      text: `${words} has {} of the training transactions`,
      at: { 0: `${words} is one that training did not know` },
      missing: `no ${words} given`,
    },
    bind: (sources) => {
      const lookup = sources.fitted.category(name)
      const token = tokenOf(sources)
      return () => lookup.share(token())
    },
  },
]

/** The same of a field of every transaction; nothing where it has no fitted vocabulary. */
export const fieldFeatures = (
  categories: KnownData['categories'],
  name: VocabularyField,
  words: string,
  tokenOf: (event: TransactionEvent) => number,
): readonly Feature[] =>
  categories.includes(name)
    ? categoryFeatures(
        name,
        words,
        ({ transaction }) =>
          () =>
            tokenOf(transaction),
      )
    : []
