import { worstOf } from '../drift/severity.ts'
import { DAY_MS, dateOf } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { type Cohort, cohortsOf, type MaturityCurves, maturityCurves } from '../performance/cohorts.ts'
import { countOf, type DecidedRows, isKnownAt } from '../performance/decided-rows.ts'
import { shareWithInterval } from '../performance/estimate.ts'
import { expectedFigures } from '../performance/expected-figures.ts'
import { labelsByOrigin } from '../performance/labels-by-origin.ts'
import { daysUntilKnown, type MaturityCurve } from '../performance/maturity-curve.ts'
import { moneyFigures } from '../performance/money-figures.ts'
import type { OutcomeBook } from './outcome-book.ts'
import { answeredDays, performanceNotes } from './performance-notes.ts'
import type {
  CalibrationBand,
  PerformanceSection,
  ReportedCohort,
  ReportedMaturity,
  StratumMaturity,
} from './performance-section.ts'
import { watchSegments } from './watch-segments.ts'

export interface PerformanceInputs {
  readonly book: OutcomeBook
  readonly asOfMs: number
  /** `labels.delay` of the model: when decisions are mature as long as nothing better is known. */
  readonly labelDelayMs: number
  /** From which the watched model flags. */
  readonly threshold: number
  readonly watched: { readonly model: string; readonly sinceDay: number }
  readonly currency: string | null
}

/** After a third of a year hardly anything more becomes known of a card payment. */
const HORIZON_DAYS = 120
/** Frauds below which delays are not learnt. */
const LEAST_FRAUDS = 20
const WEEKS = 26
const DAYS = 28
const MATURE_DAYS = 28
const EXPECTED_DAYS = 7
const DRAWS = 200

/** How good the decisions were. Null where no day of decisions is over. */
export const performanceOf = (inputs: PerformanceInputs): PerformanceSection | null => {
  const { book, asOfMs, threshold, watched } = inputs
  const rows = book.decided()
  if (rows.labels.length === 0) return null
  const { maturity, curves } = maturityOf(rows, inputs)
  const cohorts = (count: number, cohortDays: number): readonly ReportedCohort[] =>
    cohortsOf(rows, {
      asOfMs,
      firstMs: asOfMs - count * cohortDays * DAY_MS,
      cohortDays,
      curves,
      random: createRandom(`cohorts of ${cohortDays} days`),
      draws: DRAWS,
    }).map(reportedCohort)
  const watchedRows = book.watched()
  const watches = watchSegments(watchedRows, asOfMs, threshold)
  const section = {
    asOf: dateOf(asOfMs / DAY_MS),
    decisions: book.decisions,
    labels: { ...labelsByOrigin(rows, asOfMs), toldGenuine: book.toldGenuine },
    maturity,
    weeks: cohorts(WEEKS, 7),
    days: cohorts(DAYS, 1),
    mature: matureFigures(rows, maturity.matureDays, inputs),
    calibration: calibrationOf(rows, asOfMs, maturity.matureDays),
    expected: expectedOf(rows),
    watched: { model: watched.model, since: dateOf(watched.sinceDay) },
    watches,
    severity: worstOf(watches.map(({ severity }) => severity)),
    reasons: watches.flatMap(({ reasons }) => reasons),
  }
  return { ...section, notes: performanceNotes(section, answeredDays(watchedRows, asOfMs)) }
}

const reportedCohort = ({ fromMs, toMs, ...cohort }: Cohort): ReportedCohort => ({
  from: dateOf(fromMs / DAY_MS),
  to: dateOf(toMs / DAY_MS - 1),
  ...cohort,
})

const maturityOf = (
  rows: DecidedRows,
  { asOfMs, labelDelayMs }: PerformanceInputs,
): { readonly maturity: ReportedMaturity; readonly curves: MaturityCurves } => {
  const ageDays = Math.ceil((asOfMs - oldestOf(rows)) / DAY_MS)
  const horizonDays = Math.min(HORIZON_DAYS, Math.max(1, ageDays))
  const all = maturityCurves(rows, { asOfMs, horizonDays })
  const usable = (curve: MaturityCurve | null): MaturityCurve | null =>
    curve !== null && curve.frauds >= LEAST_FRAUDS ? curve : null
  const curves = { flagged: usable(all.flagged), missed: usable(all.missed) }
  const learnt = [curves.flagged, curves.missed].filter((curve) => curve !== null)
  const until = (share: number): number => Math.max(...learnt.map((curve) => daysUntilKnown(curve, share)))
  const basis = () => {
    if (learnt.length === 0) return 'assumed'
    return ageDays < HORIZON_DAYS && until(0.95) > 0.75 * horizonDays ? 'short' : 'learnt'
  }
  return {
    curves,
    maturity: {
      basis: basis(),
      horizonDays,
      matureDays: learnt.length === 0 ? Math.max(1, Math.ceil(labelDelayMs / DAY_MS)) : until(0.9),
      flagged: stratumOf(curves.flagged),
      missed: stratumOf(curves.missed),
    },
  }
}

const stratumOf = (curve: MaturityCurve | null): StratumMaturity | null =>
  curve && {
    frauds: curve.frauds,
    halfDays: daysUntilKnown(curve, 0.5),
    mostDays: daysUntilKnown(curve, 0.9),
    knownShare: [...curve.knownShare],
  }

const oldestOf = ({ decidedAtMs }: DecidedRows): number =>
  decidedAtMs.reduce((oldest, timeMs) => Math.min(oldest, timeMs), Number.POSITIVE_INFINITY)

const matureFigures = (
  rows: DecidedRows,
  matureDays: number,
  { asOfMs, currency }: PerformanceInputs,
): PerformanceSection['mature'] => {
  const toMs = asOfMs - matureDays * DAY_MS
  const firstMs = Math.floor(oldestOf(rows) / DAY_MS) * DAY_MS
  const fromMs = Math.max(firstMs, toMs - MATURE_DAYS * DAY_MS)
  if (fromMs >= toMs) return null
  return {
    from: dateOf(fromMs / DAY_MS),
    to: dateOf(toMs / DAY_MS - 1),
    currency,
    figures: moneyFigures(rows, { asOfMs, fromMs, toMs }),
  }
}

/** Ends of the bands, finer where most scores are. */
const BAND_ENDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1]

const calibrationOf = (rows: DecidedRows, asOfMs: number, matureDays: number): readonly CalibrationBand[] => {
  const bands = BAND_ENDS.map((to, at) => ({ from: BAND_ENDS[at - 1] ?? 0, to, rows: 0, sum: 0, frauds: 0 }))
  const toMs = asOfMs - matureDays * DAY_MS
  for (let row = 0; row < rows.labels.length; row++) {
    if (rows.decidedAtMs[row]! >= toMs) continue
    const score = rows.scores[row]!
    const band = bands.find(({ to }) => score < to) ?? bands.at(-1)!
    const times = countOf(rows, row)
    band.rows += times
    band.sum += times * score
    if (rows.labels[row] === 1 && isKnownAt(rows, row, asOfMs)) band.frauds++
  }
  return bands
    .filter((band) => band.rows > 0)
    .map(({ from, to, rows: all, sum, frauds }) => ({
      from,
      to,
      rows: all,
      announced: sum / all,
      observed: shareWithInterval(frauds, all),
    }))
}

/** Of the latest days with decisions: labels may have come long after. */
const expectedOf = (rows: DecidedRows): PerformanceSection['expected'] => {
  const latestMs = rows.decidedAtMs.reduce((latest, timeMs) => Math.max(latest, timeMs))
  const fromMs = (Math.floor(latestMs / DAY_MS) + 1 - EXPECTED_DAYS) * DAY_MS
  const members = Array.from(rows.decidedAtMs.keys()).filter((row) => rows.decidedAtMs[row]! >= fromMs)
  return expectedFigures(
    Float64Array.from(members, (row) => rows.scores[row]!),
    Uint8Array.from(members, (row) => rows.flagged[row]!),
    Float64Array.from(members, (row) => countOf(rows, row)),
  )
}
