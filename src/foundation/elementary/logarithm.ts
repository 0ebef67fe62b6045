import { double, HIGH, highWord, POWERS_OF_TWO, SMALLEST_POWER, words } from './double-words.ts'

/** ln 2 in two parts: the first has 32 bits, so that its products with whole numbers are exact. */
const LN2_HIGH = 6.931471803691238e-1
const LN2_LOW = 1.9082149292705877e-10
const TWO_TO_54 = 0x40000000000000

// log(1 + s) - log(1 - s) = 2 s + s (L1 s^2 + L2 s^4 + ...) for |s| <= 0.1716, by Remez' algorithm.
const L1 = 6.666666666666735e-1
const L2 = 3.999999999940942e-1
const L3 = 2.857142874366239e-1
const L4 = 2.2222198432149784e-1
const L5 = 1.818357216161805e-1
const L6 = 1.5313837699209373e-1
const L7 = 1.4798198605116586e-1

/**
 * Natural logarithm, within 1 unit in the last place. -Infinity at 0, NaN below it and for NaN.
 *
 * The bits are the same in every JavaScript engine, unlike those of `Math.log`: only operations whose results
 * ECMAScript fixes are used. Method of fdlibm (Sun Microsystems, 1993): x = 2^k (1 + f) with 1 + f between
 * sqrt(2)/2 and sqrt(2), log(1 + f) by a polynomial in s = f / (2 + f), and log(x) = k ln 2 + log(1 + f).
 */
export const log = (x: number): number => {
  double[0] = x
  let high = words[HIGH]!
  if (high < 0x00100000 || high >= 0x7ff00000) return logAtEnds(x)
  let k = (high >> 20) - 1023
  high &= 0x000fffff
  // From sqrt(2) on the next power of two is nearer.
  k += (high + 0x95f64) >> 20
  const f = x * POWERS_OF_TWO[SMALLEST_POWER - k]! - 1
  if ((0x000fffff & (2 + high)) < 3) return logNearPower(f, k)
  return logOfFraction(f, k, high)
}

/** k ln 2 + log(1 + f); `high` is the upper half of the fraction. */
const logOfFraction = (f: number, k: number, high: number): number => {
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const r = z * (L1 + w * (L3 + w * (L5 + w * L7)))
  const even = w * (L2 + w * (L4 + w * L6)) + r
  // Between about 1.38 and 1.42 f is so large that f^2 / 2 is taken out of the series.
  if (((high - 0x6147a) | (0x6b851 - high)) <= 0) return k * LN2_HIGH - (s * (f - even) - k * LN2_LOW - f)
  const half = 0.5 * f * f
  return k * LN2_HIGH - (half - (s * (half + even) + k * LN2_LOW) - f)
}

/** log(x) of what is not a normal number above 0. */
const logAtEnds = (x: number): number => {
  if (x === 0) return Number.NEGATIVE_INFINITY
  if (!(x > 0) || x === Number.POSITIVE_INFINITY) return x > 0 ? x : Number.NaN
  return logOfSmall(x * TWO_TO_54)
}

/** log(x) - 54 ln 2 of a normal x. */
const logOfSmall = (x: number): number => {
  double[0] = x
  const high = words[HIGH]! & 0x000fffff
  const exponent = (words[HIGH]! >> 20) - 1023 + ((high + 0x95f64) >> 20)
  const f = x * POWERS_OF_TWO[SMALLEST_POWER - exponent]! - 1
  const k = exponent - 54
  return (0x000fffff & (2 + high)) < 3 ? logNearPower(f, k) : logOfFraction(f, k, high)
}

/** k ln 2 + log(1 + f) for |f| < 2^-20. */
const logNearPower = (f: number, k: number): number => {
  if (f === 0) return k === 0 ? 0 : k * LN2_HIGH + k * LN2_LOW
  const r = f * f * (0.5 - 3.333333333333333e-1 * f)
  return k === 0 ? f - r : k * LN2_HIGH - (r - k * LN2_LOW - f)
}

/**
 * log(1 + x) without the rounding of 1 + x, within 1 unit in the last place. -Infinity at -1, NaN below it
 * and for NaN; -0 for -0. The same bits in every engine; method of fdlibm.
 */
export const log1p = (x: number): number => {
  const high = highWord(x)
  const size = high & 0x7fffffff
  if (high < 0 && size >= 0x3ff00000) return x === -1 ? Number.NEGATIVE_INFINITY : Number.NaN
  if (high >= 0x7ff00000) return x
  if (size < 0x3e200000) return size < 0x3c900000 ? x : x - x * x * 0.5
  // From -0.2929 to 0.4142 1 + x needs no power of two.
  if (high < 0 ? high <= NEAR_ONE_BELOW : high < 0x3fda827a) return logOf1p(x, 0, 0)
  const isHuge = high >= 0x43400000
  const u = isHuge ? x : 1 + x
  let fraction = highWord(u)
  let k = (fraction >> 20) - 1023
  // What the rounding of 1 + x lost, relative to it.
  const lost = isHuge ? 0 : (k > 0 ? 1 - (u - x) : x - (u - 1)) / u
  fraction &= 0x000fffff
  if (fraction >= 0x6a09e) {
    k++
    fraction = (0x00100000 - fraction) >> 2
  }
  const f = u * POWERS_OF_TWO[SMALLEST_POWER - k]! - 1
  return fraction === 0 ? log1pNearPower(f, k, lost) : logOf1p(f, k, lost)
}

const NEAR_ONE_BELOW = 0xbfd2bec4 | 0

const logOf1p = (f: number, k: number, lost: number): number => {
  const half = 0.5 * f * f
  const s = f / (2 + f)
  const z = s * s
  const r = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))))
  if (k === 0) return f - (half - s * (half + r))
  return k * LN2_HIGH - (half - (s * (half + r) + (k * LN2_LOW + lost)) - f)
}

const log1pNearPower = (f: number, k: number, lost: number): number => {
  if (f === 0) return k === 0 ? 0 : k * LN2_HIGH + (lost + k * LN2_LOW)
  const r = 0.5 * f * f * (1 - 6.666666666666667e-1 * f)
  return k === 0 ? f - r : k * LN2_HIGH - (r - (k * LN2_LOW + lost) - f)
}
