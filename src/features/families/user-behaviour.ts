import { DAY_MS } from '../../foundation/days.ts'
import type { Feature, FeatureFamily } from '../feature.ts'
import {
  deviationIn,
  deviationOfEarlier,
  deviationsFromEarlier,
  earlierMean,
  type Money,
  meanIn,
  moneyOf,
  relativeToEarlier,
  relativeToLargest,
  relativeToOthers,
} from '../payments.ts'
import { windowText } from '../phrase.ts'
import { refundsInWindow } from '../refund-features.ts'
import { REVERSAL_FEATURES } from '../reversal-features.ts'

const ONWARDS = Number.POSITIVE_INFINITY

/** How the user usually pays, and how far this transaction is from it. */
export const userBehaviour: FeatureFamily = {
  name: 'user_behaviour',
  title: 'User behaviour',
  meaning: 'How the user usually pays, and how far this transaction is from it.',
  features: ({ windows, amounts, reversals }) => [
    ...windows.flatMap((window) => inWindow(window, moneyOf(amounts))),
    ...overLife(moneyOf(amounts)),
    ...(amounts.refunds
      ? windows.flatMap((window) => refundsInWindow({ name: 'user', word: 'user' }, window, moneyOf(amounts)))
      : []),
    ...(reversals ? REVERSAL_FEATURES : []),
  ],
}

/** Over `(t - w, t]`, this transaction included. */
const inWindow = (window: string, { unit, leastSum }: Money): Feature[] => [
  {
    name: `user_tx_count_${window}`,
    meaning: `Transactions of the user in the last ${window}, this one included.`,
    unit: 'transactions',
    range: [1, ONWARDS],
    missing: 'never',
    phrase: {
      text: `user has made {} in the last ${windowText(window)}`,
      at: { 1: `only transaction of the user in the last ${windowText(window)}` },
    },
    bind: ({ user }) => {
      const reading = user.window(window)
      return () => reading.count
    },
  },
  {
    name: `user_total_amount_${window}`,
    meaning: `Sum of the user's payments in the last ${window}, this one included.`,
    unit: 'currency',
    range: [leastSum, ONWARDS],
    missing: 'never',
    phrase: { text: `user has paid {} in all in the last ${windowText(window)}` },
    bind: ({ user }) => {
      const reading = user.windowPayments(window)
      return () => reading.totalMinor / unit
    },
  },
  {
    name: `user_mean_amount_${window}`,
    meaning: `Mean of the user's payments in the last ${window}, this one included.`,
    unit: 'currency',
    range: [leastSum, ONWARDS],
    missing: 'never',
    phrase: { text: `user's mean amount of the last ${windowText(window)} is {}` },
    bind: ({ user }) => {
      const reading = user.windowPayments(window)
      return () => meanIn(reading) / unit
    },
  },
  {
    name: `user_std_amount_${window}`,
    meaning: `Sample standard deviation of the user's payments in the last ${window}, this one included.`,
    unit: 'currency',
    range: [0, ONWARDS],
    missing: '0 when this is the only transaction',
    phrase: {
      text: `user's amounts of the last ${windowText(window)} vary by {}`,
      at: { 0: `user's amounts of the last ${windowText(window)} are all alike` },
    },
    bind: ({ user }) => {
      const reading = user.windowSquares(window)
      return () => deviationIn(reading) / unit
    },
  },
  {
    name: `user_max_amount_${window}`,
    meaning: `Largest of the user's payments in the last ${window}, this one included.`,
    unit: 'currency',
    range: [leastSum, ONWARDS],
    missing: 'never',
    phrase: { text: `user's largest amount of the last ${windowText(window)} is {}` },
    bind: ({ user }) => {
      const reading = user.windowMaximum(window)
      return () => reading.maximumMinor / unit
    },
  },
  {
    name: `user_amount_to_mean_${window}`,
    meaning: `This amount divided by the mean of the user's other payments in the last ${window}.`,
    unit: 'ratio',
    range: [0, ONWARDS],
    missing: '1 when there are no others',
    phrase: {
      text: `amount is {} times the user's mean of the last ${windowText(window)}`,
      at: { 1: `amount is the user's mean of the last ${windowText(window)}, or the only one` },
    },
    bind: ({ user, transaction }) => {
      const reading = user.windowPayments(window)
      return () => relativeToOthers(transaction.amountMinor, reading)
    },
  },
  {
    name: `user_distinct_merchants_${window}`,
    meaning: `Different merchants the user paid in the last ${window}, this one included.`,
    unit: 'merchants',
    range: [0, ONWARDS],
    missing: '0 when no transaction names one',
    phrase: {
      text: `user has paid {} in the last ${windowText(window)}`,
      at: { 0: `user has paid no named merchant in the last ${windowText(window)}` },
    },
    bind: ({ user }) => user.distinct(window, 'merchant'),
  },
]

/** Over all earlier transactions, this one excluded: what it is compared with cannot contain it. */
const overLife = (money: Money): Feature[] => [TRANSACTIONS, ...paymentsOverLife(money), ...comparedWithLife]

const TRANSACTIONS: Feature = {
  name: 'user_tx_count_life',
  meaning: 'Transactions of the user before this one.',
  unit: 'transactions',
  range: [0, ONWARDS],
  missing: '0 for the first',
  phrase: { text: 'user has made {} before', at: { 0: 'first transaction of the user' } },
  bind: ({ user }) => {
    const life = user.life()
    return () => life.earlierCount
  },
}

const paymentsOverLife = ({ unit }: Money): Feature[] => [
  {
    name: 'user_mean_amount_life',
    meaning: "Mean of the user's earlier payments.",
    unit: 'currency',
    range: [0, ONWARDS],
    missing: '0 for the first',
    phrase: { text: "user's mean amount so far is {}", at: { 0: 'first amount of the user' } },
    bind: ({ user }) => {
      const life = user.lifePayments()
      return () => earlierMean(life) / unit
    },
  },
  {
    name: 'user_std_amount_life',
    meaning: "Sample standard deviation of the user's earlier payments.",
    unit: 'currency',
    range: [0, ONWARDS],
    missing: '0 with fewer than two earlier transactions',
    phrase: {
      text: "user's amounts so far vary by {}",
      at: { 0: "user's amounts so far are alike or fewer than two" },
    },
    bind: ({ user }) => {
      const life = user.lifeSquares()
      return () => deviationOfEarlier(life) / unit
    },
  },
  {
    name: 'user_max_amount_life',
    meaning: "Largest of the user's earlier payments.",
    unit: 'currency',
    range: [0, ONWARDS],
    missing: '0 for the first',
    phrase: { text: "user's largest amount so far is {}", at: { 0: 'first amount of the user' } },
    bind: ({ user }) => {
      const life = user.lifePayments()
      return () => life.earlierMaximumMinor / unit
    },
  },
]

const comparedWithLife: readonly Feature[] = [
  {
    name: 'user_amount_zscore',
    meaning: "Standard deviations between this amount and the mean of the user's earlier payments.",
    unit: 'standard deviations',
    range: [Number.NEGATIVE_INFINITY, ONWARDS],
    missing: '0 with fewer than two earlier transactions or when they are all alike',
    phrase: {
      text: "amount is {} the user's mean",
      at: { 0: "amount is the user's mean, or there is nothing to compare it with" },
    },
    bind: ({ user, transaction }) => {
      const life = user.lifeSquares()
      return () => deviationsFromEarlier(transaction.amountMinor, life)
    },
  },
  {
    name: 'user_amount_to_mean',
    meaning: "This amount divided by the mean of the user's earlier payments.",
    unit: 'ratio',
    range: [0, ONWARDS],
    missing: '1 for the first',
    phrase: {
      text: "amount is {} times the user's mean",
      at: { 1: "amount is the user's mean, or the first" },
    },
    bind: ({ user, transaction }) => {
      const life = user.lifePayments()
      return () => relativeToEarlier(transaction.amountMinor, life)
    },
  },
  {
    name: 'user_amount_to_max',
    meaning: "This amount divided by the largest of the user's earlier payments.",
    unit: 'ratio',
    range: [0, ONWARDS],
    missing: '1 for the first',
    phrase: {
      text: "amount is {} times the user's largest so far",
      at: { 1: "amount is the user's largest so far, or the first" },
    },
    bind: ({ user, transaction }) => {
      const life = user.lifePayments()
      return () => relativeToLargest(transaction.amountMinor, life)
    },
  },
  {
    name: 'user_age',
    meaning: "Days since the user's first transaction.",
    unit: 'days',
    range: [0, ONWARDS],
    missing: '0 for the first',
    phrase: {
      text: "{} since the user's first transaction",
      at: { 0: "moment of the user's first transaction" },
    },
    bind: ({ user, transaction }) => {
      const life = user.life()
      return () =>
        life.earlierCount === 0 ? 0 : Math.max(0, transaction.eventTimeMs - life.firstTimeMs) / DAY_MS
    },
  },
]
