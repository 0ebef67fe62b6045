import { DAY_MS } from '../foundation/days.ts'
import { exp } from '../foundation/elementary/exponential.ts'
import type { Random } from '../foundation/random.ts'
import { countOf, type DecidedRows, isKnownAt, UNKNOWN } from './decided-rows.ts'
import { type Estimate, estimateFrom } from './estimate.ts'
import { type FraudsByScore, fraudsByScore, weightedAveragePrecision } from './frauds-by-score.ts'
import { gammaWith } from './gamma-draw.ts'
import { knownShareAt, logErrorAt, type MaturityCurve, maturityCurve } from './maturity-curve.ts'

/**
 * One curve for each stratum: alerts are looked at within a day, missed frauds are told of by customers weeks
 * later. One curve for both would call a young cohort's recall too high. Null where no fraud of the stratum
 * is known.
 */
export interface MaturityCurves {
  readonly flagged: MaturityCurve | null
  readonly missed: MaturityCurve | null
}

export interface MaturityOptions {
  readonly asOfMs: number
  readonly horizonDays: number
  /** Where delays change: only what became known within so many days. Default: all. */
  readonly recentDays?: number
}

/** The curves of flagged and of missed frauds, from those known at `asOfMs`. */
export const maturityCurves = (rows: DecidedRows, options: MaturityOptions): MaturityCurves => ({
  flagged: curveOf(rows, 1, options),
  missed: curveOf(rows, 0, options),
})

const curveOf = (
  rows: DecidedRows,
  flagged: 0 | 1,
  { asOfMs, horizonDays, recentDays }: MaturityOptions,
): MaturityCurve | null => {
  const delays: number[] = []
  const ages: number[] = []
  for (let row = 0; row < rows.labels.length; row++) {
    if (rows.labels[row] !== 1 || rows.flagged[row] !== flagged || !isKnownAt(rows, row, asOfMs)) continue
    const delay = Math.floor((rows.knownAtMs[row]! - rows.decidedAtMs[row]!) / DAY_MS)
    const age = Math.floor((asOfMs - rows.decidedAtMs[row]!) / DAY_MS)
    if (delay >= Math.min(age, horizonDays)) continue
    delays.push(delay)
    ages.push(age)
  }
  return delays.length === 0 ? null : maturityCurve({ delays, ages }, horizonDays, recentDays)
}

/** Decisions of one stretch of time, with what is known of them and what will be. */
export interface Cohort {
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
  readonly rows: number
  readonly flagged: number
  /** Share of its frauds that is known by now, by stratum; NaN without a curve. */
  readonly knownShare: { readonly flagged: number; readonly missed: number }
  /** From labels known by now. Recall looks better than it is until customers told of what was missed. */
  readonly observed: Readonly<Record<CohortFigure, number>>
  /** At maturity; null while less than `leastKnownShare` of either stratum is known. */
  readonly projected: Readonly<Record<CohortFigure, Estimate>> | null
}

export const COHORT_FIGURES = ['frauds', 'fraudRate', 'recall', 'precision', 'averagePrecision'] as const
/**
 * - `frauds`, `fraudRate`: of all decisions
 * - `recall`: flagged frauds of all frauds
 * - `precision`: frauds of flagged decisions; observed: of those with a label
 * - `averagePrecision`: of the ranking by score, rows of which nobody told counted as genuine
 */
export type CohortFigure = (typeof COHORT_FIGURES)[number]

export interface CohortOptions {
  readonly asOfMs: number
  /** Where the first cohort begins. */
  readonly firstMs: number
  /** 1 for days, 7 for weeks. */
  readonly cohortDays: number
  readonly curves: MaturityCurves
  /** For the draws of the intervals. */
  readonly random: Random
  /** Default 400. */
  readonly draws?: number
  /** Default .1: below it a projection is ten times what is known, and says nothing. */
  readonly leastKnownShare?: number
}

/**
 * Cohorts of decisions in order of time, those without decisions left out.
 *
 * A stratum's k known frauds stand for k / F, F the mean share known at the ages of its decisions. What is
 * not known yet is drawn for the intervals: a gamma variable with the mean and variance of the negative
 * binomial count of those still to come ((k + 1/2) (1 - F) / F, times 1 / F), the variance times the curve's
 * dispersion, F itself with its standard error. Average precision gives what is to come to the known frauds
 * of the stratum, in random shares: the delay must not depend on the score within a stratum.
 */
export const cohortsOf = (rows: DecidedRows, options: CohortOptions): Cohort[] => {
  const lengthMs = options.cohortDays * DAY_MS
  const members = new Map<number, number[]>()
  for (let row = 0; row < rows.labels.length; row++) {
    const at = rows.decidedAtMs[row]!
    if (at < options.firstMs || at > options.asOfMs) continue
    const cohort = Math.floor((at - options.firstMs) / lengthMs)
    const list = members.get(cohort)
    if (list === undefined) members.set(cohort, [row])
    else list.push(row)
  }
  return [...members]
    .sort(([a], [b]) => a - b)
    .map(([cohort, list]) => cohortOf(rows, list, options.firstMs + cohort * lengthMs, options))
}

interface Stratum {
  readonly rows: number
  /** Known frauds. */
  readonly known: number
  readonly share: number
  readonly logError: number
  readonly dispersion: number
}

const cohortOf = (
  rows: DecidedRows,
  members: readonly number[],
  fromMs: number,
  options: CohortOptions,
): Cohort => {
  const { asOfMs, curves, cohortDays, leastKnownShare = 0.1 } = options
  const flagged = stratumOf(rows, members, 1, curves.flagged, asOfMs)
  const missed = stratumOf(rows, members, 0, curves.missed, asOfMs)
  const ranked = fraudsByScore(rows, members, asOfMs)
  const isOld = (stratum: Stratum): boolean => stratum.rows === 0 || stratum.share >= leastKnownShare
  return {
    fromMs,
    toMs: fromMs + cohortDays * DAY_MS,
    rows: flagged.rows + missed.rows,
    flagged: flagged.rows,
    knownShare: { flagged: flagged.share, missed: missed.share },
    observed: {
      ...figuresOf(flagged, missed, flagged.known, missed.known, ranked, ranked.flagged.map(one)),
      precision: flagged.known / reviewedOf(rows, members, asOfMs),
    },
    projected: isOld(flagged) && isOld(missed) ? project(flagged, missed, ranked, options) : null,
  }
}

const one = (): number => 1

const stratumOf = (
  rows: DecidedRows,
  members: readonly number[],
  flagged: 0 | 1,
  curve: MaturityCurve | null,
  asOfMs: number,
): Stratum => {
  let [count, known, share, age] = [0, 0, 0, 0]
  for (const row of members) {
    if (rows.flagged[row] !== flagged) continue
    const times = countOf(rows, row)
    count += times
    const days = (asOfMs - rows.decidedAtMs[row]!) / DAY_MS
    age += times * days
    if (curve !== null) share += times * knownShareAt(curve, days)
    if (rows.labels[row] === 1 && isKnownAt(rows, row, asOfMs)) known++
  }
  if (curve === null || count === 0)
    return { rows: count, known, share: Number.NaN, logError: 0, dispersion: 1 }
  return {
    rows: count,
    known,
    share: share / count,
    logError: logErrorAt(curve, age / count),
    dispersion: curve.dispersion,
  }
}

const reviewedOf = (rows: DecidedRows, members: readonly number[], asOfMs: number): number =>
  members.reduce(
    (sum, row) =>
      sum + (rows.flagged[row] === 1 && rows.labels[row] !== UNKNOWN && isKnownAt(rows, row, asOfMs) ? 1 : 0),
    0,
  )

const figuresOf = (
  flagged: Stratum,
  missed: Stratum,
  flaggedFrauds: number,
  missedFrauds: number,
  ranked: FraudsByScore,
  weights: Float64Array | Uint8Array,
): Record<CohortFigure, number> => {
  const frauds = flaggedFrauds + missedFrauds
  return {
    frauds,
    fraudRate: frauds / (flagged.rows + missed.rows),
    recall: flaggedFrauds / frauds,
    precision: Math.min(1, flaggedFrauds / flagged.rows),
    averagePrecision: weightedAveragePrecision(ranked, weights),
  }
}

const project = (
  flagged: Stratum,
  missed: Stratum,
  ranked: FraudsByScore,
  { random, draws = 400 }: CohortOptions,
): Record<CohortFigure, Estimate> => {
  const whole = ({ known, share, rows }: Stratum): number => (rows === 0 ? 0 : known / share)
  const evenly = (stratum: Stratum): number => whole(stratum) / stratum.known
  const value = figuresOf(
    flagged,
    missed,
    whole(flagged),
    whole(missed),
    ranked,
    Float64Array.from(ranked.flagged, (isFlagged) => evenly(isFlagged === 1 ? flagged : missed)),
  )
  const drawn = Array.from({ length: draws }, () => {
    const [ofFlagged, ofMissed] = [stillToCome(flagged, random), stillToCome(missed, random)]
    const weights = drawnWeights(ranked, [ofMissed, ofFlagged], random)
    return figuresOf(flagged, missed, flagged.known + ofFlagged, missed.known + ofMissed, ranked, weights)
  })
  const estimate = (figure: CohortFigure): Estimate =>
    estimateFrom(
      value[figure],
      drawn.map((draw) => draw[figure]),
    )
  return {
    frauds: estimate('frauds'),
    fraudRate: estimate('fraudRate'),
    recall: estimate('recall'),
    precision: estimate('precision'),
    averagePrecision: estimate('averagePrecision'),
  }
}

/** A draw of the frauds of a stratum that nobody has told of yet. */
const stillToCome = ({ rows, known, share, logError, dispersion }: Stratum, random: Random): number => {
  if (rows === 0) return 0
  const drawn = Math.min(1, share * exp(logError * random.normal()))
  const mean = ((known + 0.5) * (1 - drawn)) / drawn
  return gammaWith(mean, (mean / drawn) * dispersion, random)
}

/**
 * Each known fraud, and a random share of those of its stratum that are to come. Shares are Dirichlet with
 * the variance of where U frauds to come fall, if the k known ones tell where: 1 / k for what these leave
 * open, and 1 / U for the chance of those.
 */
const drawnWeights = (
  { flagged }: FraudsByScore,
  toCome: readonly [missed: number, flagged: number],
  random: Random,
): Float64Array => {
  const known = [0, 0]
  for (const stratum of flagged) known[stratum]!++
  const shares = Float64Array.from(flagged, (stratum) =>
    gammaWith(1, 1 + known[stratum]! / Math.max(1, toCome[stratum as 0 | 1]), random),
  )
  const sums = [0, 0]
  shares.forEach((share, at) => {
    sums[flagged[at]!]! += share
  })
  return shares.map((share, at) => {
    const sum = sums[flagged[at]!]!
    return sum === 0 ? 1 : 1 + (toCome[flagged[at]! as 0 | 1] * share) / sum
  })
}
