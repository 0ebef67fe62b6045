import { log1p } from '../../foundation/elementary/logarithm.ts'
import { fieldFeatures } from '../category-features.ts'
import type { Feature, FeatureFamily } from '../feature.ts'
import { type Money, moneyOf } from '../payments.ts'
import { yesOrNo } from '../phrase.ts'

/** What is paid, seen by itself. */
export const amount: FeatureFamily = {
  name: 'amount',
  title: 'Amount',
  meaning: 'What is paid, seen by itself.',
  features: ({ amounts, categories }) => [
    ...ofAnyAmount(moneyOf(amounts)),
    ...(amounts.zero ? [isZero] : []),
    ...(amounts.refunds ? [isRefund] : []),
    ...fieldFeatures(categories, 'currency', 'currency', ({ currencyToken }) => currencyToken),
  ],
}

const ofAnyAmount = ({ unit, least }: Money): Feature[] => [
  {
    name: 'amount',
    meaning: 'Amount of the transaction, without its sign.',
    unit: 'currency',
    range: [least, Number.POSITIVE_INFINITY],
    missing: 'never',
    phrase: { text: 'amount is {}' },
    bind:
      ({ transaction }) =>
      () =>
        Math.abs(transaction.amountMinor) / unit,
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
        log1p(Math.abs(transaction.amountMinor) / unit),
  },
  ...ofDigits(unit),
  {
    name: 'amount_band',
    meaning:
      'Band of the amount, without its sign, among equally filled bands of the training transactions, smallest 0.',
    unit: 'index',
    range: [0, 99],
    missing: 'never',
    phrase: { text: 'amount is in band {}', as: 'amount band' },
    bind:
      ({ transaction, fitted }) =>
      () =>
        fitted.amountBand(Math.abs(transaction.amountMinor)),
  },
]

/** How the amount ends. */
const ofDigits = (unit: number): Feature[] => [
  {
    name: 'amount_cents',
    meaning: 'The part of the amount below one unit of currency.',
    unit: 'minor currency',
    range: [0, unit - 1],
    missing: 'never',
    phrase: { text: 'amount ends in {}' },
    bind:
      ({ transaction }) =>
      () =>
        Math.abs(transaction.amountMinor) % unit,
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
        transaction.amountMinor % unit === 0 ? 1 : 0,
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
        transaction.amountMinor % (10 * unit) === 0 ? 1 : 0,
  },
]

const isZero: Feature = {
  name: 'amount_is_zero',
  meaning: 'The amount is 0, as that of a card check.',
  unit: 'boolean',
  range: [0, 1],
  missing: 'never',
  phrase: yesOrNo('amount is zero', 'amount is not zero'),
  bind:
    ({ transaction }) =>
    () =>
      transaction.amountMinor === 0 ? 1 : 0,
}

const isRefund: Feature = {
  name: 'amount_is_refund',
  meaning: 'The amount is below 0: a refund or reversal.',
  unit: 'boolean',
  range: [0, 1],
  missing: 'never',
  phrase: yesOrNo('it is a refund', 'it is a payment'),
  bind:
    ({ transaction }) =>
    () =>
      transaction.amountMinor < 0 ? 1 : 0,
}
