import { VigiaError } from '../errors.ts'
import { exp } from '../foundation/elementary/exponential.ts'

/** Share of frauds that are known a number of days after their decision. */
export interface MaturityCurve {
  /** After `horizonDays` all that will ever be known is known: the curve is 1 there by definition. */
  readonly horizonDays: number
  /** `knownShare[d]`: by the end of d + 1 days; rises to 1 at `horizonDays - 1`. */
  readonly knownShare: Float64Array
  /** Standard error of the logarithm of `knownShare`, over-dispersion included. */
  readonly logError: Float64Array
  /** Ends of the 95 % interval of each share, pointwise. */
  readonly low: Float64Array
  readonly high: Float64Array
  /** Frauds that the curve was learnt from. */
  readonly frauds: number
  /**
   * How much more than independent reports the numbers of a day of reports vary, at least 1: frauds of one
   * ring are told of together.
   */
  readonly dispersion: number
  /** False when no fraud is as old as the horizon: shares are then those of what the oldest have shown. */
  readonly reachesHorizon: boolean
}

/** Delays of known frauds. */
export interface ObservedDelays {
  /** Whole days from the decision to the label, from 0. */
  readonly delays: ArrayLike<number>
  /** Whole days from the decision to now: a delay was seen only where it is below the age. */
  readonly ages: ArrayLike<number>
}

const Z = 1.959963984540054

/**
 * The maturity curve of frauds of which only those known by now are seen: delays are truncated on the right
 * by the age of the decision, so that the young frauds in the data are the quickly known ones.
 *
 * In reversed time a delay is a survival time truncated on the left, and its product-limit estimate is
 * F(d) = Π over u > d of (1 - n(u) / N(u)), n(u) frauds of delay u and N(u) of delay at most u, both of the
 * frauds older than u (Lagakos, Barraj and De Gruttola 1988; Kalbfleisch and Lawless 1989). It is the chain
 * ladder of a run-off triangle of days (Mack 1993), whose N(u) are the cells above a development factor. The
 * variance is Greenwood's in reversed time, times the dispersion of reports by week of decision.
 *
 * @param horizonDays at least 1; delays of it or more are left out
 * @param recentDays where delays change: only what was seen within so many days up to now; default: all
 * @throws PERFORMANCE_NO_FRAUDS when no fraud is old enough to say anything
 */
export const maturityCurve = (
  { delays, ages }: ObservedDelays,
  horizonDays: number,
  recentDays = Number.POSITIVE_INFINITY,
): MaturityCurve => {
  const triangle = runOff({ delays, ages }, horizonDays, recentDays)
  if (triangle.frauds === 0) throw new VigiaError('PERFORMANCE_NO_FRAUDS', { days: horizonDays })
  const dispersion = dispersionOf(triangle, { delays, ages })
  const knownShare = new Float64Array(horizonDays)
  const logError = new Float64Array(horizonDays)
  let share = 1
  let variance = 0
  for (let day = horizonDays - 1; day >= 0; day--) {
    knownShare[day] = share
    logError[day] = Math.sqrt(variance * dispersion)
    const [at, upTo] = [triangle.at[day]!, triangle.upTo[day]!]
    if (upTo === 0) continue
    share *= 1 - at / upTo
    if (at < upTo) variance += at / (upTo * (upTo - at))
  }
  return {
    horizonDays,
    knownShare,
    logError,
    low: knownShare.map((value, day) => value * exp(-Z * logError[day]!)),
    high: knownShare.map((value, day) => Math.min(1, value * exp(Z * logError[day]!))),
    frauds: triangle.frauds,
    dispersion,
    reachesHorizon: triangle.upTo[horizonDays - 1]! > 0,
  }
}

/**
 * Share known at an age in days, a fraction allowed: linear within a day, 0 at age 0, 1 from the horizon on.
 */
export const knownShareAt = ({ knownShare, horizonDays }: MaturityCurve, ageDays: number): number => {
  if (ageDays >= horizonDays) return 1
  if (ageDays <= 0) return 0
  const day = Math.floor(ageDays)
  const before = day === 0 ? 0 : knownShare[day - 1]!
  return before + (ageDays - day) * (knownShare[day]! - before)
}

/** Standard error of the logarithm of the share known at an age in days. */
export const logErrorAt = ({ logError, horizonDays }: MaturityCurve, ageDays: number): number =>
  ageDays >= horizonDays ? 0 : logError[Math.max(0, Math.ceil(ageDays) - 1)]!

/** The least age in days at which `share` of the frauds is known; the horizon where none before it is. */
export const daysUntilKnown = ({ knownShare }: MaturityCurve, share: number): number => {
  const day = knownShare.findIndex((known) => known >= share)
  return (day === -1 ? knownShare.length - 1 : day) + 1
}

interface RunOff {
  /** Frauds of delay u that are older than u. */
  readonly at: Float64Array
  /** Frauds of delay at most u that are older than u. */
  readonly upTo: Float64Array
  readonly frauds: number
  readonly horizonDays: number
  readonly recentDays: number
}

const runOff = ({ delays, ages }: ObservedDelays, horizonDays: number, recentDays: number): RunOff => {
  const at = new Float64Array(horizonDays)
  const upTo = new Float64Array(horizonDays)
  let frauds = 0
  for (let row = 0; row < delays.length; row++) {
    const [delay, age] = [delays[row]!, ages[row]!]
    if (delay >= Math.min(age, horizonDays)) continue
    frauds++
    for (let u = Math.max(delay, age - recentDays); u < Math.min(age, horizonDays); u++) {
      upTo[u]!++
      if (u === delay) at[u]!++
    }
  }
  return { at, upTo, frauds, horizonDays, recentDays }
}

/** Days of decision that are counted together, and the least expected count of a cell, for the dispersion. */
const WEEK = 7
const LEAST_EXPECTED = 1

/**
 * Pearson's statistic of the cells (week of decision, delay) about the chain ladder, over its degrees of
 * freedom (Renshaw and Verrall 1998), at least 1. Cells of one binomial step each: n(u) of N(u).
 */
const dispersionOf = (triangle: RunOff, { delays, ages }: ObservedDelays): number => {
  const cells = new Map<number, { at: number; upTo: number }>()
  const { horizonDays, recentDays } = triangle
  for (let row = 0; row < delays.length; row++) {
    const [delay, age] = [delays[row]!, ages[row]!]
    for (let u = Math.max(delay, age - recentDays); u < Math.min(age, horizonDays); u++) {
      const key = Math.floor(age / WEEK) * horizonDays + u
      const cell = cells.get(key) ?? { at: 0, upTo: 0 }
      cell.upTo++
      if (u === delay) cell.at++
      cells.set(key, cell)
    }
  }
  let [sum, count] = [0, 0]
  const delaysCounted = new Set<number>()
  for (const [key, { at, upTo }] of cells) {
    const u = key % horizonDays
    const chance = triangle.at[u]! / triangle.upTo[u]!
    const variance = upTo * chance * (1 - chance)
    if (variance < LEAST_EXPECTED) continue
    sum += ((at - upTo * chance) * (at - upTo * chance)) / variance
    count++
    delaysCounted.add(u)
  }
  const freedom = count - delaysCounted.size
  return freedom < WEEK ? 1 : Math.max(1, sum / freedom)
}
