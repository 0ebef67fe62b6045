import { withoutLowWord } from './double-words.ts'
import { reduce, reduced } from './quarter-turns.ts'

/** The first double whose upper half is beyond that of pi / 4: below it no quarter turn is taken off. */
const NEARLY_QUARTER_PI = 7.853984832763672e-1
/** Below it the sine is the angle, and the cosine is 1. */
const TINY = 2 ** -27

// sin(x) = x + S1 x^3 + S2 x^5 + ... on |x| <= pi / 4, by Remez' algorithm.
const S1 = -1.6666666666666632e-1
const S2 = 8.33333333332249e-3
const S3 = -1.984126982985795e-4
const S4 = 2.7557313707070068e-6
const S5 = -2.5050760253406863e-8
const S6 = 1.58969099521155e-10

// cos(x) = 1 - x^2 / 2 + C1 x^4 + C2 x^6 + ...
const C1 = 4.16666666666666e-2
const C2 = -1.388888888887411e-3
const C3 = 2.480158728947673e-5
const C4 = -2.7557314351390663e-7
const C5 = 2.087572321298175e-9
const C6 = -1.1359647557788195e-11

// (asin(x) - x) / x as a rational function of x^2 on [0, 1/2].
const P0 = 1.6666666666666666e-1
const P1 = -3.255658186224009e-1
const P2 = 2.0121253213486293e-1
const P3 = -4.005553450067941e-2
const P4 = 7.915349942898145e-4
const P5 = 3.479331075960212e-5
const Q1 = -2.403394911734414
const Q2 = 2.0209457602335057
const Q3 = -6.882839716054533e-1
const Q4 = 7.703815055590194e-2

/** pi / 2 in two doubles, and the first of pi / 4. */
const HALF_PI = 1.5707963267948966
const HALF_PI_LOW = 6.123233995736766e-17
const QUARTER_PI = 7.853981633974483e-1

/**
 * Sine of an angle in radians, within 1 unit in the last place, however large the angle is. NaN for NaN and
 * the infinities, -0 for -0.
 *
 * The bits are the same in every JavaScript engine, unlike those of `Math.sin`: only operations whose results
 * ECMAScript fixes are used. Method of fdlibm (Sun Microsystems, 1993): quarter turns are taken off, the rest
 * goes into a polynomial.
 */
export const sin = (angle: number): number => {
  const size = Math.abs(angle)
  if (size < NEARLY_QUARTER_PI) return sineNearZero(angle, 0)
  if (!(size < Number.POSITIVE_INFINITY)) return Number.NaN
  reduce(angle)
  return ofQuadrant(reduced.quadrant)
}

/** Cosine of an angle in radians: as `sin`. */
export const cos = (angle: number): number => {
  const size = Math.abs(angle)
  if (size < NEARLY_QUARTER_PI) return cosineNearZero(angle, 0)
  if (!(size < Number.POSITIVE_INFINITY)) return Number.NaN
  reduce(angle)
  return ofQuadrant(reduced.quadrant + 1)
}

const ofQuadrant = (quadrant: number): number => {
  const { rest, restTail } = reduced
  const value = (quadrant & 1) === 0 ? sineNearZero(rest, restTail) : cosineNearZero(rest, restTail)
  return (quadrant & 2) === 0 ? value : -value
}

/** sin(x + tail) for |x| <= pi / 4. */
const sineNearZero = (x: number, tail: number): number => {
  if (Math.abs(x) < TINY) return x
  const z = x * x
  const cube = z * x
  const r = S2 + z * (S3 + z * (S4 + z * (S5 + z * S6)))
  if (tail === 0) return x + cube * (S1 + z * r)
  return x - (z * (0.5 * tail - cube * r) - tail - cube * S1)
}

/** cos(x + tail) for |x| <= pi / 4. */
const cosineNearZero = (x: number, tail: number): number => {
  const size = Math.abs(x)
  if (size < TINY) return 1
  const z = x * x
  const r = z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6)))))
  if (size < 2.999999523162842e-1) return 1 - (0.5 * z - (z * r - x * tail))
  // About a quarter of |x| is taken off first, so that the difference from 1 keeps its last bits.
  const quarter = size < 7.812504768371582e-1 ? shortQuarter(size) : 0.28125
  const half = 0.5 * z - quarter
  return 1 - quarter - (half - (z * r - x * tail))
}

/** A quarter of `size`, cut to 21 bits, for 0.25 <= size < 1. */
const shortQuarter = (size: number): number =>
  size < 0.5 ? ((size * 2 ** 22) | 0) * 2 ** -24 : ((size * 2 ** 21) | 0) * 2 ** -23

/**
 * Angle in [-pi / 2, pi / 2] whose sine is `x`, within 1 unit in the last place. NaN beyond 1 in size and for
 * NaN, -0 for -0. The same bits in every engine; method of fdlibm.
 */
export const asin = (x: number): number => {
  const size = Math.abs(x)
  if (!(size < 1)) return size === 1 ? x * HALF_PI + x * HALF_PI_LOW : Number.NaN
  if (size < 0.5) return size < 2 ** -27 ? x : x + x * excess(x * x)
  const t = (1 - size) * 0.5
  const w = excess(t)
  const s = Math.sqrt(t)
  const angle = size >= 0.975 ? HALF_PI - (2 * (s + s * w) - HALF_PI_LOW) : asinOfUpperHalf(t, s, w)
  return x > 0 ? angle : -angle
}

const asinOfUpperHalf = (t: number, s: number, w: number): number => {
  const head = withoutLowWord(s)
  const c = (t - head * head) / (s + head)
  const p = 2 * s * w - (HALF_PI_LOW - 2 * c)
  return QUARTER_PI - (p - (QUARTER_PI - 2 * head))
}

/** Angle in [0, pi] whose cosine is `x`: as `asin`. */
export const acos = (x: number): number => {
  const size = Math.abs(x)
  if (!(size < 1)) return x === 1 ? 0 : x === -1 ? 2 * (HALF_PI + HALF_PI_LOW) : Number.NaN
  if (size < 0.5) return HALF_PI - (x - (HALF_PI_LOW - x * excess(x * x)))
  const t = (1 - size) * 0.5
  const s = Math.sqrt(t)
  if (x < 0) return 2 * (HALF_PI - (s + (excess(t) * s - HALF_PI_LOW)))
  const head = withoutLowWord(s)
  return 2 * (head + (excess(t) * s + (t - head * head) / (s + head)))
}

/** (asin(x) - x) / x for x^2 = `squared`. */
const excess = (squared: number): number => {
  const p = squared * (P0 + squared * (P1 + squared * (P2 + squared * (P3 + squared * (P4 + squared * P5)))))
  return p / (1 + squared * (Q1 + squared * (Q2 + squared * (Q3 + squared * Q4))))
}
