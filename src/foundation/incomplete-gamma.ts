import { exp } from './elementary/exponential.ts'
import { log } from './elementary/logarithm.ts'

/** Terms after which a sum is as exact as it gets. */
const MOST_TERMS = 100_000

/** From here on Stirling's series of six terms is exact to the last bits. */
const STIRLING_FROM = 12

/** Bernoulli numbers B(2k) / (2k (2k - 1)), the coefficients of Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360]

/**
 * ln Γ(x) of any x > 0, relative error about 1e-14 away from its zeros at 1 and 2: Stirling's series
 * (Abramowitz and Stegun 6.1.41) after x was raised by Γ(x + 1) = x Γ(x).
 */
export const logGamma = (x: number): number => {
  let product = 1
  let raised = x
  while (raised < STIRLING_FROM) {
    product *= raised
    raised++
  }
  const inverseSquare = 1 / (raised * raised)
  let series = 0
  for (let k = STIRLING.length - 1; k >= 0; k--) series = series * inverseSquare + STIRLING[k]!
  return (raised - 0.5) * log(raised) - raised + log(2 * Math.PI) / 2 + series / raised - log(product)
}

/** The two regularised incomplete gamma functions, which add up to 1. */
export interface GammaShares {
  /** P(a, x): probability that a gamma variable of shape a and scale 1 is at most x. */
  readonly lower: number
  /** Q(a, x) = 1 - P(a, x), computed by itself where it is small. */
  readonly upper: number
}

/**
 * P(a, x) and Q(a, x) for any shape a > 0 and x >= 0. Below the mean by the power series of P, above it by
 * Legendre's continued fraction of Q (Abramowitz and Stegun 6.5.29 and 6.5.31), from the front (Lentz 1976).
 *
 * @param logGammaOfA ln Γ(a), where it is known otherwise
 */
export const gammaShares = (a: number, x: number, logGammaOfA = logGamma(a)): GammaShares => {
  if (x <= 0) return { lower: 0, upper: 1 }
  const scale = exp(a * log(x) - x - logGammaOfA)
  if (x < a + 1) {
    const lower = scale * seriesOfLower(a, x)
    return { lower, upper: 1 - lower }
  }
  const upper = scale * fractionOfUpper(a, x)
  return { lower: 1 - upper, upper }
}

/** Σ x^n / (a (a + 1) … (a + n)) from n = 0 on. */
const seriesOfLower = (a: number, x: number): number => {
  let term = 1 / a
  let sum = term
  for (let n = 1; n < MOST_TERMS && term > sum * 1e-17; n++) {
    term *= x / (a + n)
    sum += term
  }
  return sum
}

/** 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - …))). */
const fractionOfUpper = (a: number, x: number): number => {
  let denominator = x + 1 - a
  let c = Number.POSITIVE_INFINITY
  let d = 1 / denominator
  let value = d
  for (let n = 1; n < MOST_TERMS; n++) {
    const numerator = -n * (n - a)
    denominator += 2
    d = 1 / (numerator * d + denominator)
    c = denominator + numerator / c
    const factor = c * d
    value *= factor
    if (Math.abs(factor - 1) < 1e-16) break
  }
  return value
}

/**
 * The x below which a gamma variable of shape `a` and scale 1 lies with `probability`, from 0 to below 1; 0
 * for a shape of 0. By halving between bounds, so that it never leaves them.
 */
export const gammaQuantile = (a: number, probability: number): number => {
  if (a <= 0 || probability <= 0) return 0
  let high = Math.max(1, 2 * a)
  while (gammaShares(a, high).lower < probability && high < 1e12) high *= 2
  let low = 0
  for (let step = 0; step < 200 && high - low > 1e-14 * high; step++) {
    const middle = (low + high) / 2
    const { lower, upper } = gammaShares(a, middle)
    // In the upper half the complement has more digits.
    if (probability > 0.5 ? upper > 1 - probability : lower < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}
