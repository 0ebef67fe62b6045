import { type AmountRules, minorPerUnit } from '../transaction/amount-rules.ts'
import type { EntityReading, WindowReading } from './state/reading.ts'
import { earlierDeviation, relativeTo, standardDeviation } from './statistics.ts'

/**
 * Figures of payments (amounts of 0 and above) in minor units. Refunds are in none of them: what a user pays
 * does not shrink because something came back.
 */

/** What records of features about money need of the rules. */
export interface Money {
  /** Minor units of one unit of the currency. */
  readonly unit: number
  /** The smallest size of an amount, in units of the currency. */
  readonly least: number
  /** The smallest sum of the payments in a window, this transaction included. */
  readonly leastSum: number
}

export const moneyOf = ({ decimals, zero, refunds }: AmountRules): Money => {
  const unit = minorPerUnit(decimals)
  return { unit, least: zero ? 0 : 1 / unit, leastSum: zero || refunds ? 0 : 1 / unit }
}

/** Payments in a window, this transaction included when it is one. */
export const paymentsIn = ({ count, refundCount }: WindowReading): number => count - refundCount

/** Earlier payments. */
export const earlierPayments = ({ earlierCount, earlierRefundCount }: EntityReading): number =>
  earlierCount - earlierRefundCount

/** Mean of the payments in a window; 0 without any. */
export const meanIn = (reading: WindowReading): number => meanOf(reading.totalMinor, paymentsIn(reading))

/** Mean of the earlier payments; 0 without any. */
export const earlierMean = (life: EntityReading): number =>
  meanOf(life.earlierTotalMinor, earlierPayments(life))

const meanOf = (total: number, count: number): number => (count === 0 ? 0 : total / count)

/** Sample standard deviation of the payments in a window. */
export const deviationIn = (reading: WindowReading): number =>
  standardDeviation(paymentsIn(reading), reading.totalMinor, reading.squares)

/** Sample standard deviation of the earlier payments. */
export const deviationOfEarlier = (life: EntityReading): number =>
  standardDeviation(earlierPayments(life), life.earlierTotalMinor, life.earlierSquares)

/** Size of the amount by the mean of the other payments in the window; 1 when nothing else was paid. */
export const relativeToOthers = (amountMinor: number, reading: WindowReading): number => {
  const isPayment = amountMinor >= 0
  const others = paymentsIn(reading) - (isPayment ? 1 : 0)
  return relativeTo(Math.abs(amountMinor), reading.totalMinor - (isPayment ? amountMinor : 0), others)
}

/** Size of the amount by the mean of the earlier payments; 1 when nothing was paid. */
export const relativeToEarlier = (amountMinor: number, life: EntityReading): number =>
  relativeTo(Math.abs(amountMinor), life.earlierTotalMinor, earlierPayments(life))

/** Size of the amount by the largest earlier payment; 1 when nothing was paid. */
export const relativeToLargest = (amountMinor: number, life: EntityReading): number =>
  relativeTo(Math.abs(amountMinor), life.earlierMaximumMinor, 1)

/** Standard deviations from the mean of the earlier payments to the size of the amount. */
export const deviationsFromEarlier = (amountMinor: number, life: EntityReading): number =>
  earlierDeviation(Math.abs(amountMinor), earlierPayments(life), life.earlierTotalMinor, life.earlierSquares)
