import { log, log1p } from '../foundation/elementary/logarithm.ts'
import type { Estimate } from './estimate.ts'

/** No bet risks more of the capital than this: Waudby-Smith and Ramdas take .5 or .75. */
const MOST_AT_RISK = 0.5

/**
 * The mean of observations from 0 to 1 that came one by one, with an interval that holds it at all times
 * together with probability 1 - `alpha`: one may look every day and stop when one likes.
 *
 * Hedged capital by betting (Waudby-Smith and Ramdas 2024): whoever bets that the mean is above m, and who
 * bets that it is below, get rich if it is; the m that has made neither rich is inside. Bets follow the
 * empirical variance (their predictable plug-in). Nothing is assumed but that each observation has the same
 * mean given the ones before it: rows whose chance changes by day are given as the days' shares, or the
 * interval is too narrow. An empty list: 0 to 1. O(n), some 60 passes.
 */
export const bettingInterval = (values: ArrayLike<number>, alpha = 0.05): Estimate => {
  const bets = plugInBets(values, alpha)
  const rich = log(2 / alpha)
  const isRich = (mean: number, sign: 1 | -1): boolean => capital(values, bets, mean, sign) >= rich
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += values[at]!
  const value = sum / values.length
  if (values.length === 0) return { value, low: 0, high: 1 }
  return {
    value,
    low: boundary(0, value, (mean) => isRich(mean, 1)),
    high: boundary(1, value, (mean) => isRich(mean, -1)),
  }
}

/** The place between `outside` and `inside` from which on `isRefused` no longer holds. */
const boundary = (outside: number, inside: number, isRefused: (mean: number) => boolean): number => {
  let [refused, held] = [outside, inside]
  if (isRefused(held)) return held
  for (let step = 0; step < 60; step++) {
    const middle = (refused + held) / 2
    if (isRefused(middle)) refused = middle
    else held = middle
  }
  return (refused + held) / 2
}

/** Logarithm of the most that the capital of one side ever was, if the mean were `mean`. */
const capital = (values: ArrayLike<number>, bets: Float64Array, mean: number, sign: 1 | -1): number => {
  const most = MOST_AT_RISK / (sign === 1 ? mean : 1 - mean)
  let [sum, largest] = [0, 0]
  for (let at = 0; at < values.length; at++) {
    sum += log1p(sign * Math.min(bets[at]!, most) * (values[at]! - mean))
    largest = Math.max(largest, sum)
  }
  return largest
}

/** Bets that depend on earlier observations only. */
const plugInBets = (values: ArrayLike<number>, alpha: number): Float64Array => {
  const bets = new Float64Array(values.length)
  let [sum, squares] = [0.5, 0.25]
  for (let at = 0; at < values.length; at++) {
    const variance = squares / (at + 1)
    bets[at] = Math.sqrt((2 * log(2 / alpha)) / (variance * (at + 1) * log(at + 2)))
    sum += values[at]!
    const distance = values[at]! - sum / (at + 2)
    squares += distance * distance
  }
  return bets
}
