import { log } from './elementary/logarithm.ts'
import { gammaShares } from './incomplete-gamma.ts'

/**
 * Probability that a chi-squared variable with `degreesOfFreedom` (whole, at least 1) exceeds `statistic` (at
 * least 0): the upper regularised gamma function Q(degrees / 2, statistic / 2). Relative error about 1e-12; 0
 * below 1e-308.
 */
export const chiSquaredTail = (statistic: number, degreesOfFreedom: number): number => {
  if (statistic <= 0) return 1
  return gammaShares(degreesOfFreedom / 2, statistic / 2, logGammaOfHalf(degreesOfFreedom)).upper
}

/** ln Γ(n / 2) for a whole n >= 1: from Γ(1/2) = √π and Γ(1) = 1 by Γ(x + 1) = x Γ(x). */
const logGammaOfHalf = (n: number): number => {
  let logarithm = n % 2 === 1 ? log(Math.PI) / 2 : 0
  for (let x = n % 2 === 1 ? 0.5 : 1; x < n / 2; x++) logarithm += log(x)
  return logarithm
}
