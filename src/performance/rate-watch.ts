import { VigiaError } from '../errors.ts'
import { logistic } from '../foundation/elementary/exponential.ts'
import { log } from '../foundation/elementary/logarithm.ts'
import { normalQuantile } from '../foundation/normal-quantile.ts'
import { logProbability, midProbability } from './beta-binomial.ts'
import { addScore, type Cusum, cusumFor } from './cusum.ts'
import { type DayBaseline, meanOf } from './day-baseline.ts'
import type { DayCount } from './day-counts.ts'
import { advance, type DetectorState, evidenceOf, newDetector } from './e-detector.ts'

/** Which way a rate is watched. */
export type Direction = 'falling' | 'rising' | 'both'

/** One rate after one more day. */
export interface WatchedDay {
  readonly day: number
  readonly observed: number
  /** What the baseline expects. */
  readonly expected: number
  /** Evidence of a change, to be compared with an average run length in days. */
  readonly evidence: number
  /** Larger of the two CUSUMs, over its limit: 1 is an alarm. */
  readonly cusum: number
  readonly direction: Exclude<Direction, 'both'>
}

/** State of a watch between looks: plain data. */
export interface RateWatch {
  readonly baseline: DayBaseline
  readonly direction: Direction
  readonly cusum: Cusum
  readonly detector: DetectorState
  readonly sums: { readonly falling: number; readonly rising: number }
}

/** Changes of the log-odds that bets are placed on: of frauds some 30, 50 and 70 % less or more. */
const CHANGES = [0.35, 0.7, 1.2]

/**
 * A watch of one rate that has seen no day yet.
 *
 * @param averageRunLength days until a false alarm of the CUSUM in one direction; the evidence is compared
 * with a run length by whoever looks
 */
export const newRateWatch = (
  baseline: DayBaseline,
  direction: Direction,
  averageRunLength: number,
): RateWatch => ({
  baseline,
  direction,
  cusum: cusumFor(direction === 'both' ? 2 * averageRunLength : averageRunLength),
  detector: newDetector(betsOf(direction).length),
  sums: { falling: 0, rising: 0 },
})

/**
 * The watch after one more day.
 *
 * Bets: the probability of the day's count with the odds changed, over that without: the likelihood ratio,
 * which grows fastest of all e-values where the change is true. Counts of a day are beta-binomial, so that a
 * day is one bet, however many rows it has, and a bad day one bad day. The baseline is known up to its error:
 * each bet is against the end of it that lies towards the bet, and likelihood ratios of larger odds have
 * their largest mean there. CUSUM: of normal scores of the count's mid-p under the same distributions.
 *
 * @throws PERFORMANCE_SETTING_INVALID for a day with more frauds than rows
 */
export const watchDay = (watch: RateWatch, day: DayCount): readonly [RateWatch, WatchedDay] => {
  if (!(day.frauds >= 0 && day.frauds <= day.rows))
    throw new VigiaError('PERFORMANCE_SETTING_INVALID', {
      what: `frauds of day ${day.day}`,
      got: day.frauds,
      allowed: `0 to its ${day.rows} rows`,
    })
  const { baseline, direction, cusum } = watch
  const payoffs = betsOf(direction).map((change) => logPayoff(baseline, day, change))
  const detector = advance(watch.detector, payoffs)
  const sums = {
    falling: direction === 'rising' ? 0 : addScore(cusum, watch.sums.falling, scoreOf(baseline, day, -1)),
    rising: direction === 'falling' ? 0 : addScore(cusum, watch.sums.rising, scoreOf(baseline, day, 1)),
  }
  return [
    { baseline, direction, cusum, detector, sums },
    {
      day: day.day,
      observed: day.frauds,
      expected: baseline.ratio * day.expected,
      evidence: evidenceOf(detector),
      cusum: Math.max(sums.falling, sums.rising) / cusum.limit,
      direction: strongestOf(direction, detector),
    },
  ]
}

const betsOf = (direction: Direction): readonly number[] => {
  if (direction === 'both') return [...CHANGES.map((change) => -change), ...CHANGES]
  return direction === 'rising' ? CHANGES : CHANGES.map((change) => -change)
}

const strongestOf = (direction: Direction, detector: DetectorState): 'falling' | 'rising' =>
  betsOf(direction)[detector.indexOf(Math.max(...detector))]! > 0 ? 'rising' : 'falling'

const logPayoff = (baseline: DayBaseline, day: DayCount, change: number): number => {
  const { correlation, ratioLow, ratioHigh } = baseline
  const mean = meanOf(day, change > 0 ? ratioHigh : ratioLow)
  const changed = logistic(log(mean / (1 - mean)) + change)
  const of = (chance: number): number =>
    logProbability(day.frauds, { rows: day.rows, mean: chance, correlation })
  return of(changed) - of(mean)
}

/** A normal score of the day, large where frauds are many (`sign` 1) or few (-1); at most 5. */
const scoreOf = (baseline: DayBaseline, day: DayCount, sign: 1 | -1): number => {
  const { correlation, ratioLow, ratioHigh } = baseline
  const mean = meanOf(day, sign === 1 ? ratioHigh : ratioLow)
  const below = midProbability(day.frauds, { rows: day.rows, mean, correlation })
  return sign * normalQuantile(Math.min(1 - 2.9e-7, Math.max(2.9e-7, below)))
}
