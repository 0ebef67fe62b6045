import { highWord, POWERS_OF_TWO, SMALLEST_POWER } from './double-words.ts'
import { exponentialSeries } from './exponential.ts'

// 3/2 log2(x) = s + s^3 (L1 + L2 s^2 + ...), by Remez' algorithm.
const L1 = 5.999999999999946e-1
const L2 = 4.285714285785502e-1
const L3 = 3.3333332981837743e-1
const L4 = 2.72728123808534e-1
const L5 = 2.3066074577556175e-1
const L6 = 2.0697501780033842e-1

/** Constants in two parts, the first of which has few bits: log2(1.5), 2 / (3 ln 2), 1 / ln 2, and ln 2. */
const LOG2_OF_1_5 = { high: 5.849624872207642e-1, low: 1.350039202129749e-8 } as const
const CP = 9.617966939259756e-1
const CP_HIGH = 9.617967009544373e-1
const CP_LOW = -7.028461650952758e-9
const ONE_OVER_LN2 = Math.LOG2E
const ONE_OVER_LN2_HIGH = 1.4426918029785156
const ONE_OVER_LN2_LOW = 3.23791044778236e-6
const LN2 = Math.LN2
const LN2_HIGH = 6.931471824645996e-1
const LN2_LOW = -1.904654299957768e-9
/** How far below 1024 a logarithm may be and still round to more than the largest double. */
const BELOW_OVERFLOW = 8.008566259537294e-17
const TWO_TO_53 = 0x20000000000000

/** A logarithm in two parts, filled by the functions below; `head` is a float, of 24 bits. */
let head = 0
let tail = 0

/**
 * x to the power of y, within 1 unit in the last place, and exact where the result is a double.
 *
 * The cases without a power are those of ECMAScript: NaN when y is NaN, when x is 1 or -1 and y infinite, and
 * for a negative x with a y that is not whole; 1 for y = 0, whatever x is. The bits are the same in every
 * engine, unlike those of `Math.pow` and `**`. Method of fdlibm (Sun Microsystems, 1993): log2(x) in 75 bits,
 * multiplied by y in parts, and 2 to that power.
 */
export const pow = (x: number, y: number): number => {
  if (y === 0) return 1
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN
  const size = Math.abs(x)
  if (!Number.isFinite(y)) {
    if (size === 1) return Number.NaN
    return size > 1 === y > 0 ? Number.POSITIVE_INFINITY : 0
  }
  const isNegative = x < 0 || Object.is(x, -0)
  const isOdd = isNegative && Math.abs(y % 2) === 1
  if (size === 0 || size === Number.POSITIVE_INFINITY) {
    const end = (size === 0) === y < 0 ? Number.POSITIVE_INFINITY : 0
    return isOdd ? -end : end
  }
  if (isNegative && !Number.isInteger(y)) return Number.NaN
  const power = powerOfPositive(size, y)
  return isOdd ? -power : power
}

const powerOfPositive = (x: number, y: number): number => {
  if (x === 1) return 1
  const sizeOfY = highWord(y) & 0x7fffffff
  if (sizeOfY > 0x41e00000) {
    // y is beyond 2^31: unless x is within 2^-20 of 1, the power is beyond all doubles.
    const high = highWord(x)
    if (high < 0x3fefffff || (high <= 0x3fefffff && sizeOfY > 0x43f00000))
      return y < 0 ? Number.POSITIVE_INFINITY : 0
    if (high > 0x3ff00000 || sizeOfY > 0x43f00000) return y > 0 ? Number.POSITIVE_INFINITY : 0
    binaryLogarithmNearOne(x)
  } else binaryLogarithm(x)
  // Beyond floats only where `head` is so small that the product of both needs no parts.
  const yHead = Math.fround(y)
  return powerOfTwo(yHead * head, (y - yHead) * head + y * tail)
}

/**
 * log2(x) for |1 - x| <= 2^-20. x - 1 has 33 bits, so the head of 1 / ln 2 has 19: with fdlibm's 24 their
 * product would be rounded, and powers be off by hundreds of units in the last place.
 */
const binaryLogarithmNearOne = (x: number): void => {
  const t = x - 1
  const w = t * t * (0.5 - t * (3.333333333333333e-1 - t * 0.25))
  const u = ONE_OVER_LN2_HIGH * t
  const v = t * ONE_OVER_LN2_LOW - w * ONE_OVER_LN2
  head = Math.fround(u + v)
  tail = v - (head - u)
}

/** log2(x) for x > 0. */
const binaryLogarithm = (x: number): void => {
  if (x < SMALLEST_NORMAL) binaryLogarithmOfNormal(x * TWO_TO_53, -53)
  else binaryLogarithmOfNormal(x, 0)
}

/** log2(x) + taken for a normal x. */
const binaryLogarithmOfNormal = (x: number, taken: number): void => {
  const high = highWord(x)
  const fraction = high & 0x000fffff
  // Of 1 and 1.5 the one whose ratio to the scaled x is within sqrt(3 / 2).
  const isNearer = fraction > 0x3988e && fraction < 0xbb67a
  const exponent = (high >> 20) - 1023 + (fraction < 0xbb67a ? 0 : 1)
  const n = exponent + taken
  const base = isNearer ? 1.5 : 1
  const a = x * POWERS_OF_TWO[SMALLEST_POWER - exponent]!
  const u = a - base
  const v = 1 / (a + base)
  const s = u * v
  const sHead = Math.fround(s)
  const sumHead = Math.fround(a + base)
  const sumTail = a - (sumHead - base)
  const sTail = v * (u - sHead * sumHead - sHead * sumTail)
  cubicTerms(s, sHead, sTail)
  const zHead = CP_HIGH * head
  const zTail = CP_LOW * head + tail * CP + (isNearer ? LOG2_OF_1_5.low : 0)
  const offset = isNearer ? LOG2_OF_1_5.high : 0
  head = Math.fround(zHead + zTail + offset + n)
  tail = zTail - (head - n - offset - zHead)
}

/** s (3 + s^2 + s^4 (...)) for s = sHead + sTail. */
const cubicTerms = (s: number, sHead: number, sTail: number): void => {
  const squared = s * s
  const series = L1 + squared * (L2 + squared * (L3 + squared * (L4 + squared * (L5 + squared * L6))))
  const r = squared * squared * series + sTail * (sHead + s)
  const headSquared = sHead * sHead
  const factorHead = Math.fround(3 + headSquared + r)
  const factorTail = r - (factorHead - 3 - headSquared)
  const u = sHead * factorHead
  const v = sTail * factorHead + factorTail * s
  head = Math.fround(u + v)
  tail = v - (head - u)
}

const SMALLEST_NORMAL = 2 ** -1022

/** 2^(whole + rest), where `rest` is small against `whole`. */
const powerOfTwo = (whole: number, rest: number): number => {
  const exponent = rest + whole
  if (exponent >= 1024 && (exponent > 1024 || rest + BELOW_OVERFLOW > exponent - whole)) {
    return Number.POSITIVE_INFINITY
  }
  if (exponent <= -1075 && (exponent < -1075 || rest <= exponent - whole)) return 0
  const n = (exponent + (exponent < 0 ? -0.5 : 0.5)) | 0
  const left = whole - n
  const t = Math.fround(rest + left)
  const u = t * LN2_HIGH
  const v = (rest - (t - left)) * LN2 + t * LN2_LOW
  const z = u + v
  const w = v - (z - u)
  const c = z - exponentialSeries(z * z)
  const r = (z * c) / (c - 2) - (w + z * w)
  return scaled(1 - (r - z), n)
}

/** z * 2^n, rounded once, for z in [0.5, 2]. */
const scaled = (z: number, n: number): number => {
  if (n >= -1021 && n < 1024) return z * POWERS_OF_TWO[n + SMALLEST_POWER]!
  if (n === 1024) return z * 2 * POWERS_OF_TWO[1023 + SMALLEST_POWER]!
  return z * POWERS_OF_TWO[n + 1000 + SMALLEST_POWER]! * POWERS_OF_TWO[SMALLEST_POWER - 1000]!
}
