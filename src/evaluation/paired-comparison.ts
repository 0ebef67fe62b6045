import { VigiaError } from '../errors.ts'
import type { Random } from '../foundation/random.ts'
import { poissonCopies } from './poisson-copies.ts'
import { type RankedOnce, rankOnce, tallyOf, type WeightedTally } from './weighted-tally.ts'

/** The same rows, scored by two models of which neither has learnt from them. One entry a row. */
export interface PairedRows {
  /** 1 fraud, 0 genuine. */
  readonly labels: Uint8Array
  /** Users as small whole numbers from 0: rows of one user are drawn together. */
  readonly users: Uint32Array
  /** Whole days since some day: the budget is one of each day. */
  readonly days: Int32Array
  /** In minor units; NaN counts as 0. */
  readonly amountsMinor: ArrayLike<number>
  readonly champion: Float64Array
  readonly challenger: Float64Array
}

export interface PairedOptions {
  /** Rows that can be looked at each day; above 0. */
  readonly alertsPerDay: number
  readonly random: Random
  /** Default 1000. */
  readonly resamples?: number
  /**
   * How often the pair is looked at until it is settled, default 1: the intervals hold together with 95 %
   * (Bonferroni).
   */
  readonly looks?: number
}

/**
 * - `averagePrecision`: of the whole ranking
 * - `precisionAtBudget`: frauds among the rows that are looked at
 * - `valueDetected`: their amount, of the amount of all frauds
 */
export const PAIRED_FIGURES = ['averagePrecision', 'precisionAtBudget', 'valueDetected'] as const
export type PairedFigure = (typeof PAIRED_FIGURES)[number]

/** A figure of both models, and of challenger less champion with the ends of its 95 % interval. */
export interface PairedDifference {
  readonly champion: number
  readonly challenger: number
  readonly difference: number
  readonly low: number
  readonly high: number
}

/**
 * - `better`: average precision is higher beyond chance, and nothing is lower beyond chance
 * - `worse`: something is lower beyond chance
 * - `not better`: neither
 */
export type PairedVerdict = 'better' | 'not better' | 'worse'

export interface PairedComparison {
  readonly rows: number
  readonly frauds: number
  readonly users: number
  readonly days: number
  readonly figures: Readonly<Record<PairedFigure, PairedDifference>>
  readonly verdict: PairedVerdict
}

const DEFAULT_RESAMPLES = 1000
/** Ends of the middle 95 %. */
const TAIL = 0.025

/**
 * Compares two models on the same rows by a paired bootstrap over users: in each resample every user comes a
 * Poisson(1) number of times with all rows, for both models alike, and the difference of the figures is
 * taken (Efron 1979; Field and Welsh 2007 for resampling clusters; Hanley and MacGibbon 2006 for Poisson
 * copies). What both models find easy or hard cancels, so that a pair is told apart by far fewer rows than
 * two intervals side by side would need; rows of one user are not independent, so users are drawn.
 *
 * O(n log n + resamples * n). Scores must not be NaN.
 *
 * @throws COMPARISON_IMPOSSIBLE without a fraud, without a genuine row, or with columns of other lengths
 */
export const comparePaired = (rows: PairedRows, options: PairedOptions): PairedComparison => {
  const { alertsPerDay, random, resamples = DEFAULT_RESAMPLES, looks = 1 } = options
  checkRows(rows, alertsPerDay)
  const champion = rankOnce(rows, rows.champion)
  const challenger = rankOnce(rows, rows.challenger)
  const userCount = rows.users.reduce((most, user) => Math.max(most, user + 1), 0)
  const once = new Float64Array(userCount).fill(1)
  const drawn = differencesOf([champion, challenger], { alertsPerDay, random, resamples, userCount })
  const seen = [champion, challenger].map((ranked) => figuresOf(tallyOf(ranked, once, alertsPerDay)))
  const figures = Object.fromEntries(
    PAIRED_FIGURES.map((figure) => [
      figure,
      differenceOf(seen[0]![figure], seen[1]![figure], drawn[figure], TAIL / looks),
    ]),
  ) as Record<PairedFigure, PairedDifference>
  return {
    rows: rows.labels.length,
    frauds: rows.labels.reduce((sum, label) => sum + label, 0),
    users: new Set(rows.users).size,
    days: new Set(rows.days).size,
    figures,
    verdict: verdictOf(figures),
  }
}

/** What the intervals say. A figure that is not defined on either side says nothing. */
export const verdictOf = (figures: PairedComparison['figures']): PairedVerdict => {
  if (PAIRED_FIGURES.some((figure) => figures[figure].high < 0)) return 'worse'
  return figures.averagePrecision.low > 0 ? 'better' : 'not better'
}

const checkRows = (rows: PairedRows, alertsPerDay: number): void => {
  const { labels, users, days, amountsMinor, champion, challenger } = rows
  const refuse = (reason: string): never => {
    throw new VigiaError('COMPARISON_IMPOSSIBLE', { reason })
  }
  for (const column of [users, days, amountsMinor, champion, challenger])
    if (column.length !== labels.length)
      refuse(`it has ${labels.length} labels and a column of ${column.length} entries`)
  if (!(alertsPerDay > 0)) refuse(`the budget is ${alertsPerDay} alerts a day; allowed: above 0`)
  const frauds = labels.reduce((sum, label) => sum + label, 0)
  if (frauds === 0 || frauds === labels.length)
    refuse(`${frauds} of ${labels.length} rows are fraud; both kinds are needed`)
}

interface Drawing {
  readonly alertsPerDay: number
  readonly random: Random
  readonly resamples: number
  readonly userCount: number
}

/** Challenger less champion in each resample, by figure. */
const differencesOf = (
  [champion, challenger]: readonly [RankedOnce, RankedOnce],
  { alertsPerDay, random, resamples, userCount }: Drawing,
): Readonly<Record<PairedFigure, Float64Array>> => {
  const drawn = {
    averagePrecision: new Float64Array(resamples),
    precisionAtBudget: new Float64Array(resamples),
    valueDetected: new Float64Array(resamples),
  }
  const copies = new Float64Array(userCount)
  for (let sample = 0; sample < resamples; sample++) {
    for (let user = 0; user < userCount; user++) copies[user] = poissonCopies(random.next())
    const before = figuresOf(tallyOf(champion, copies, alertsPerDay))
    const after = figuresOf(tallyOf(challenger, copies, alertsPerDay))
    for (const figure of PAIRED_FIGURES) drawn[figure][sample] = after[figure] - before[figure]
  }
  return drawn
}

const figuresOf = (tally: WeightedTally): Readonly<Record<PairedFigure, number>> => ({
  averagePrecision: tally.precisionSum / tally.frauds,
  precisionAtBudget: tally.fraudsFound / tally.lookedAt,
  valueDetected: tally.valueFound / tally.value,
})

/** Resamples in which a figure is not defined are left out. */
const differenceOf = (
  champion: number,
  challenger: number,
  drawn: Float64Array,
  tail: number,
): PairedDifference => {
  const sorted = drawn.filter((difference) => Number.isFinite(difference)).sort()
  return {
    champion,
    challenger,
    difference: challenger - champion,
    low: quantile(sorted, tail),
    high: quantile(sorted, 1 - tail),
  }
}

const quantile = (sorted: Float64Array, share: number): number => {
  if (sorted.length === 0) return Number.NaN
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)]!
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below)
}
