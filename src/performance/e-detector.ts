import { exp } from '../foundation/elementary/exponential.ts'
import { log1p } from '../foundation/elementary/logarithm.ts'

/**
 * State of an e-detector: for each bet the logarithm of Σ over possible days of change of what a gambler
 * who began to bet on that day has made of 1. Plain data, so that it can be kept between looks.
 */
export type DetectorState = readonly number[]

/** Before the first day. */
export const newDetector = (bets: number): DetectorState => Array<number>(bets).fill(Number.NEGATIVE_INFINITY)

/**
 * One more day, of which each bet pays exp(`logPayoffs[i]`) for 1. The Shiryaev-Roberts e-detector of Shin,
 * Ramdas and Rinaldo (2022): M ← (M + 1) · payoff.
 *
 * Where payoffs are e-values, of mean at most 1 while nothing has changed whatever happened before, the
 * mean time until M reaches c is at least c. So is that of any weighted mean of such M: an alarm at c has an
 * average run length of at least c, however often one looks.
 */
export const advance = (state: DetectorState, logPayoffs: readonly number[]): DetectorState =>
  state.map((before, bet) => logOnePlus(before) + logPayoffs[bet]!)

/** Mean over bets of M: to be compared with the average run length that is wanted. */
export const evidenceOf = (state: DetectorState): number =>
  state.reduce((sum, value) => sum + exp(Math.min(600, value)), 0) / state.length

/** ln(1 + e^x). */
const logOnePlus = (x: number): number => (x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
