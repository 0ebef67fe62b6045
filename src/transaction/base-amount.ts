import { VigiaError } from '../errors.ts'
import { powerOfTen } from '../foundation/elementary/whole-powers.ts'
import {
  AMOUNTS_ABOVE_ZERO,
  type AmountRules,
  amountText,
  type BaseCurrency,
  featureAmounts,
  MOST_MINOR,
} from './amount-rules.ts'
import { type FieldProblem, RequestProblemsError, shown } from './request-problem.ts'
import type { Transaction } from './transaction.ts'

/**
 * Amounts in the base currency. Files are converted when they are read, by `convertedMinor` inside SQL; what
 * is served is converted by the same function when it is cleaned.
 */

/** A rate that converts: finite and above 0. */
export const isRate = (rate: unknown): rate is number =>
  typeof rate === 'number' && rate > 0 && Number.isFinite(rate)

/**
 * Minor units of the base currency: `amountMinor` times `rate`, read as the shortest decimal that names it,
 * times 10^`shift`, in exact decimal arithmetic. Rounded to the nearest whole number, halves to the even one;
 * what is not 0 stays at least one minor unit with its sign, because no payment is the check of a card.
 * Infinite beyond `MOST_MINOR`.
 *
 * @param rate above 0
 * @param shift decimals of the base currency less those of `amountMinor`
 */
export const convertedMinor = (amountMinor: number, rate: number, shift: number): number => {
  if (amountMinor === 0) return 0
  const [, whole = '', fraction = '', exponent = '0'] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(`${rate}`)!
  const power = Number(exponent) - fraction.length + shift
  const amount = Math.abs(amountMinor)
  const digits = Number(whole + fraction)
  const isSmall = amount * digits <= Number.MAX_SAFE_INTEGER && power >= -MOST_POWER && power <= 0
  const size = isSmall
    ? nearest(amount * digits, powerOfTen(-power))
    : nearestOf(BigInt(amount) * BigInt(whole + fraction), power)
  return amountMinor < 0 ? -size : size
}

/** Powers of ten up to this one are whole numbers that doubles count by. */
const MOST_POWER = 15

/** `product` by `divisor`, both exact: halves to the even number, at least 1. */
const nearest = (product: number, divisor: number): number => {
  const rest = product % divisor
  const whole = (product - rest) / divisor
  const isUp = 2 * rest > divisor || (2 * rest === divisor && whole % 2 === 1)
  const size = isUp || whole === 0 ? whole + 1 : whole
  return size > MOST_MINOR ? Number.POSITIVE_INFINITY : size
}

/** The same of `digits` (above 0) times 10^`power`, of any size. */
const nearestOf = (digits: bigint, power: number): number => {
  const divisor = 10n ** BigInt(Math.max(0, -power))
  const product = digits * 10n ** BigInt(Math.max(0, power))
  const rest = 2n * (product % divisor)
  const whole = product / divisor
  const isUp = rest > divisor || (rest === divisor && whole % 2n === 1n)
  const size = isUp || whole === 0n ? whole + 1n : whole
  return size > MOST_MINOR ? Number.POSITIVE_INFINITY : Number(size)
}

/** What a conversion needs of the rules of amounts. */
export interface ConversionRules {
  /** Of amounts as they are sent. */
  readonly decimals: number
  readonly base: BaseCurrency
}

/** How many decimal places the base currency has beyond amounts as they are sent; may be below 0. */
export const shiftTo = (base: BaseCurrency, { decimals }: Pick<AmountRules, 'decimals'>): number =>
  base.decimals - decimals

/** The rate of a transaction; 1 where it is of the base currency and has none; undefined: it has none. */
export const rateOf = (transaction: Transaction, { rate, currency }: BaseCurrency): number | undefined => {
  const given = transaction.attributes?.[rate]
  if (isRate(given)) return given
  return given === undefined && transaction.currency?.toUpperCase() === currency ? 1 : undefined
}

/**
 * The amount of a transaction in minor units of the base currency.
 *
 * @throws SERVING_AMOUNT_UNCONVERTED when it cannot be converted
 */
export const amountInBase = (transaction: Transaction, rules: ConversionRules): number => {
  const { base } = rules
  const rate = rateOf(transaction, base)
  const minor =
    rate === undefined ? Number.NaN : convertedMinor(transaction.amountMinor, rate, shiftTo(base, rules))
  if (Math.abs(minor) <= base.largestMinor) return minor
  throw new VigiaError('SERVING_AMOUNT_UNCONVERTED', {
    transactionId: transaction.transactionId,
    reason: rate === undefined ? `no rate in attributes.${base.rate}` : `an amount beyond amounts.largest`,
    currency: base.currency,
  })
}

/** What is wrong with a transaction that cannot be converted to the base currency of `rules`. */
export const baseProblem = (transaction: Transaction, rules: AmountRules): FieldProblem | undefined => {
  const { base } = rules
  if (base === undefined) return undefined
  const rate = rateOf(transaction, base)
  if (rate === undefined) {
    const got = transaction.attributes?.[base.rate]
    return {
      field: `attributes.${base.rate}`,
      what: got === undefined ? 'is missing (rate_missing)' : 'is no rate (rate_missing)',
      allowed: `a number above 0, how many ${base.currency} a unit of the transaction's currency is; only ${base.currency} needs none`,
      got: shown(got),
    }
  }
  const minor = convertedMinor(transaction.amountMinor, rate, shiftTo(base, rules))
  if (Math.abs(minor) <= base.largestMinor) return undefined
  const most = amountText(base.largestMinor, base.decimals)
  return {
    field: 'amount',
    what: `is beyond ${most} ${base.currency} at the rate ${rate}`,
    allowed: `up to ${most} ${base.currency} in either direction (amounts.largest)`,
    got: amountText(transaction.amountMinor, rules.decimals),
  }
}

/**
 * The transaction, which has all that tables have for it.
 *
 * @throws REQUEST_TRANSACTION_INVALID when it cannot be converted to the base currency of `rules`
 */
export const assertInBase = (transaction: Transaction, rules: AmountRules): Transaction => {
  const problem = baseProblem(transaction, rules)
  if (problem !== undefined) throw new RequestProblemsError('REQUEST_TRANSACTION_INVALID', [problem])
  return transaction
}

/**
 * Makes sure that prepared rows have amounts in the money that a model saw.
 *
 * @param seen the rules of what its features see
 * @param rules by which the rows were read (default: those of before there were any)
 * @throws SERVING_AMOUNTS_DIFFER
 */
export const assertSameMoney = (seen: AmountRules, rules: AmountRules = AMOUNTS_ABOVE_ZERO): void => {
  const prepared = featureAmounts(rules)
  const isSame = [seen.currency, ''].includes(prepared.currency) || seen.currency === ''
  if (isSame && prepared.decimals === seen.decimals) return
  const told = ({ currency, decimals }: AmountRules) => `${currency || 'one currency'}, ${decimals} decimals`
  const names = { model: 'to be replaced', other: 'to be promoted' }
  throw new VigiaError('SERVING_AMOUNTS_DIFFER', { ...names, got: told(seen), allowed: told(prepared) })
}
