import { POWERS_OF_TWO, SMALLEST_POWER } from './double-words.ts'

/** ln 2 in two parts: the first has 32 bits, so that its products with whole numbers are exact. */
const LN2_HIGH = 6.931471803691238e-1
const LN2_LOW = 1.9082149292705877e-10
const ONE_OVER_LN2 = Math.LOG2E
/** Above it the result is beyond all doubles, below the other one it is nearer to 0 than to any. */
const LARGEST = 709.782712893384
const SMALLEST = -745.1332191019411

// x * (e^x + 1) / (e^x - 1) = 2 + P1 x^2 + P2 x^4 + ... on |x| <= ln 2 / 2, by Remez' algorithm.
const P1 = 1.6666666666666602e-1
const P2 = -2.7777777777015593e-3
const P3 = 6.613756321437934e-5
const P4 = -1.6533902205465252e-6
const P5 = 4.1381367970572385e-8

/** The part of the series that `exp` and `pow` share; `squared` is x^2. */
export const exponentialSeries = (squared: number): number =>
  squared * (P1 + squared * (P2 + squared * (P3 + squared * (P4 + squared * P5))))

/**
 * e^x, within 1 unit in the last place. NaN for NaN, Infinity above 709.78, 0 below -745.13.
 *
 * The bits are the same in every JavaScript engine, unlike those of `Math.exp`: only operations whose results
 * ECMAScript fixes are used. Method of fdlibm (Sun Microsystems, 1993): x = k ln 2 + r with |r| <= ln 2 / 2,
 * e^r by a rational function, and e^x = 2^k e^r.
 */
export const exp = (x: number): number => {
  const size = Math.abs(x)
  if (size < NEARLY_HALF_LN2) {
    if (size < TINY) return 1 + x
    const c = x - exponentialSeries(x * x)
    return 1 - ((x * c) / (c - 2) - x)
  }
  if (!(x >= SMALLEST && x <= LARGEST)) return x > LARGEST ? Number.POSITIVE_INFINITY : x < SMALLEST ? 0 : x
  if (x === 1) return Math.E
  const k =
    size < NEARLY_ONE_AND_A_HALF_LN2 ? (x < 0 ? -1 : 1) : (ONE_OVER_LN2 * x + (x < 0 ? -0.5 : 0.5)) | 0
  const high = x - k * LN2_HIGH
  const low = k * LN2_LOW
  const r = high - low
  const c = r - exponentialSeries(r * r)
  const y = 1 - (low - (r * c) / (2 - c) - high)
  // Rounded once: what would be below the normal doubles, or is twice the largest power, takes two steps.
  if (k >= -1021 && k < 1024) return y * POWERS_OF_TWO[k + SMALLEST_POWER]!
  if (k === 1024) return y * 2 * POWERS_OF_TWO[1023 + SMALLEST_POWER]!
  return y * POWERS_OF_TWO[k + 1000 + SMALLEST_POWER]! * POWERS_OF_TWO[SMALLEST_POWER - 1000]!
}

/** The first doubles whose upper half is beyond that of ln 2 / 2 and of 3 ln 2 / 2. */
const NEARLY_HALF_LN2 = 3.465735912322998e-1
const NEARLY_ONE_AND_A_HALF_LN2 = 1.0397205352783203
const TINY = 2 ** -28

/** 1 / (1 + e^-x): the logistic function, within 2 units in the last place. */
export const logistic = (x: number): number => 1 / (1 + exp(-x))

/**
 * `logistic` of the first `count` values, in their place. A loop of its own, so that V8 inlines all of it: a
 * double that goes to or comes from a function that is not inlined stays on the heap, 16 bytes each way.
 */
export const logisticOfAll = (values: Float64Array, count: number): void => {
  for (let i = 0; i < count; i++) values[i] = logistic(values[i]!)
}
