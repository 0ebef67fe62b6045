import { type DriftSeverity, worstOf } from '../drift/severity.ts'
import { VigiaError } from '../errors.ts'
import { dateOf } from '../foundation/days.ts'
import { meanOf } from '../performance/day-baseline.ts'
import type { DecidedRows } from '../performance/decided-rows.ts'
import {
  DEFAULT_WATCH,
  historyOfRates,
  lookAtPerformance,
  newPerformanceWatch,
  type RateHistory,
  type WatchOptions,
} from '../performance/performance-watch.ts'
import { evidenceText } from './evidence-text.ts'
import type { ReportedRate, ReportedRateDay, WatchSection } from './performance-section.ts'

/** Settled days that a baseline is learnt from; ARL: all tests of a model together. */
const BASELINE_DAYS = 28
const RECENT_DAYS = 7
const SHOWN_DAYS = 180

/** From which change of a rate on an alarm is severe and critical: times as much, or as little. */
const SEVERE = 4 / 3
const CRITICAL = 2

/**
 * The sequential tests of all decisions and of each segment, from the log alone: baselines are the first days
 * that settled, every later day is a step, with the labels that were known as it settled. So what a look says
 * follows from the log, whoever has looked before and how often.
 *
 * Half of the allowance for false alarms is for all decisions, the other half for the segments together.
 *
 * @param threshold from which decisions are flagged
 */
export const watchSegments = (
  rows: DecidedRows,
  asOfMs: number,
  threshold: number,
): readonly WatchSection[] => {
  const options = {
    edges: [threshold, threshold + (1 - threshold) / 2],
    baselineDays: BASELINE_DAYS,
  }
  const segments = rows.segmentNames
    .map((name, code) => ({ name, rows: rowsOfSegment(rows, code) }))
    .filter(({ name, rows: some }) => name !== '' && startWatch(some, asOfMs, options) !== undefined)
  const all = { name: '', rows }
  const shares = segments.length === 0 ? 1 : 2
  return [
    watchOf(all, asOfMs, { ...options, averageRunLength: shares * DEFAULT_WATCH.averageRunLength }),
    ...segments.map((segment) =>
      watchOf(segment, asOfMs, {
        ...options,
        averageRunLength: shares * segments.length * DEFAULT_WATCH.averageRunLength,
      }),
    ),
  ]
}

type Watched = Partial<WatchOptions> & Pick<WatchOptions, 'edges'>

/** Undefined: there is too little to learn from. */
const startWatch = (rows: DecidedRows, asOfMs: number, options: Watched) => {
  try {
    return newPerformanceWatch(rows, asOfMs, options)
  } catch (error) {
    if (error instanceof VigiaError && error.code === 'PERFORMANCE_HISTORY_SHORT') return undefined
    throw error
  }
}

const watchOf = (
  { name, rows }: { readonly name: string; readonly rows: DecidedRows },
  asOfMs: number,
  options: Watched & Pick<WatchOptions, 'averageRunLength'>,
): WatchSection => {
  const limit = options.averageRunLength
  const watch = startWatch(rows, asOfMs, options)
  const nothing = {
    segment: name,
    isAlarm: false,
    evidence: 0,
    limit,
    severity: 'none',
    reasons: [],
  } as const
  if (watch === undefined) return { ...nothing, status: 'short', rates: [] }
  const [, look] = lookAtPerformance(watch, rows, asOfMs)
  const rates = historyOfRates(watch, rows, asOfMs).map((rate) => reportedRate(rate, options.edges))
  if (look.rates.length === 0) return { ...nothing, status: 'learning', rates }
  const alarming = look.isAlarm ? alarmingOf(rates, limit) : []
  return {
    segment: name,
    status: 'watched',
    isAlarm: look.isAlarm,
    evidence: look.evidence,
    limit,
    severity: worstOf(alarming.map(severityOfRate)),
    reasons: alarming.map((rate) => reasonOf(rate, name, limit)),
    rates,
  }
}

/** Rates that raise the alarm by themselves; where only all of them together do, the strongest. */
export const alarmingOf = (rates: readonly ReportedRate[], limit: number): readonly ReportedRate[] => {
  const seen = rates.filter(({ days }) => days.at(-1)?.evidence != null)
  const alone = seen.filter(({ weight, evidence, cusum }) => weight * evidence >= limit || cusum >= 1)
  const strength = ({ weight, evidence, cusum }: ReportedRate): number => weight * evidence + cusum
  return alone.length > 0 ? alone : seen.toSorted((a, b) => strength(b) - strength(a)).slice(0, 1)
}

const severityOfRate = ({ recent }: ReportedRate): DriftSeverity => {
  const times = Math.max(recent, 1 / recent)
  if (times >= CRITICAL) return 'critical'
  return times >= SEVERE ? 'severe' : 'moderate'
}

const reportedRate = (
  { name, weight, baseline, days }: RateHistory,
  edges: readonly number[],
): ReportedRate => {
  const shown = days.slice(-SHOWN_DAYS).map((day): ReportedRateDay => {
    const mean = meanOf(day, baseline.ratio)
    const spread =
      1.96 * Math.sqrt(day.rows * mean * (1 - mean) * (1 + (day.rows - 1) * baseline.correlation))
    return {
      date: dateOf(day.day),
      rows: day.rows,
      frauds: day.frauds,
      expected: day.rows * mean,
      low: Math.max(0, day.rows * mean - spread),
      high: Math.min(day.rows, day.rows * mean + spread),
      evidence: day.watched?.evidence ?? null,
      cusum: day.watched?.cusum ?? null,
    }
  })
  const recent = shown.filter(({ evidence }) => evidence !== null).slice(-RECENT_DAYS)
  const sum = (of: 'rows' | 'frauds' | 'expected'): number => recent.reduce((all, day) => all + day[of], 0)
  return {
    name,
    title: titleOf(name, edges),
    weight,
    usual: { value: baseline.ratio, low: baseline.ratioLow, high: baseline.ratioHigh },
    baselineDays: baseline.days,
    recent: sum('frauds') / sum('expected'),
    recentFrauds: sum('frauds'),
    recentRows: sum('rows'),
    evidence: days.at(-1)?.watched?.evidence ?? 0,
    cusum: days.at(-1)?.watched?.cusum ?? 0,
    days: shown,
  }
}

const titleOf = (name: string, edges: readonly number[]): string => {
  if (name === 'precision') return 'precision of reviewed alerts'
  if (name === 'audit_rate') return 'fraud rate of the audit sample'
  if (name === 'fraud_rate') return `fraud rate as known after ${DEFAULT_WATCH.fraudWaitDays} days`
  const band = Number(name.slice('calibration_'.length))
  const [from, to] = [edges[band - 1], edges[band]].map((edge) => edge?.toFixed(3))
  if (from === undefined) return `frauds for those announced, scores below ${to}`
  return `frauds for those announced, scores from ${from}${to === undefined ? '' : ` to ${to}`}`
}

const reasonOf = (rate: ReportedRate, segment: string, limit: number): string => {
  const { title, days, recent, recentFrauds, recentRows, evidence, cusum } = rate
  const watched = days.filter((day) => day.evidence !== null).slice(-RECENT_DAYS)
  const expected = watched.reduce((all, day) => all + day.expected, 0)
  const where = segment === '' ? '' : ` (${segment})`
  return (
    `${title}${where}: ${recentFrauds} frauds of ${recentRows} from ${watched[0]!.date} to ${watched.at(-1)!.date}, ` +
    `where ${expected.toFixed(1)} are usual, ${recent.toFixed(2)} times as many ` +
    `(evidence ${evidenceText(evidence)} of ${limit}, CUSUM ${(100 * cusum).toFixed(0)} % of its limit)`
  )
}

const rowsOfSegment = (rows: DecidedRows, code: number): DecidedRows => {
  const members: number[] = []
  for (let row = 0; row < rows.segments.length; row++) if (rows.segments[row] === code) members.push(row)
  const doubles = (column: Float64Array): Float64Array => Float64Array.from(members, (row) => column[row]!)
  const bytes = (column: Uint8Array): Uint8Array => Uint8Array.from(members, (row) => column[row]!)
  return {
    ...(rows.counts !== undefined && { counts: doubles(rows.counts) }),
    decidedAtMs: doubles(rows.decidedAtMs),
    scores: doubles(rows.scores),
    flagged: bytes(rows.flagged),
    amountsMinor: doubles(rows.amountsMinor),
    segments: Uint32Array.from(members, () => code),
    segmentNames: rows.segmentNames,
    labels: bytes(rows.labels),
    knownAtMs: doubles(rows.knownAtMs),
    origins: bytes(rows.origins),
    propensities: doubles(rows.propensities),
  }
}
