import { VigiaError } from '../errors.ts'
import { exp } from '../foundation/elementary/exponential.ts'

/** Page's CUSUM (1954) of standard normal scores, one-sided: alarm when the sum reaches `limit`. */
export interface Cusum {
  /** Half of the shift that is to be found soonest, in standard deviations. */
  readonly slack: number
  readonly limit: number
}

/** What Brownian motion overshoots by: Siegmund 1985. */
const OVERSHOOT = 1.166

/**
 * Mean number of days until a false alarm, by Siegmund's approximation (1985): (exp(2 k b) - 2 k b - 1) /
 * (2 k²), b = limit + 1.166. Within 3 % of the exact one for limits from 3 on.
 */
export const averageRunLengthOf = ({ slack, limit }: Cusum): number => {
  const b = limit + OVERSHOOT
  return (exp(2 * slack * b) - 2 * slack * b - 1) / (2 * slack * slack)
}

/**
 * The CUSUM with this average run length.
 *
 * @throws PERFORMANCE_SETTING_INVALID when the run length is below 10 or above 1e6
 */
export const cusumFor = (averageRunLength: number, slack = 0.5): Cusum => {
  if (!(averageRunLength >= 10 && averageRunLength <= 1e6))
    throw new VigiaError('PERFORMANCE_SETTING_INVALID', {
      what: 'averageRunLength',
      got: averageRunLength,
      allowed: '10 to 1,000,000 days',
    })
  let [low, high] = [0, 100]
  for (let step = 0; step < 60; step++) {
    const limit = (low + high) / 2
    if (averageRunLengthOf({ slack, limit }) < averageRunLength) low = limit
    else high = limit
  }
  return { slack, limit: high }
}

/** The sum after one more score, larger scores being worse. */
export const addScore = ({ slack }: Cusum, sum: number, score: number): number =>
  Math.max(0, sum + score - slack)
