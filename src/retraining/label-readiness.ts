import { DAY_MS, dateOf } from '../foundation/days.ts'
import { maturityCurves } from '../performance/cohorts.ts'
import { type DecidedRows, isKnownAt } from '../performance/decided-rows.ts'
import { daysUntilKnown } from '../performance/maturity-curve.ts'
import type { Episode, TrainingOrder } from './episode.ts'
import type { RetrainingRules } from './retraining-rules.ts'

/** Whether enough labels have matured, and what follows. */
export interface LabelReadiness {
  /** Which rows to learn from and to compare on; undefined: not enough yet. */
  readonly order: TrainingOrder | undefined
  /** Days after which a decision is mature. */
  readonly matureDays: number
  /** Known frauds of mature decisions since the change, those of days with broken data left out. */
  readonly frauds: number
  readonly wanted: number
  /** What it waits for, in words; empty when nothing. */
  readonly why: string
  /** When enough will be there at the present rate; null where no rate is known. */
  readonly expectedMs: number | null
}

type Asking = Pick<Episode, 'changedMs' | 'leftOutDays' | 'wantsRecency'> & {
  /** The champion has learnt from rows before it; null or left out: nobody knows. */
  readonly learntUntilMs?: number | null
}
type Least = Pick<
  RetrainingRules,
  'leastFrauds' | 'leastJudgedFrauds' | 'matureShare' | 'horizonDays' | 'windowMs' | 'halfLifeMs'
>

/** Share of the frauds to learn from that validate: they choose the threshold and end the boosting. */
const VALIDATION_SHARE = 0.25

/**
 * Whether a challenger can be trained now. Days count whole, in UTC.
 *
 * A day is mature when `matureShare` of its frauds is known, by the maturity curve of the stratum that takes
 * longest: of younger days only the quickly known frauds are there, which are those that were flagged. The
 * latest mature days with `leastJudgedFrauds` known frauds compare the models; those before them, back to the
 * change, must have `leastFrauds` to learn from. So neither model has learnt from what judges it, and no
 * model is promoted on unmatured days.
 */
export const labelReadiness = (
  rows: DecidedRows,
  asking: Asking,
  asOfMs: number,
  rules: Least,
): LabelReadiness => {
  const matureDays = matureDaysOf(rows, asOfMs, rules)
  const maturedTo = Math.floor((asOfMs - matureDays * DAY_MS) / DAY_MS)
  const { changedMs } = asking
  const from =
    changedMs === null ? maturedTo - Math.floor(rules.windowMs / DAY_MS) : Math.floor(changedMs / DAY_MS)
  const counts = fraudsByDay(rows, asOfMs, new Set(asking.leftOutDays))
  const unseenFrom = Math.ceil((asking.learntUntilMs ?? Number.NEGATIVE_INFINITY) / DAY_MS)
  const parts = partsOf(counts, from, maturedTo, unseenFrom, rules)
  const frauds = sumOf(counts, from, maturedTo)
  const wanted = rules.leastFrauds + rules.leastJudgedFrauds
  const base = { matureDays, frauds, wanted }
  if (parts !== undefined)
    return { ...base, order: orderOf(parts, from, asking, maturedTo, rules), why: '', expectedMs: null }
  const expectedMs = expectedAt(frauds, wanted, maturedTo - from, matureDays, from, asOfMs)
  return { ...base, order: undefined, why: tell(base, changedMs, expectedMs), expectedMs }
}

/**
 * Days after which a decision is mature: of the longer of the two strata; the horizon where no fraud is known
 * at all.
 */
export const matureDaysOf = (
  rows: DecidedRows,
  asOfMs: number,
  { horizonDays, matureShare }: Pick<Least, 'horizonDays' | 'matureShare'>,
): number => {
  const { flagged, missed } = maturityCurves(rows, { asOfMs, horizonDays })
  const days = [flagged, missed].flatMap((curve) =>
    curve === null ? [] : [daysUntilKnown(curve, matureShare)],
  )
  return days.length === 0 ? horizonDays : Math.max(...days)
}

const fraudsByDay = (
  rows: DecidedRows,
  asOfMs: number,
  leftOut: ReadonlySet<number>,
): ReadonlyMap<number, number> => {
  const counts = new Map<number, number>()
  for (let row = 0; row < rows.labels.length; row++) {
    if (rows.labels[row] !== 1 || !isKnownAt(rows, row, asOfMs)) continue
    const day = Math.floor(rows.decidedAtMs[row]! / DAY_MS)
    if (!leftOut.has(day)) counts.set(day, (counts.get(day) ?? 0) + 1)
  }
  return counts
}

interface Parts {
  readonly validationFrom: number
  readonly judgedFrom: number
}

/** First days of the parts; undefined where frauds, or whole days to learn from, are too few. */
const partsOf = (
  counts: ReadonlyMap<number, number>,
  from: number,
  to: number,
  unseenFrom: number,
  { leastFrauds, leastJudgedFrauds }: Least,
): Parts | undefined => {
  const judgedFrom = dayWith(counts, Math.max(from, unseenFrom), to, leastJudgedFrauds)
  if (judgedFrom === undefined) return undefined
  const learnt = sumOf(counts, from, judgedFrom)
  if (learnt < leastFrauds) return undefined
  const validationFrom = dayWith(counts, from, judgedFrom, Math.max(1, VALIDATION_SHARE * learnt))
  // At least one day of the changed kind is left to learn from.
  return validationFrom === undefined || validationFrom <= from ? undefined : { validationFrom, judgedFrom }
}

/** The latest day from which on, up to `to`, there are `least` frauds; undefined where `from` has fewer. */
const dayWith = (
  counts: ReadonlyMap<number, number>,
  from: number,
  to: number,
  least: number,
): number | undefined => {
  let sum = 0
  for (let day = to - 1; day >= from; day--) {
    sum += counts.get(day) ?? 0
    if (sum >= least) return day
  }
  return undefined
}

const sumOf = (counts: ReadonlyMap<number, number>, from: number, to: number): number => {
  let sum = 0
  for (const [day, count] of counts) if (day >= from && day < to) sum += count
  return sum
}

const orderOf = (
  { validationFrom, judgedFrom }: Parts,
  from: number,
  { leftOutDays, wantsRecency }: Asking,
  maturedTo: number,
  { windowMs, halfLifeMs }: Least,
): TrainingOrder => {
  const judgedFromMs = judgedFrom * DAY_MS
  // A third of the time since the change at most: seven eighths of the weight are on what has changed.
  const longestMs = ((validationFrom - from) * DAY_MS) / 3
  return {
    trainFromMs: judgedFromMs - windowMs,
    validationFromMs: validationFrom * DAY_MS,
    judgedFromMs,
    judgedToMs: maturedTo * DAY_MS,
    halfLifeMs: wantsRecency ? Math.min(halfLifeMs, longestMs) : null,
    leftOutDays,
  }
}

const expectedAt = (
  frauds: number,
  wanted: number,
  matureSince: number,
  matureDays: number,
  from: number,
  asOfMs: number,
): number | null => {
  if (matureSince <= 0) return (from + matureDays + 1) * DAY_MS
  return frauds === 0 ? null : asOfMs + (Math.max(1, wanted - frauds) / frauds) * matureSince * DAY_MS
}

const tell = (
  { frauds, wanted, matureDays }: Pick<LabelReadiness, 'frauds' | 'wanted' | 'matureDays'>,
  changedMs: number | null,
  expectedMs: number | null,
): string => {
  const since = changedMs === null ? '' : ` since ${dateOf(Math.floor(changedMs / DAY_MS))}`
  const when = expectedMs === null ? '' : `; expected about ${dateOf(Math.floor(expectedMs / DAY_MS))}`
  return `labels mature: ${frauds} of ${wanted} frauds${since} are known whose decisions are ${matureDays} days old or more${when}`
}
