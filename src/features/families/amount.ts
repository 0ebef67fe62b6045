import { fieldFeatures } from '../category-features.ts'
import type { Feature, FeatureFamily } from '../feature.ts'
import { yesOrNo } from '../phrase.ts'

const MINOR_PER_MAJOR = 100

/** What is paid, seen by itself. */
export const amount: FeatureFamily = {
  name: 'amount',
  title: 'Amount',
  meaning: 'What is paid, seen by itself.',
  features: ({ categories }) => [
    ...ofAmount,
    ...fieldFeatures(categories, 'currency', 'currency', ({ currencyToken }) => currencyToken),
  ],
}

const ofAmount: readonly Feature[] = [
  {
    name: 'amount',
    meaning: 'Amount of the transaction.',
    unit: 'currency',
    range: [0.01, Number.POSITIVE_INFINITY],
    missing: 'never',
    phrase: { text: 'amount is {}' },
    bind:
      ({ transaction }) =>
      () =>
        transaction.amountMinor / MINOR_PER_MAJOR,
  },
  {
    name: 'amount_log',
    meaning: 'Natural logarithm of 1 + amount.',
    unit: 'log currency',
    range: [0, Number.POSITIVE_INFINITY],
    missing: 'never',
    phrase: { text: 'amount is {}' },
    bind:
      ({ transaction }) =>
      () =>
        Math.log1p(transaction.amountMinor / MINOR_PER_MAJOR),
  },
  {
    name: 'amount_cents',
    meaning: 'The part of the amount below one unit of currency.',
    unit: 'minor currency',
    range: [0, 99],
    missing: 'never',
    phrase: { text: 'amount ends in {}' },
    bind:
      ({ transaction }) =>
      () =>
        transaction.amountMinor % MINOR_PER_MAJOR,
  },
  {
    name: 'amount_is_whole',
    meaning: 'The amount has no cents.',
    unit: 'boolean',
    range: [0, 1],
    missing: 'never',
    phrase: yesOrNo('amount is a whole number', 'amount is not a whole number'),
    bind:
      ({ transaction }) =>
      () =>
        transaction.amountMinor % MINOR_PER_MAJOR === 0 ? 1 : 0,
  },
  {
    name: 'amount_is_round',
    meaning: 'The amount is a multiple of ten units of currency.',
    unit: 'boolean',
    range: [0, 1],
    missing: 'never',
    phrase: yesOrNo('amount is a multiple of ten', 'amount is not a multiple of ten'),
    bind:
      ({ transaction }) =>
      () =>
        transaction.amountMinor % (10 * MINOR_PER_MAJOR) === 0 ? 1 : 0,
  },
  {
    name: 'amount_band',
    meaning: 'Band of the amount among equally filled bands of the training transactions, smallest 0.',
    unit: 'index',
    range: [0, 99],
    missing: 'never',
    phrase: { text: 'amount is in band {}', as: 'amount band' },
    bind:
      ({ transaction, fitted }) =>
      () =>
        fitted.amountBand(transaction.amountMinor),
  },
]
