import type { Random } from '../foundation/random.ts'
import { dailyPrecision } from './daily-precision.ts'
import type { Resample, ScoredRows } from './figure.ts'
import { FIGURES, type FigureKey, keyOf } from './figures.ts'
import { poissonCopies } from './poisson-copies.ts'
import { rowsByScore } from './rows-by-score.ts'

/** Ends of a 95 % interval; null where the figure is not defined. */
export type Interval = readonly [low: number, high: number] | null

/** By figure; absent for those that have no interval. */
export type Intervals = Readonly<Partial<Record<FigureKey, Interval>>>

/**
 * 95 % percentile intervals (Efron 1979) of the figures with `ofResample`. Rows are ranked once; each
 * resample then gives every row a Poisson(1) number of copies (Hanley and MacGibbon 2006) in one pass. Daily
 * precision resamples days, because what is found on a day depends on all of the day's rows. Resamples in
 * which a figure is not defined are left out. O(n log n + resamples * n). 0 resamples: all null.
 */
export const bootstrapIntervals = (rows: ScoredRows, resamples: number, random: Random): Intervals => {
  const drawn = resamplesOf(rows, resamples, random)
  return Object.fromEntries(
    FIGURES.flatMap(({ name, ofResample }) =>
      ofResample === undefined ? [] : [[keyOf({ name }), middleOf(drawn.map(ofResample))]],
    ),
  )
}

const resamplesOf = (rows: ScoredRows, count: number, random: Random): Resample[] => {
  const order = rowsByScore(rows.scores, 'falling')
  const scores = Float64Array.from(order, (row) => rows.scores[row]!)
  const labels = Uint8Array.from(order, (row) => rows.labels[row]!)
  const days = dailyPrecision(rows, rows.k).days.map(({ precision }) => precision)
  const [ofRows, ofDays] = [random.fork('rows'), random.fork('days')]
  return Array.from({ length: count }, () => ({
    ...resampleRows(labels, scores, rows.threshold, ofRows),
    dailyPrecision: resampledMean(days, ofDays),
  }))
}

/** One pass over rows by falling score, each counted a random number of times. */
const resampleRows = (
  labels: Uint8Array,
  scores: Float64Array,
  threshold: number,
  random: Random,
): Omit<Resample, 'dailyPrecision'> => {
  let [frauds, genuine, rightPairs, precisionSum, squaredErrors] = [0, 0, 0, 0, 0]
  let [fraudsBefore, genuineBefore, caught, falseAlarms] = [0, 0, 0, 0]
  for (let at = 0; at < scores.length; at++) {
    const copies = poissonCopies(random.next())
    const score = scores[at]!
    if (labels[at] === 1) frauds += copies
    else genuine += copies
    const error = score - labels[at]!
    squaredErrors += copies * (error * error)
    if (at + 1 < scores.length && scores[at + 1] === score) continue
    rightPairs += ((genuine - genuineBefore) * (frauds + fraudsBefore)) / 2
    if (frauds > fraudsBefore) precisionSum += ((frauds - fraudsBefore) * frauds) / (frauds + genuine)
    fraudsBefore = frauds
    genuineBefore = genuine
    if (score >= threshold) {
      caught = frauds
      falseAlarms = genuine
    }
  }
  return { frauds, genuine, rightPairs, precisionSum, squaredErrors, caught, falseAlarms }
}

const resampledMean = (values: readonly number[], random: Random): number => {
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += values[random.integer(values.length)]!
  return sum / values.length
}

const middleOf = (values: readonly number[]): Interval => {
  const sorted = Float64Array.from(values.filter((value) => Number.isFinite(value))).sort()
  if (sorted.length === 0) return null
  const quantile = (share: number): number => {
    const at = share * (sorted.length - 1)
    const below = sorted[Math.floor(at)]!
    return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below)
  }
  return [quantile(0.025), quantile(0.975)]
}
