import type { Random } from '../foundation/random.ts'
import { rowsByScore } from './rows-by-score.ts'

/** Ends of a 95 % interval; null where the figure is not defined. */
export type BootstrapInterval = readonly [low: number, high: number] | null

/** What has an interval. */
export type BootstrapFigure =
  | 'rocAuc'
  | 'averagePrecision'
  | 'precision'
  | 'recall'
  | 'f1'
  | 'dailyPrecision'
  | 'brierScore'

/** Rows to resample. */
export interface BootstrapRows {
  readonly labels: Uint8Array
  readonly scores: Float64Array
  /** Daily precision of each day. */
  readonly dailyPrecisions: readonly number[]
}

/**
 * 95 % percentile intervals (Efron 1979). Rows are ranked once; each resample then gives every row a
 * Poisson(1) number of copies (Hanley and MacGibbon 2006) in one pass. Daily precision resamples days,
 * because what is found on a day depends on all of the day's rows. Resamples in which a figure is not defined
 * are left out. O(n log n + resamples * n). 0 resamples: all null.
 */
export const bootstrapIntervals = (
  { labels, scores, dailyPrecisions }: BootstrapRows,
  threshold: number,
  resamples: number,
  random: Random,
): Readonly<Record<BootstrapFigure, BootstrapInterval>> => {
  const order = rowsByScore(scores, 'falling')
  const ranked = Float64Array.from(order, (row) => scores[row]!)
  const truths = Uint8Array.from(order, (row) => labels[row]!)
  const drawn: Record<BootstrapFigure, number[]> = {
    rocAuc: [],
    averagePrecision: [],
    precision: [],
    recall: [],
    f1: [],
    dailyPrecision: [],
    brierScore: [],
  }
  const [ofRows, ofDays] = [random.fork('rows'), random.fork('days')]
  for (let resample = 0; resample < resamples; resample++) {
    let [frauds, genuine, area, precisions, squares] = [0, 0, 0, 0, 0]
    let [fraudsBefore, genuineBefore, caught, alarms] = [0, 0, 0, 0]
    for (let at = 0; at < ranked.length; at++) {
      const copies = poissonOf(ofRows.next())
      const score = ranked[at]!
      if (truths[at] === 1) frauds += copies
      else genuine += copies
      squares += copies * (score - truths[at]!) ** 2
      if (at + 1 < ranked.length && ranked[at + 1] === score) continue
      area += ((genuine - genuineBefore) * (frauds + fraudsBefore)) / 2
      if (frauds > fraudsBefore) precisions += ((frauds - fraudsBefore) * frauds) / (frauds + genuine)
      fraudsBefore = frauds
      genuineBefore = genuine
      if (score >= threshold) [caught, alarms] = [frauds, genuine]
    }
    drawn.rocAuc.push(area / (frauds * genuine))
    drawn.averagePrecision.push(precisions / frauds)
    drawn.precision.push(caught / (caught + alarms))
    drawn.recall.push(caught / frauds)
    drawn.f1.push((2 * caught) / (caught + alarms + frauds))
    drawn.brierScore.push(squares / (frauds + genuine))
    let found = 0
    for (let day = 0; day < dailyPrecisions.length; day++)
      found += dailyPrecisions[ofDays.integer(dailyPrecisions.length)]!
    drawn.dailyPrecision.push(found / dailyPrecisions.length)
  }
  return {
    rocAuc: middle(drawn.rocAuc),
    averagePrecision: middle(drawn.averagePrecision),
    precision: middle(drawn.precision),
    recall: middle(drawn.recall),
    f1: middle(drawn.f1),
    dailyPrecision: middle(drawn.dailyPrecision),
    brierScore: middle(drawn.brierScore),
  }
}

/** Cumulative probabilities of a Poisson number of mean 1. */
const CUMULATIVE = [1, 2, 2.5, 8 / 3, 65 / 24, 163 / 60, 1957 / 720, 685 / 252].map((sum) => sum / Math.E)

const poissonOf = (uniform: number): number => {
  let copies = 0
  while (copies < CUMULATIVE.length && uniform >= CUMULATIVE[copies]!) copies++
  return copies
}

const middle = (values: readonly number[]): BootstrapInterval => {
  const sorted = Float64Array.from(values.filter((value) => Number.isFinite(value))).sort()
  if (sorted.length === 0) return null
  const quantile = (share: number): number => {
    const at = share * (sorted.length - 1)
    const below = sorted[Math.floor(at)]!
    return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below)
  }
  return [quantile(0.025), quantile(0.975)]
}
