import { exp } from '../foundation/elementary/exponential.ts'
import { log, log1p } from '../foundation/elementary/logarithm.ts'
import { logGamma } from '../foundation/incomplete-gamma.ts'

/**
 * Counts of `rows` whose chance is another on each day: a beta variable of this `mean`, so that two rows of a
 * day correlate by `correlation` (0 is the binomial distribution).
 */
export interface DayDistribution {
  readonly rows: number
  /** In (0, 1). */
  readonly mean: number
  /** In [0, 1). */
  readonly correlation: number
}

/** Below it the two shapes are so large that their logarithms lose what the correlation adds. */
const LEAST_CORRELATION = 1e-9

/** Logarithm of the probability of `count` (Skellam 1948). */
export const logProbability = (count: number, { rows, mean, correlation }: DayDistribution): number => {
  if (correlation < LEAST_CORRELATION)
    return logChoose(rows, count) + count * log(mean) + (rows - count) * log1p(-mean)
  const sum = (1 - correlation) / correlation
  const [alpha, beta] = [mean * sum, (1 - mean) * sum]
  return logChoose(rows, count) + logBeta(count + alpha, rows - count + beta) - logBeta(alpha, beta)
}

/**
 * Probability of fewer than `count`, and half of that of `count` itself (mid-p), which is uniform but for the
 * steps. Downwards from `count` by the ratio of neighbours; O(count).
 */
export const midProbability = (count: number, distribution: DayDistribution): number => {
  const { rows, mean, correlation } = distribution
  const sum = correlation < LEAST_CORRELATION ? 0 : (1 - correlation) / correlation
  let term = exp(logProbability(count, distribution))
  if (term === 0) return count > rows * mean ? 1 : 0
  let below = term / 2
  for (let k = count; k > 0 && term > 1e-18 * below; k--) {
    const odds = sum === 0 ? (1 - mean) / mean : ((1 - mean) * sum + rows - k) / (mean * sum + k - 1)
    term *= (k / (rows - k + 1)) * odds
    below += term
  }
  return Math.min(1, below)
}

const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b)

const logChoose = (n: number, k: number): number => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
