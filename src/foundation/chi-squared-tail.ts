import { exp } from './elementary/exponential.ts'
import { log } from './elementary/logarithm.ts'

/** Terms after which a sum is as exact as it gets; a degree of freedom of a thousand takes a few hundred. */
const MOST_TERMS = 100_000

/**
 * Probability that a chi-squared variable with `degreesOfFreedom` (whole, at least 1) exceeds `statistic` (at
 * least 0): the upper regularised gamma function Q(degrees / 2, statistic / 2). Relative error about 1e-12; 0
 * below 1e-308.
 *
 * Below the mean by the power series of P = 1 - Q, above it by Legendre's continued fraction of Q (Abramowitz
 * and Stegun 6.5.29 and 6.5.31), evaluated from the front (Lentz, 1976).
 */
export const chiSquaredTail = (statistic: number, degreesOfFreedom: number): number => {
  if (statistic <= 0) return 1
  const a = degreesOfFreedom / 2
  const x = statistic / 2
  const scale = exp(a * log(x) - x - logGammaOfHalf(degreesOfFreedom))
  return x < a + 1 ? 1 - scale * seriesOfLower(a, x) : scale * fractionOfUpper(a, x)
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

/** ln Γ(n / 2) for a whole n >= 1: from Γ(1/2) = √π and Γ(1) = 1 by Γ(x + 1) = x Γ(x). */
const logGammaOfHalf = (n: number): number => {
  let logarithm = n % 2 === 1 ? log(Math.PI) / 2 : 0
  for (let x = n % 2 === 1 ? 0.5 : 1; x < n / 2; x++) logarithm += log(x)
  return logarithm
}
