import { powerOfTen } from '../foundation/elementary/whole-powers.ts'
/** What becomes of decimals beyond those of the currency, as settings name it. */
export const ROUNDINGS = ['refuse', 'half_even', 'half_up', 'down'] as const
export type Rounding = (typeof ROUNDINGS)[number]

/**
 * Which amounts are transactions, and what their minor units are. Fixed when a model is trained: the same
 * rules read its files and its requests, and say what its features mean.
 */
export interface AmountRules {
  /** ISO 4217 code of every amount; empty: not said. */
  readonly currency: string
  /** Decimals of a minor unit, 0 to `MOST_DECIMALS`: with 2, 12.34 is 1234 minor units. */
  readonly decimals: number
  /** The largest amount in either direction, in minor units. */
  readonly largestMinor: number
  /**
   * Of an amount with more decimals: `refuse` it; or round its size to the nearest, halves to the even minor
   * unit (`half_even`) or away from zero (`half_up`); or cut it off (`down`).
   */
  readonly rounding: Rounding
  /** Whether 0 is an amount: a card check, for instance. */
  readonly zero: boolean
  /** Whether an amount below 0 is one: a refund or reversal. */
  readonly refunds: boolean
  /**
   * Amounts are of several currencies, and features see all of them in this one. Then `currency` is empty,
   * and `decimals` and `largestMinor` are of amounts as they are sent, whatever their currency.
   */
  readonly base?: BaseCurrency
}

/** The currency that features see, and by what amounts are converted to it. */
export interface BaseCurrency {
  /** ISO 4217 code. */
  readonly currency: string
  /** The attribute that holds the rate: how many units of `currency` a unit of the transaction's is. */
  readonly rate: string
  /** Decimals of a minor unit of `currency`. */
  readonly decimals: number
  /** The largest converted amount in either direction, in minor units of `currency`. */
  readonly largestMinor: number
}

export const MOST_DECIMALS = 6

/**
 * Beyond every amount of any rules, in minor units: up to it an amount has at most 15 digits, so that each is
 * the shortest decimal of a double of its own and numbers in JSON are exact.
 */
export const MOST_MINOR = 999_999_999_999_999

/** A cent below a billion: with the default rings, sums over a window stay exact integers. */
const DEFAULT_LARGEST_MINOR = 99_999_999_999

/** The rules where nothing is said. */
export const DEFAULT_AMOUNTS: AmountRules = {
  currency: '',
  decimals: 2,
  largestMinor: DEFAULT_LARGEST_MINOR,
  rounding: 'refuse',
  zero: true,
  refunds: true,
}

/** The rules of models that say nothing of amounts: they were trained when all amounts were above 0. */
export const AMOUNTS_ABOVE_ZERO: AmountRules = { ...DEFAULT_AMOUNTS, zero: false, refunds: false }

/** The rules of amounts as features see them: of the base currency, where there is one. */
export const featureAmounts = ({ base, ...rules }: AmountRules): AmountRules => {
  if (base === undefined) return rules
  const { currency, decimals, largestMinor } = base
  return { ...rules, currency, decimals, largestMinor }
}

/** Minor units of one unit of the currency: 100 with two decimals. */
export const minorPerUnit = (decimals: number): number => powerOfTen(decimals)

/** The smallest amount, in minor units. */
export const leastMinor = ({ refunds, zero, largestMinor }: AmountRules): number =>
  refunds ? -largestMinor : zero ? 0 : 1

/** Minor units as exact decimal text: 1234 is 12.34 with two decimals. */
export const amountText = (minor: number, decimals: number): string => {
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  return `${minor < 0 ? '-' : ''}${decimals === 0 ? whole : `${whole}.${digits.slice(-decimals)}`}`
}

/** `at most 2 decimals`, as problems and settings tell it. */
export const decimalsAllowed = (decimals: number): string =>
  decimals === 0 ? 'no decimals' : `at most ${decimals} decimal${decimals === 1 ? '' : 's'}`
