import { type AmountRules, amountText, decimalsAllowed, leastMinor, minorPerUnit } from './amount-rules.ts'

/**
 * Numbers and decimal text as whole minor units, in exact decimal arithmetic: never through a double that is
 * not the number's own. `src/dataset/amount-conversion.ts` is the same in SQL; a test compares the two.
 */

/** Which amounts there are, in words with an example. */
export const amountsAllowed = (rules: AmountRules): string => {
  const { decimals, largestMinor, rounding } = rules
  const range = `${amountText(leastMinor(rules), decimals)} to ${amountText(largestMinor, decimals)}`
  const precision = rounding === 'refuse' ? `, with ${decimalsAllowed(decimals)}` : ''
  const example = amountText(1234, decimals)
  return `from ${range}${precision}: ${example} or "${example}"`
}

/**
 * Minor units of the shortest decimal that names `amount`; else why it is none, as half a sentence that goes
 * on from the field's name.
 */
export const minorOfNumber = (amount: number, rules: AmountRules): number | string => {
  const unit = minorPerUnit(rules.decimals)
  const minor = Math.round(amount * unit)
  // Decimals of up to 15 digits have doubles of their own, each the rounded quotient of its minor units and
  // those of a unit: if the nearest whole number of them gives the same double again, it is that decimal's.
  if (minor !== 0 && minor / unit === amount && minor >= leastMinor(rules) && minor <= rules.largestMinor)
    return minor
  return minorOfText(String(amount), rules)
}

// One way to match each text, so that a long one that is no number costs no more than its length.
const DECIMAL = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

/** `minorOfNumber` of text without blanks around it: `12`, `12.`, `.5`, `12.340`, `1.2e3`, `-7`. */
export const minorOfText = (text: string, rules: AmountRules): number | string => {
  const parts = DECIMAL.exec(text)
  if (parts === null) return 'is no number'
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  if (digits === '') return rules.zero ? 0 : 'is 0'
  if (sign === '-' && !rules.refunds) return 'is below 0'
  const size = wholeOf(digits, Number(exponent) - fraction.length + rules.decimals, rules.rounding)
  if (size === undefined) return `has ${moreThan(rules.decimals)}`
  if (size > rules.largestMinor) return `is beyond ${amountText(rules.largestMinor, rules.decimals)}`
  if (size === 0) return rules.zero ? 0 : 'is 0 when it is rounded'
  return sign === '-' ? -size : size
}

const moreThan = (decimals: number): string =>
  decimals === 0 ? 'decimals' : `more than ${decimals} decimal${decimals === 1 ? '' : 's'}`

/**
 * `digits` (a whole number without leading zeros) times 10^`power` as a whole number, rounded; undefined when
 * it is none and must not be rounded. Infinity from 10^15 on.
 */
const wholeOf = (digits: string, power: number, rounding: AmountRules['rounding']): number | undefined => {
  const length = Math.max(0, digits.length + power)
  if (power >= 0) return length > MOST_DIGITS ? Number.POSITIVE_INFINITY : Number(digits + '0'.repeat(power))
  const rest = digits.slice(length)
  const whole = length > MOST_DIGITS ? Number.POSITIVE_INFINITY : Number(digits.slice(0, length))
  if (!/[1-9]/.test(rest)) return whole
  if (rounding === 'refuse') return undefined
  if (rounding === 'down' || rest.length < -power || rest < '5') return whole
  const isHalf = !/[1-9]/.test(rest.slice(1)) && rest.startsWith('5')
  return isHalf && rounding === 'half_even' && whole % 2 === 0 ? whole : whole + 1
}

const MOST_DIGITS = 15
