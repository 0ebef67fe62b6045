import { VigiaError } from '../errors.ts'
import { gammaQuantile } from '../foundation/incomplete-gamma.ts'
import type { DayCount } from './day-counts.ts'

/** How days without a change are: what later days are compared with. */
export interface DayBaseline {
  /** Frauds observed for each expected one: precision or rate itself where rows are what is expected. */
  readonly ratio: number
  /** One standard error about `ratio`: what a finite history leaves open. */
  readonly ratioLow: number
  readonly ratioHigh: number
  /**
   * Correlation of two rows of a day, an upper 80 % bound: days differ by more than chance, since frauds come
   * in rings. Raised where days in a row resemble each other.
   */
  readonly correlation: number
  readonly days: number
}

/** Fewer days say nothing of how much days differ. */
export const LEAST_BASELINE_DAYS = 14

const UPPER = 0.2

/**
 * Ratio by sums; the correlation by Pearson's statistic about it, which is Σ (1 + (rows - 1) correlation) in
 * the mean (Williams 1982), with a chi-squared bound for the finite number of days. Where the residual of a
 * day tells of the next one's (lag-one correlation r above one standard error), the part that is not chance
 * is raised by (1 + r) / (1 - r), by which the variance of a sum of such days is larger.
 *
 * @throws PERFORMANCE_HISTORY_SHORT below 14 days
 */
export const dayBaseline = (history: readonly DayCount[], what: string): DayBaseline => {
  const days = history.length
  if (days < LEAST_BASELINE_DAYS)
    throw new VigiaError('PERFORMANCE_HISTORY_SHORT', { what, got: days, allowed: LEAST_BASELINE_DAYS })
  const frauds = history.reduce((sum, day) => sum + day.frauds, 0)
  const expected = history.reduce((sum, day) => sum + day.expected, 0)
  // Half a fraud more, so that a history without any still has a rate.
  const ratio = Math.max(frauds, 0.5) / expected
  const residuals = history.map((day) => residualOf(day, ratio))
  const statistic = residuals.reduce((sum, residual) => sum + residual * residual, 0)
  const freedom = days - 1
  const bound = (statistic * freedom) / (2 * gammaQuantile(freedom / 2, UPPER))
  const pairs = history.reduce((sum, { rows }) => sum + rows - 1, 0)
  const memory = memoryOf(residuals, statistic)
  const correlation = pairs === 0 ? 0 : Math.max(0, (bound - days) / pairs) * ((1 + memory) / (1 - memory))
  const variance = history.reduce((sum, day) => {
    const mean = meanOf(day, ratio)
    return sum + day.rows * mean * (1 - mean) * (1 + (day.rows - 1) * correlation)
  }, 0)
  const error = Math.sqrt(variance) / expected
  return {
    ratio,
    ratioLow: Math.max(ratio / 2, ratio - error),
    ratioHigh: ratio + error,
    correlation: Math.min(0.5, correlation),
    days,
  }
}

/** Chance of a row of the day at this ratio, kept inside (0, 1). */
export const meanOf = ({ rows, expected }: DayCount, ratio: number): number =>
  Math.min(1 - 1e-6, Math.max(1e-9, (ratio * expected) / rows))

const residualOf = (day: DayCount, ratio: number): number => {
  const mean = meanOf(day, ratio)
  return (day.frauds - day.rows * mean) / Math.sqrt(day.rows * mean * (1 - mean))
}

const memoryOf = (residuals: readonly number[], statistic: number): number => {
  let sum = 0
  for (let day = 1; day < residuals.length; day++) sum += residuals[day]! * residuals[day - 1]!
  const memory = statistic === 0 ? 0 : sum / statistic
  return memory > 1 / Math.sqrt(residuals.length) ? Math.min(0.8, memory) : 0
}
