import { VigiaError } from '../errors.ts'
import { type DayBaseline, dayBaseline } from './day-baseline.ts'
import {
  auditRateByDay,
  calibrationByDay,
  type DayCount,
  fraudRateByDay,
  precisionByDay,
} from './day-counts.ts'
import type { DecidedRows } from './decided-rows.ts'
import { type Direction, newRateWatch, type RateWatch, type WatchedDay, watchDay } from './rate-watch.ts'

/** One rate among those that are watched together. */
export interface WatchedRate {
  /**
   * `precision`, `audit_rate` or until that has its baseline `fraud_rate`, or `calibration_<band>` with the
   * band's number from 0.
   */
  readonly name: string
  /** Share of the evidence that is its, of all rates 1. */
  readonly weight: number
  readonly watch: RateWatch
  /** The last day that it has seen, in whole days since 1970. */
  readonly lastDay: number
  readonly latest: WatchedDay | null
}

/** State of all watches of a model between looks: plain data. */
export interface PerformanceWatch {
  readonly rates: readonly WatchedRate[]
  readonly options: WatchOptions
}

export interface WatchOptions {
  /**
   * Mean number of days until a false alarm, all rates together, of the evidence (at least that) and of the
   * CUSUMs (as days are normal): together half of it. Default 400.
   */
  readonly averageRunLength: number
  /** Edges of score bands; the threshold is one, since above it other rows are drawn than below. */
  readonly edges: readonly number[]
  /** The same three as in `DayCountOptions`. */
  readonly alertWaitDays: number
  readonly auditWaitDays: number
  readonly leastAnswered: number
  /** Days after which a day's known frauds are counted for `fraud_rate`, whatever comes later. Default 28. */
  readonly fraudWaitDays: number
  /**
   * Of each rate the first so many counted days are the baseline, more where these have fewer than 20 frauds,
   * and later ones are watched: the same days whenever one looks. Default: all days that are there.
   */
  readonly baselineDays: number
}

/** What a look says. */
export interface PerformanceLook {
  /** The evidence has come to `averageRunLength`, or a CUSUM to its limit. */
  readonly isAlarm: boolean
  /** Weighted mean of the rates' evidence. */
  readonly evidence: number
  /** Rates that have seen a day, the strongest first. */
  readonly rates: readonly RateLook[]
}

export interface RateLook {
  readonly name: string
  readonly evidence: number
  /** Of its CUSUM's limit, whose run length is `averageRunLength` over the weight of the rate. */
  readonly cusum: number
  readonly latest: WatchedDay
}

export const DEFAULT_WATCH: WatchOptions = {
  averageRunLength: 400,
  edges: [],
  alertWaitDays: 2,
  auditWaitDays: 7,
  leastAnswered: 0.9,
  fraudWaitDays: 28,
  baselineDays: Number.POSITIVE_INFINITY,
}

/** Frauds in the history below which a band says too little to be watched. */
const LEAST_FRAUDS = 20

/** The rate of the audit's rows, and the one that is watched in its place until it has a baseline. */
const AUDIT = 'audit_rate'
const FRAUDS = 'fraud_rate'

/** Alerts are many and their labels quick: they say the most. */
const WEIGHTS = { precision: 0.5, calibration: 0.3, audit: 0.2 }

/**
 * Watches of the precision of reviewed alerts (falling), of the calibration by score band (both ways) and of
 * the fraud rate of the audit sample (rising), with baselines from the days that have settled at `asOfMs`. A
 * rate with less than 14 such days or 20 frauds is left out. In the place of an audit's rate that has no
 * whole baseline yet is the known fraud rate of all (both ways): a sample that is young takes no watch away.
 *
 * @throws PERFORMANCE_HISTORY_SHORT when no rate is left
 */
export const newPerformanceWatch = (
  rows: DecidedRows,
  asOfMs: number,
  options: Partial<WatchOptions> = {},
): PerformanceWatch => {
  const all = { ...DEFAULT_WATCH, ...options }
  const begun = countsOf(rows, asOfMs, all).flatMap(({ name, direction, weight, days: counted }) => {
    const days = baselineOf(counted, all.baselineDays)
    const frauds = days.reduce((sum, day) => sum + day.frauds, 0)
    const baseline = frauds < LEAST_FRAUDS ? null : baselineOrNull(days, name)
    const isWhole = all.baselineDays === Number.POSITIVE_INFINITY || days.length < counted.length
    return baseline === null ? [] : [{ name, direction, weight, days, baseline, isWhole }]
  })
  const has = (rate: string, isAsked = (_: (typeof begun)[number]): boolean => true): boolean =>
    begun.some((one) => one.name === rate && isAsked(one))
  const left = has(AUDIT, ({ isWhole }) => isWhole) || !has(FRAUDS) ? FRAUDS : AUDIT
  const found = begun.filter(({ name }) => name !== left)
  if (found.length === 0)
    throw new VigiaError('PERFORMANCE_HISTORY_SHORT', {
      what: 'every rate',
      got: 'fewer, or less than 20 frauds',
      allowed: 14,
    })
  const total = found.reduce((sum, { weight }) => sum + weight, 0)
  return {
    options: all,
    rates: found.map(({ name, direction, weight, days, baseline }) => ({
      name,
      weight: weight / total,
      watch: newRateWatch(baseline, direction, (all.averageRunLength * total) / weight),
      lastDay: days.at(-1)!.day,
      latest: null,
    })),
  }
}

/** The first of the days that are enough, or all of them. */
const baselineOf = (days: readonly DayCount[], least: number): readonly DayCount[] => {
  let frauds = 0
  const last = days.findIndex((day, at) => {
    frauds += day.frauds
    return at + 1 >= least && frauds >= LEAST_FRAUDS
  })
  return last < 0 ? days : days.slice(0, last + 1)
}

const baselineOrNull = (days: readonly DayCount[], name: string): DayBaseline | null => {
  try {
    return dayBaseline(days, name)
  } catch (error) {
    if (error instanceof VigiaError && error.code === 'PERFORMANCE_HISTORY_SHORT') return null
    throw error
  }
}

/**
 * The watch after all days that have become known since, and what it says. Looking again without new days
 * changes nothing.
 */
export const lookAtPerformance = (
  watch: PerformanceWatch,
  rows: DecidedRows,
  asOfMs: number,
): readonly [PerformanceWatch, PerformanceLook] => {
  const counts = new Map(countsOf(rows, asOfMs, watch.options).map(({ name, days }) => [name, days]))
  const rates = watch.rates.map((rate) => afterDays(rate, counts.get(rate.name) ?? []))
  const seen = rates.flatMap(({ name, weight, latest }) =>
    latest === null ? [] : [{ name, weight, evidence: latest.evidence, cusum: latest.cusum, latest }],
  )
  const evidence = seen.reduce((sum, rate) => sum + rate.weight * rate.evidence, 0)
  return [
    { rates, options: watch.options },
    {
      isAlarm: evidence >= watch.options.averageRunLength || seen.some(({ cusum }) => cusum >= 1),
      evidence,
      rates: seen
        .sort((a, b) => strengthOf(b) - strengthOf(a))
        .map(({ name, evidence: own, cusum, latest }) => ({ name, evidence: own, cusum, latest })),
    },
  ]
}

/** What a rate adds to the alarm: its CUSUM where that is near, else its part of the evidence. */
const strengthOf = ({
  weight,
  evidence,
  cusum,
}: {
  weight: number
  evidence: number
  cusum: number
}): number => weight * evidence + Math.max(0, cusum)

const afterDays = (
  rate: WatchedRate,
  days: readonly DayCount[],
  onDay: (day: DayCount, watched: WatchedDay) => void = () => undefined,
): WatchedRate => {
  let after = rate
  for (const day of days) {
    if (day.day <= after.lastDay) continue
    const [watch, latest] = watchDay(after.watch, day)
    after = { name: rate.name, weight: rate.weight, watch, latest, lastDay: day.day }
    onDay(day, latest)
  }
  return after
}

/** One rate day by day. */
export interface RateHistory {
  readonly name: string
  readonly weight: number
  readonly baseline: DayBaseline
  /** Ascending; `watched` is null on the days that the baseline was learnt from. */
  readonly days: readonly (DayCount & { readonly watched: WatchedDay | null })[]
}

/** All days of each watched rate up to `asOfMs`, as a new watch sees them one after the other. */
export const historyOfRates = (
  watch: PerformanceWatch,
  rows: DecidedRows,
  asOfMs: number,
): readonly RateHistory[] => {
  const counts = new Map(countsOf(rows, asOfMs, watch.options).map(({ name, days }) => [name, days]))
  return watch.rates.map((rate) => {
    const seen: RateHistory['days'][number][] = []
    const days = counts.get(rate.name) ?? []
    for (const day of days) if (day.day <= rate.lastDay) seen.push({ ...day, watched: null })
    afterDays(rate, days, (day, watched) => seen.push({ ...day, watched }))
    return { name: rate.name, weight: rate.weight, baseline: rate.watch.baseline, days: seen }
  })
}

interface RateDays {
  readonly name: string
  readonly direction: Direction
  readonly weight: number
  readonly days: readonly DayCount[]
}

/** Of all rates that there may be: which of the last two is watched is for whoever begins a watch. */
const countsOf = (rows: DecidedRows, asOfMs: number, options: WatchOptions): RateDays[] => {
  const { alertWaitDays, auditWaitDays, leastAnswered } = options
  const counted = { asOfMs, alertWaitDays, auditWaitDays, leastAnswered }
  const bands = calibrationByDay(rows, options.edges, counted)
  return [
    {
      name: 'precision',
      direction: 'falling',
      weight: WEIGHTS.precision,
      days: precisionByDay(rows, counted),
    },
    ...bands.map(
      (days, band): RateDays => ({
        name: `calibration_${band}`,
        direction: 'both',
        weight: WEIGHTS.calibration / bands.length,
        days,
      }),
    ),
    { name: AUDIT, direction: 'rising', weight: WEIGHTS.audit, days: auditRateByDay(rows, counted) },
    {
      name: FRAUDS,
      direction: 'both',
      weight: WEIGHTS.audit,
      days: fraudRateByDay(rows, { asOfMs, fraudWaitDays: options.fraudWaitDays }),
    },
  ]
}
