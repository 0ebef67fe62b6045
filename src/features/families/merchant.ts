import { fieldFeatures } from '../category-features.ts'
import type { Feature, FeatureFamily } from '../feature.ts'
import { type Money, meanIn, moneyOf, relativeToEarlier } from '../payments.ts'
import { windowText } from '../phrase.ts'
import { refundsInWindow } from '../refund-features.ts'
import { isNewValue, isUsualValue, shareOfValue } from '../value-features.ts'

const ONWARDS = Number.POSITIVE_INFINITY
const NO_MERCHANT = 'no merchant given'

/** Whom the user pays and for what, against the habits of both. */
export const merchant: FeatureFamily = {
  name: 'merchant',
  title: 'Merchant',
  meaning: 'Whom the user pays and for what, against the habits of both.',
  features: ({ windows, categories, amounts }) => [
    isNewValue('user_merchant_is_new', 'merchant', 'The user has not paid this merchant before.'),
    shareOfValue(
      'user_merchant_share',
      'merchant',
      "Share of the user's earlier transactions with this merchant.",
    ),
    isUsualValue(
      'user_category_is_usual',
      'category',
      "The merchant's category is the user's commonest so far.",
    ),
    isNewValue('user_category_is_new', 'category', 'The user has not paid in this category before.'),
    shareOfValue(
      'user_category_share',
      'category',
      "Share of the user's earlier transactions in this category.",
    ),
    ...fieldFeatures(
      categories,
      'merchant_category',
      'merchant category',
      ({ categoryToken }) => categoryToken,
    ),
    ...fieldFeatures(categories, 'transaction_type', 'transaction type', ({ typeToken }) => typeToken),
    ...windows.flatMap((window) => inWindow(window, moneyOf(amounts))),
    ...overLife,
    ...(amounts.refunds
      ? windows.flatMap((window) =>
          refundsInWindow({ name: 'merchant', word: 'merchant' }, window, moneyOf(amounts)),
        )
      : []),
  ],
}

const overLife: readonly Feature[] = [
  {
    name: 'merchant_tx_count_life',
    meaning: 'Transactions of the merchant before this one.',
    unit: 'transactions',
    range: [0, ONWARDS],
    missing: 'missing when the transaction names no merchant; 0 for its first',
    phrase: {
      text: 'merchant has had {} before',
      at: { 0: 'first transaction of the merchant' },
      missing: NO_MERCHANT,
    },
    bind: ({ merchant: source }) => {
      const life = source.life()
      return () => life.earlierCount
    },
  },
  {
    name: 'merchant_amount_to_mean',
    meaning: 'This amount divided by the mean of the earlier payments to the merchant.',
    unit: 'ratio',
    range: [0, ONWARDS],
    missing: 'missing when the transaction names no merchant; 1 for its first',
    phrase: {
      text: "amount is {} times the merchant's mean",
      at: { 1: "amount is the merchant's mean, or the first" },
      missing: NO_MERCHANT,
    },
    bind: ({ merchant: source, transaction }) => {
      const life = source.lifePayments()
      return () => relativeToEarlier(transaction.amountMinor, life)
    },
  },
]

const inWindow = (window: string, { unit, leastSum }: Money): Feature[] => [
  {
    name: `merchant_tx_count_${window}`,
    meaning: `Transactions of the merchant in the last ${window}, this one included.`,
    unit: 'transactions',
    range: [1, ONWARDS],
    missing: 'missing when the transaction names no merchant',
    phrase: {
      text: `merchant has had {} in the last ${windowText(window)}`,
      at: { 1: `only transaction of the merchant in the last ${windowText(window)}` },
      missing: NO_MERCHANT,
    },
    bind: ({ merchant: source }) => {
      const reading = source.window(window)
      return () => reading.count
    },
  },
  {
    name: `merchant_mean_amount_${window}`,
    meaning: `Mean of the payments to the merchant in the last ${window}, this one included.`,
    unit: 'currency',
    range: [leastSum, ONWARDS],
    missing: 'missing when the transaction names no merchant',
    phrase: { text: `merchant's mean amount of the last ${windowText(window)} is {}`, missing: NO_MERCHANT },
    bind: ({ merchant: source }) => {
      const reading = source.windowPayments(window)
      return () => meanIn(reading) / unit
    },
  },
]
