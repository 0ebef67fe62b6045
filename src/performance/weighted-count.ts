import { gammaQuantile } from '../foundation/incomplete-gamma.ts'
import type { Estimate } from './estimate.ts'

/**
 * Horvitz-Thompson's estimate (1952) of a number of frauds from those that a sample drew with the given
 * propensities: Σ 1 / propensity. Unbiased whatever the propensities, as long as none is 0.
 *
 * The 95 % interval is Fay and Feuer's (1997) for weighted sums of Poisson counts, which with small
 * equal propensities is Garwood's exact one (1936), and needs no large numbers: of no fraud found at 2 % it
 * goes to 183. Rows of
 * propensity 1 are certain and widen nothing: variances are those of drawing, Σ w² (1 - propensity).
 *
 * @param largestWeight of all rows that could have been drawn, frauds or not; what none found may still stand
 * for
 */
export const weightedCount = (propensities: ArrayLike<number>, largestWeight: number): Estimate => {
  let [value, variance] = [0, 0]
  for (let at = 0; at < propensities.length; at++) {
    const weight = 1 / propensities[at]!
    value += weight
    variance += weight * weight * (1 - propensities[at]!)
  }
  // What one more fraud of the largest weight would add, less where almost all were drawn.
  const more = Math.sqrt(largestWeight * (largestWeight - 1))
  const low = variance === 0 ? value : scaledGamma(value, variance, 0.025)
  const high = more === 0 ? value : scaledGamma(value + more, variance + more * more, 0.975)
  return { value, low, high }
}

/** Quantile of a gamma variable by its mean and variance. */
const scaledGamma = (mean: number, variance: number, probability: number): number =>
  (variance / mean) * gammaQuantile((mean * mean) / variance, probability)
