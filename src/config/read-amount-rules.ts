import { VigiaError } from '../errors.ts'
import { type AmountRules, amountText, MOST_MINOR, minorPerUnit } from '../transaction/amount-rules.ts'
import { decimalsOf } from '../transaction/currencies.ts'
import { minorOfNumber } from '../transaction/read-amount.ts'
import type { TrainingSettings } from './training-config.ts'

/** Units of a currency that `amounts.largest: auto` stays below. */
const A_BILLION = 1e9

/**
 * The rules of amounts that checked settings say.
 *
 * @throws CONFIG_CURRENCY_UNKNOWN when `decimals` is auto for a currency that ISO 4217 gives none
 * @throws CONFIG_AMOUNTS_INEXACT when sums of the largest amount over a full window would leave 2^53
 */
export const readAmountRules = ({
  amounts,
  features: { state },
  entities,
}: Pick<TrainingSettings, 'amounts' | 'features' | 'entities'>): AmountRules => {
  const { currency, decimals: declared, rounding, largest, zero, refunds } = amounts
  const known = currency === '' ? 2 : decimalsOf(currency)
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
  if (largest === 'auto') {
    const powerOfTen = 10 ** Math.floor(Math.log10(mostMinor + 1))
    return { ...rules, largestMinor: Math.min(powerOfTen, A_BILLION * minorPerUnit(decimals)) - 1 }
  }
  const largestMinor = minorOfNumber(largest, {
    ...rules,
    rounding: 'down',
    zero: true,
    largestMinor: mostMinor,
  })
  if (typeof largestMinor === 'number' && largestMinor > 0) return { ...rules, largestMinor }
  throw new VigiaError('CONFIG_AMOUNTS_INEXACT', {
    got: largest,
    transactions: inWindow,
    least: amountText(1, decimals),
    allowed: amountText(mostMinor, decimals),
  })
}
