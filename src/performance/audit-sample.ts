import { countOf, type DecidedRows, isKnownAt } from './decided-rows.ts'
import type { Estimate } from './estimate.ts'
import { weightedCount } from './weighted-count.ts'

/** What a random sample of decisions says of all of them. */
export interface AuditEstimate {
  /** Flagged frauds. Certain where every alert was looked at. */
  readonly found: StratumEstimate
  /** Frauds that no alert was raised for, of which only the sample knows without bias. */
  readonly missed: StratumEstimate
  /** Frauds of all decisions. */
  readonly fraudRate: Estimate
  /** Found of all frauds. NaN where neither stratum has any; then the interval is 0 to 1. */
  readonly recall: Estimate
}

export interface StratumEstimate {
  readonly rows: number
  /** Rows with a propensity and a label that is known. */
  readonly labelled: number
  /** Rows with a propensity whose label is not known yet. */
  readonly unanswered: number
  /** Frauds among the labelled. */
  readonly frauds: number
  /** Horvitz-Thompson's estimate: each counts for 1 / propensity. */
  readonly horvitzThompson: number
  /**
   * Hájek's: the weighted share of frauds times the rows of the stratum, which are known. It makes up for a
   * sample that came out small and for labels that are not there yet. Intervals are of this one.
   */
  readonly hajek: Estimate
}

/**
 * True recall and fraud rate of the decisions from `fromMs` (inclusive) to `toMs` (exclusive), from labels of
 * those rows that were drawn, known at `asOfMs`: labels of alerts and customers know nothing of frauds that
 * neither saw.
 *
 * Flagged and other decisions are strata of their own. A label of a customer for a row that was drawn counts
 * as the audit's; one for a row that was not drawn does not. A stratum of which no row has been answered is
 * not known: its interval goes to all of its rows. Intervals of the strata are put together by MOVER, which
 * recovers variances from limits, so that neither has to be symmetric (Zou and Donner 2008; ratios: Donner
 * and Zou 2012).
 */
export const auditEstimate = (
  rows: DecidedRows,
  { fromMs, toMs, asOfMs }: { readonly fromMs: number; readonly toMs: number; readonly asOfMs: number },
): AuditEstimate => {
  const strata: readonly Draws[] = [emptyDraws(), emptyDraws()]
  for (let row = 0; row < rows.labels.length; row++) {
    const at = rows.decidedAtMs[row]!
    if (at < fromMs || at >= toMs) continue
    const stratum = strata[rows.flagged[row]!]!
    stratum.rows += countOf(rows, row)
    const propensity = rows.propensities[row]!
    if (Number.isNaN(propensity)) continue
    if (!isKnownAt(rows, row, asOfMs)) {
      stratum.unanswered++
      continue
    }
    stratum.labelled++
    stratum.weight += 1 / propensity
    stratum.largestWeight = Math.max(stratum.largestWeight, 1 / propensity)
    if (rows.labels[row] === 1) stratum.fraudPropensities.push(propensity)
  }
  const [missed, found] = [estimateOf(strata[0]!), estimateOf(strata[1]!)]
  return {
    found,
    missed,
    fraudRate: rateOf(found, missed),
    recall: recallOf(found.hajek, missed.hajek),
  }
}

interface Draws {
  rows: number
  labelled: number
  unanswered: number
  weight: number
  largestWeight: number
  readonly fraudPropensities: number[]
}

const emptyDraws = (): Draws => ({
  rows: 0,
  labelled: 0,
  unanswered: 0,
  weight: 0,
  largestWeight: 1,
  fraudPropensities: [],
})

const estimateOf = (draws: Draws): StratumEstimate => {
  const { rows, labelled, unanswered, weight, largestWeight, fraudPropensities } = draws
  const total = weightedCount(fraudPropensities, largestWeight)
  const scale = rows / weight
  const frauds = fraudPropensities.length
  const atMost = (count: number): number => Math.min(rows, count * scale)
  return {
    rows,
    labelled,
    unanswered,
    frauds,
    horvitzThompson: total.value,
    hajek:
      labelled === 0
        ? { value: rows === 0 ? 0 : Number.NaN, low: 0, high: rows }
        : {
            value: atMost(total.value),
            // Frauds that were seen are there, whatever the sample; where all were drawn, no draw tells more.
            low: largestWeight === 1 ? frauds : Math.max(frauds, total.low * scale),
            high: withUnanswered(atMost(total.high), draws),
          },
  }
}

/** Where every row was drawn, those without an answer may all be frauds: no draw made up for them. */
const withUnanswered = (high: number, { largestWeight, unanswered, rows }: Draws): number =>
  largestWeight === 1 ? Math.min(rows, high + unanswered) : high

/** Sum of two independent estimates over all rows. */
const rateOf = (found: StratumEstimate, missed: StratumEstimate): Estimate => {
  const [a, b] = [found.hajek, missed.hajek]
  const rows = found.rows + missed.rows
  const value = a.value + b.value
  if (Number.isNaN(value))
    return { value, low: (a.low + b.low) / rows, high: Math.min(1, (a.high + b.high) / rows) }
  const hypot = (x: number, y: number): number => Math.sqrt(x * x + y * y)
  return {
    value: value / rows,
    low: Math.max(0, value - hypot(a.value - a.low, b.value - b.low)) / rows,
    high: Math.min(rows, value + hypot(a.high - a.value, b.high - b.value)) / rows,
  }
}

const recallOf = (found: Estimate, missed: Estimate): Estimate => {
  const value = found.value / (found.value + missed.value)
  if (Number.isNaN(value)) {
    // No fraud on either side leaves everything open.
    const high = found.high === 0 && missed.low === 0 ? 1 : shareOf(found.high, missed.low)
    return { value, low: shareOf(found.low, missed.high), high }
  }
  if (found.value === 0) return { value, low: 0, high: shareOf(found.high, missed.low) }
  // Missed for each found: the recall is 1 / (1 + that).
  const cross = found.value * missed.value
  const low = ratioLimit(cross, missed.low * (2 * missed.value - missed.low), found.high, found.value, -1)
  const high = ratioLimit(cross, missed.high * (2 * missed.value - missed.high), found.low, found.value, 1)
  return { value, low: 1 / (1 + high), high: 1 / (1 + low) }
}

const shareOf = (found: number, missed: number): number =>
  found + missed === 0 ? 0 : found / (found + missed)

/** Donner and Zou's limits of a ratio whose numerator's limit entered as `ofNumerator`. */
const ratioLimit = (
  cross: number,
  ofNumerator: number,
  limit: number,
  denominator: number,
  sign: 1 | -1,
): number => {
  const ofDenominator = limit * (2 * denominator - limit)
  if (ofDenominator <= 0) return sign === 1 ? Number.POSITIVE_INFINITY : 0
  const root = Math.sqrt(Math.max(0, cross * cross - ofNumerator * ofDenominator))
  return Math.max(0, (cross + sign * root) / ofDenominator)
}
