import { double, HIGH, POWERS_OF_TWO, SMALLEST_POWER, words } from './double-words.ts'

/** 2^exponent for a whole exponent, exactly; 0 below -1074 and Infinity above 1023. */
export const powerOfTwo = (exponent: number): number => {
  if (exponent > 1023) return Number.POSITIVE_INFINITY
  return exponent < -SMALLEST_POWER ? 0 : POWERS_OF_TWO[exponent + SMALLEST_POWER]!
}

/** The double nearest to 10^exponent for a whole exponent. */
export const powerOfTen = (exponent: number): number =>
  exponent >= 0 && exponent < SMALL_POWERS.length ? SMALL_POWERS[exponent]! : Number(`1e${exponent}`)

/** Those that doubles hold exactly. */
const SMALL_POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

/** The whole number e with 2^e <= x < 2^(e + 1), for a finite x > 0. */
export const binaryExponent = (x: number): number => {
  double[0] = x
  if (words[HIGH]! >= 0x00100000) return (words[HIGH]! >> 20) - 1023
  double[0] = x * 2 ** 54
  return (words[HIGH]! >> 20) - 1023 - 54
}

/** The whole number e with 10^e <= x < 10^(e + 1), for a finite x > 0. */
export const decimalExponent = (x: number): number => {
  const text = x.toExponential()
  return Number(text.slice(text.indexOf('e') + 1))
}

/** The smallest power of two that is not below `x`, a finite number above 0. */
export const powerOfTwoFrom = (x: number): number => {
  const below = powerOfTwo(binaryExponent(x))
  return below === x ? below : 2 * below
}

/** Whether `x` is a power of two: 1, 2, 4, or 0.5. No other value is, nor any that is not finite. */
export const isPowerOfTwo = (x: number): boolean => x > 0 && Number.isFinite(x) && powerOfTwoFrom(x) === x
