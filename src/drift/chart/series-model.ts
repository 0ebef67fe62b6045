import { log } from '../../foundation/elementary/logarithm.ts'
import { type Observations, weekdayOf } from './observations.ts'
import { smooth } from './smoothing.ts'
import { growsEvidently, weekdayEffects } from './weekday-effects.ts'

/** What a series does when nothing changes. */
export interface SeriesModel {
  /** Of Monday to Sunday, on top of the level. */
  readonly effects: Float64Array
  /** Of a day on the next, in [0, 1]; 0 where no memory is evident. */
  readonly memory: number
  /** Mean without memory; with it what a day adds to `memory` times the day before. */
  readonly constant: number
  /** Standard deviation of a residual on a day with the usual number of rows; never below chance. */
  readonly deviation: number
  /** The usual standard deviation of a day's value, were its rows independent. */
  readonly typicalNoise: number
  /** Of the smoothed residuals, over what residuals without memory would give; at least 1. */
  readonly smoothedDeviation: number
  /** Of the residuals, in excess of the normal distribution's. */
  readonly kurtosis: number
  /** Days that it was fitted on. */
  readonly days: number
}

/** What each day was expected to be, and how far off it was. */
export interface Residuals {
  /** On the scale of the series; NaN where nothing could be expected. */
  readonly expected: Float64Array
  /** In standard deviations; NaN where the day has no value. */
  readonly standard: Float64Array
}

/** A day further back says nothing of today beyond the level. */
const LONGEST_GAP = 28

/**
 * Fits weekday effects and, where memory is evident, a first-order autoregression on the days `used` (their
 * places, none without a value). Undefined of fewer than 10.
 *
 * Memory is evident above 2 / √n (Bartlett, 1946), and is corrected for Kendall's (1954) bias, (1 + 3 ρ) /
 * n. What grows evidently gets a memory of 1, and is judged by its steps. It is not held against a line:
 * ranks and shares do not grow in one, and what is a little off in two months is far off a week later.
 */
export const fitSeriesModel = (series: Observations, used: Int32Array): SeriesModel | undefined => {
  const { days, values, noises } = series
  if (used.length < 10) return undefined
  const effects = weekdayEffects(series, used)
  const rest = values.map((value, at) => value - effects[weekdayOf(days[at]!)]!)
  const { memory, constant } = fitMemory(days, rest, used, growsEvidently(days, rest, used))
  const sorted = Float64Array.from(used, (at) => noises[at]!).sort()
  const typicalNoise = sorted[sorted.length >> 1]!
  const unscaled = {
    effects,
    memory,
    constant,
    typicalNoise,
    deviation: 1,
    smoothedDeviation: 1,
    kurtosis: 0,
    days: used.length,
  }
  const { standard } = residualsOf(series, unscaled)
  let [count, squares, fourths] = [0, 0, 0]
  for (const at of used) {
    const square = standard[at]! * standard[at]!
    if (Number.isNaN(square)) continue
    count++
    squares += square
    fourths += square * square
  }
  if (count < 5) return undefined
  const deviation = Math.sqrt(squares / (count - (memory > 0 ? 2 : 1)))
  const kurtosis = squares > 0 ? (count * fourths) / (squares * squares) - 3 : 0
  const smoothed = smooth(
    days,
    standard.map((residual) => residual / deviation),
  )
  return {
    effects,
    memory,
    constant,
    typicalNoise,
    deviation: Math.max(deviation, typicalNoise),
    smoothedDeviation: Math.max(1, rootMeanSquare(smoothed, used)),
    kurtosis,
    days: used.length,
  }
}

const rootMeanSquare = (values: Float64Array, used: Int32Array): number => {
  let [count, squares] = [0, 0]
  for (const at of used) {
    if (Number.isNaN(values[at]!)) continue
    count++
    squares += values[at]! * values[at]!
  }
  return count === 0 ? 0 : Math.sqrt(squares / count)
}

const fitMemory = (
  days: Int32Array,
  rest: Float64Array,
  used: Int32Array,
  isGrowing: boolean,
): { memory: number; constant: number } => {
  let mean = 0
  for (const at of used) mean += rest[at]! / used.length
  const pairs = used.filter((at) => at > 0 && days[at]! - days[at - 1]! === 1 && !Number.isNaN(rest[at - 1]!))
  const count = pairs.length
  if (count < 5) return { memory: 0, constant: mean }
  let [before, after] = [0, 0]
  for (const at of pairs) {
    before += rest[at - 1]! / count
    after += rest[at]! / count
  }
  let [product, square] = [0, 0]
  for (const at of pairs) {
    const x = rest[at - 1]! - before
    product += x * (rest[at]! - after)
    square += x * x
  }
  // Differences below the rounding of the effects are no memory.
  if (!(square > 1e-18 * count)) return { memory: 0, constant: mean }
  const slope = product / square
  if (!isGrowing && !(slope > 2 / Math.sqrt(count))) return { memory: 0, constant: mean }
  const memory = isGrowing ? 1 : Math.min(1, slope + (1 + 3 * slope) / count)
  return { memory, constant: after - memory * before }
}

/** Residuals of all days, each from the last day before it that has a value. */
export const residualsOf = (series: Observations, model: SeriesModel): Residuals => {
  const { days, values, noises } = series
  const expected = new Float64Array(days.length)
  const standard = new Float64Array(days.length)
  let [last, before] = [Number.NEGATIVE_INFINITY, Number.NaN]
  for (let at = 0; at < days.length; at++) {
    const effect = model.effects[weekdayOf(days[at]!)]!
    const { level, growth } = expectation(model, before, days[at]! - last)
    const value = values[at]!
    expected[at] = level + effect
    // A day with few rows may be further off.
    const thin = Math.max(1, noises[at]! / model.typicalNoise)
    standard[at] = (value - level - effect) / (model.deviation * growth * thin)
    if (Number.isNaN(value)) continue
    last = days[at]!
    before = value - effect
  }
  return { expected, standard }
}

/** Level expected `gap` days after `before`, and how much wider than after one day it is known. */
const expectation = (
  { memory, constant }: SeriesModel,
  before: number,
  gap: number,
): { level: number; growth: number } => {
  if (memory === 0) return { level: constant, growth: 1 }
  if (gap === 1) return { level: constant + memory * before, growth: 1 }
  if (gap > LONGEST_GAP)
    return memory < 1
      ? { level: constant / (1 - memory), growth: 1 / Math.sqrt(1 - memory * memory) }
      : { level: Number.NaN, growth: 1 }
  let [level, variance] = [before, 0]
  for (let day = 0; day < gap; day++) {
    level = constant + memory * level
    variance = 1 + memory * memory * variance
  }
  return { level, growth: Math.sqrt(variance) }
}

/**
 * The normal score of a residual that has Student's t distribution with this kurtosis and variance 1: far
 * residuals of a series with heavy tails say less. Wallace's approximation (1959), right to some hundredths.
 */
export const normalScoreOf = (standard: number, kurtosis: number): number => {
  if (!(kurtosis > 0)) return standard
  const degrees = 4 + 6 / kurtosis
  const t = standard * Math.sqrt(degrees / (degrees - 2))
  const size = Math.sqrt(degrees * log(1 + (t * t) / degrees)) * ((8 * degrees + 1) / (8 * degrees + 3))
  return t < 0 ? -size : size
}
