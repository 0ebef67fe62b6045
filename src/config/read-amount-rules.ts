import { VigiaError } from '../errors.ts'
import { decimalExponent, powerOfTen } from '../foundation/elementary/whole-powers.ts'
import {
  type AmountRules,
  amountText,
  type BaseCurrency,
  MOST_MINOR,
  minorPerUnit,
} from '../transaction/amount-rules.ts'
import { decimalsOf } from '../transaction/currencies.ts'
import { minorOfNumber } from '../transaction/read-amount.ts'
import type { TrainingSettings } from './training-config.ts'

/** Units of a currency that `amounts.largest: auto` stays below. */
const A_BILLION = 1e9

/**
 * The rules of amounts that checked settings say.
 *
 * @throws CONFIG_CURRENCY_UNKNOWN when `decimals` is auto for a currency that ISO 4217 gives none
 * @throws DATASET_SETTING_INVALID when a base currency is said by halves, has no minor unit, or is one of two
 * @throws CONFIG_AMOUNTS_INEXACT when sums of the largest amount over a full window would leave 2^53
 */
export const readAmountRules = ({
  amounts,
  features: { state },
  entities,
}: Pick<TrainingSettings, 'amounts' | 'features' | 'entities'>): AmountRules => {
  const base = readBase(amounts)
  const { currency, rounding, largest, zero, refunds } = amounts
  const declared = base === undefined ? amounts.decimals : 'auto'
  const known = base?.decimals ?? (currency === '' ? 2 : decimalsOf(currency))
  const decimals = declared === 'auto' ? known : declared
  if (decimals === undefined) throw new VigiaError('CONFIG_CURRENCY_UNKNOWN', { got: currency })
  // A window holds a full ring and the transaction at hand.
  const inWindow =
    Math.max(
      state.user_transactions,
      state.merchant_transactions,
      ...Object.values(entities).map(({ transactions = 0 }) => transactions),
    ) + 1
  const mostMinor = Math.min(MOST_MINOR, Math.floor(Number.MAX_SAFE_INTEGER / inWindow))
  const rules = { currency, decimals, rounding, zero, refunds }
  // What is summed up is bounded: of converted amounts those in the base currency.
  const bounded = (largestMinor: number): AmountRules =>
    base === undefined
      ? { ...rules, largestMinor }
      : {
          ...rules,
          decimals: amounts.decimals === 'auto' ? MOST_OF_ISO : amounts.decimals,
          largestMinor: MOST_MINOR,
          base: { ...base, largestMinor },
        }
  if (largest === 'auto') {
    const roundLimit = powerOfTen(decimalExponent(mostMinor + 1))
    return bounded(Math.min(roundLimit, A_BILLION * minorPerUnit(decimals)) - 1)
  }
  const largestMinor = minorOfNumber(largest, {
    ...rules,
    rounding: 'down',
    zero: true,
    largestMinor: mostMinor,
  })
  if (typeof largestMinor === 'number' && largestMinor > 0) return bounded(largestMinor)
  throw new VigiaError('CONFIG_AMOUNTS_INEXACT', {
    got: largest,
    transactions: inWindow,
    least: amountText(1, decimals),
    allowed: amountText(mostMinor, decimals),
  })
}

/** The most decimals that a currency has by ISO 4217. */
const MOST_OF_ISO = 4

/** The base currency that the settings name, but for its bound. */
const readBase = ({
  currency,
  base,
}: TrainingSettings['amounts']): Omit<BaseCurrency, 'largestMinor'> | undefined => {
  if (base.currency === '' && base.rate === '') return undefined
  const refused = (setting: string, got: string, allowed: string) =>
    new VigiaError('DATASET_SETTING_INVALID', { setting, got: got === '' ? 'empty' : got, allowed })
  const decimals = decimalsOf(base.currency)
  if (decimals === undefined)
    throw refused('amounts.base.currency', base.currency, 'a code of ISO 4217 that has a minor unit: EUR')
  if (base.rate === '')
    throw refused('amounts.base.rate', base.rate, 'the name of an attribute of kind number')
  if (currency !== '')
    throw refused('amounts.currency', currency, 'empty where amounts.base converts amounts of several')
  return { ...base, decimals }
}
