import { directionOf, nameOfSeries } from './direction.ts'
import type { ChartVerdict, DriftLook, FeatureDrift, ScoreDrift } from './drift-look.ts'
import type { DriftSettings } from './drift-settings.ts'
import { type DriftEffect, effectOf } from './effects.ts'
import { type FeatureTests, testFeatures } from './feature-tests.ts'
import { reasonsOf } from './look-reasons.ts'
import type { DayProfile } from './profile-book.ts'
import { type ProfileColumn, type ProfileLayout, SCORE } from './profile-layout.ts'
import type { Measurement, Series } from './series.ts'
import { confirmedSeverity, type DriftSeverity, severityOf, weightedEffect, worstOf } from './severity.ts'
import { shareRatio } from './tests/share-pair.ts'
import { mergeProfiles, type WindowProfile } from './window-profile.ts'

/** A series on the charts of the day looked at. */
export interface Charted {
  readonly series: Series
  readonly measured: Measurement
  /** On the scale of the series. */
  readonly expected: number
  /** Normal score of the day's residual. */
  readonly jump: number
  /** The same of the smoothed residuals; NaN where the series has too much memory. */
  readonly smoothed: number
}

/** The further of both charts, with its sign. */
const furthest = ({ jump, smoothed }: Charted): number =>
  Math.abs(smoothed) > Math.abs(jump) ? smoothed : jump

/** What a look is made from. */
export interface LookContext {
  readonly layout: ProfileLayout
  readonly settings: DriftSettings
  readonly importance: Readonly<Record<string, number>> | undefined
  /** What was found on the days before, oldest first. Asked for only where it decides, as it takes looks. */
  readonly earlier: () => readonly DriftSeverity[]
  /** NaN without enough history, as then nothing is charted. */
  readonly limit: number
  readonly historyDays: number
  readonly charted: readonly Charted[]
  /** Days that effects are measured against; none: the reference. */
  readonly base: readonly DayProfile[]
  readonly segments: readonly string[]
  /** The day and those of the six before it that are known, together: all weekdays, as in the reference. */
  readonly week: WindowProfile
}

/** Judges one day. */
export const lookAt = (day: DayProfile, context: LookContext): DriftLook => {
  const { charted, limit, historyDays, settings } = context
  const statistic = charted.reduce((most, each) => Math.max(most, Math.abs(furthest(each))), 0)
  const score = scoreDrift(day, undefined, context)
  const features = featureDrifts(day, context, score)
  const segments = context.segments.map((segment) => scoreDrift(day, segment, context))
  const found = worstOf([...features, score, ...segments].map(({ severity }) => severity))
  const severity = confirmedSeverity(found, found === 'severe' ? context.earlier() : [], settings)
  const isCharted = !Number.isNaN(limit)
  const look = {
    day: day.day,
    rows: day.profile.rows,
    basis: isCharted ? ('chart' as const) : ('effects only' as const),
    isRaised: charted.length > 0 && statistic > limit,
    statistic: charted.length > 0 ? statistic : Number.NaN,
    limit,
    historyDays,
    found,
    severity,
    features,
    score,
    segments,
  }
  return { ...look, reasons: reasonsOf(look, settings) }
}

const featureDrifts = (day: DayProfile, context: LookContext, score: ScoreDrift): FeatureDrift[] => {
  const columns = context.layout.columns.filter(({ name }) => name !== SCORE)
  const base = baseProfile(context.base, undefined)
  const tests = testFeatures(columns.map((column) => ({ column, counts: day.profile.countsOf(column) })))
  // What moves no score is severe at most, whatever it is.
  const most = score.chart?.isBeyond === true ? 'critical' : 'severe'
  return columns.map((column, at) => featureDrift(day, column, { context, base, tests: tests[at]!, most }))
}

interface FeatureContext {
  readonly context: LookContext
  readonly base: WindowProfile | undefined
  readonly tests: FeatureTests
  readonly most: DriftSeverity
}

const featureDrift = (
  day: DayProfile,
  column: ProfileColumn,
  { context, base, tests, most }: FeatureContext,
): FeatureDrift => {
  const { settings, importance, layout, week } = context
  const counts = day.profile.countsOf(column)
  const sinceTraining = effectOf(column, referenceCounts(column), week.countsOf(column))
  const effect = effectOf(column, base?.countsOf(column) ?? referenceCounts(column), counts)
  const verdict = verdictOf(context, column.name, undefined)
  const weighted =
    importance === undefined ? effect : weightedEffect(effect, importance[column.name] ?? 0, layout.features)
  return {
    feature: column.name,
    kind: column.bins.kind,
    tests,
    effect,
    sinceTraining,
    chart: verdict?.chart,
    severity: verdict?.chart.isBeyond === true ? severityOf(weighted, settings, most) : 'none',
    direction: verdict?.direction ?? '',
  }
}

const scoreDrift = (day: DayProfile, segment: string | undefined, context: LookContext): ScoreDrift => {
  const { layout, settings } = context
  const whole = layout.columns.at(-1)!
  const column = segment === undefined ? whole : { ...whole, from: 0 }
  const profile = segment === undefined ? day.profile : day.segments?.get(segment)
  const base = baseProfile(context.base, segment)
  const counts = presentOf(profile?.countsOf(column) ?? new Uint32Array(column.size))
  const alertRate = rateOf(profile, layout)
  const usualAlertRate = rateOf(base, layout)
  const volume = segment === undefined ? 1 : volumeRatio(day, context.base, segment)
  const own = effectOf(column, presentOf(base?.countsOf(column) ?? referenceCounts(column)), counts)
  const ratios = [own.ratio, shareRatio(alertRate, usualAlertRate), volume].filter((of) => !Number.isNaN(of))
  const effect: DriftEffect = { shift: own.shift, stability: own.stability, ratio: Math.max(1, ...ratios) }
  const verdict = verdictOf(context, SCORE, segment)
  // One segment is not the whole: it makes nobody get up at night.
  const most = segment === undefined ? 'critical' : 'severe'
  return {
    segment,
    rows: profile?.rows ?? 0,
    effect,
    alertRate,
    usualAlertRate,
    chart: verdict?.chart,
    severity: verdict?.chart.isBeyond === true ? severityOf(effect, settings, most) : 'none',
    direction: verdict?.direction ?? '',
  }
}

/** Counts without the rows that have no score: those that a model has learnt from are no change of scores. */
const presentOf = (counts: Uint32Array): Uint32Array => {
  const present = counts.slice()
  present[present.length - 1] = 0
  return present
}

/** The furthest series of a column, and what it did; undefined where none is charted. */
const verdictOf = (
  { charted, limit }: LookContext,
  column: string,
  segment: string | undefined,
): { chart: ChartVerdict; direction: string } | undefined => {
  const own = charted.filter(({ series }) => series.column === column && series.segment === segment)
  if (own.length === 0) return undefined
  const most = own.reduce((one, other) => (Math.abs(furthest(other)) > Math.abs(furthest(one)) ? other : one))
  const { series, measured, expected, jump } = most
  const z = furthest(most)
  const chart = z === jump ? ('jump' as const) : ('smoothed' as const)
  return {
    chart: { series: nameOfSeries(series), z, chart, limit, isBeyond: Math.abs(z) > limit },
    direction: directionOf(series, measured.value, expected),
  }
}

/** Counts of the reference as profiles have them: without unseen categories, missing values last. */
const referenceCounts = ({ bins, size }: ProfileColumn): Uint32Array => {
  const counts = new Uint32Array(size)
  counts.set(bins.counts)
  counts[size - 1] = bins.missing
  return counts
}

const rateOf = (profile: WindowProfile | undefined, { threshold }: ProfileLayout): number =>
  profile === undefined || threshold === Number.POSITIVE_INFINITY
    ? Number.NaN
    : profile.alerts / profile.scored

const volumeRatio = (day: DayProfile, base: readonly DayProfile[], segment: string): number => {
  const rows = base.reduce((sum, { profile }) => sum + profile.rows, 0)
  const own = base.reduce((sum, { segments }) => sum + (segments?.get(segment)?.rows ?? 0), 0)
  return shareRatio(own / rows, (day.segments?.get(segment)?.rows ?? 0) / day.profile.rows)
}

/** The profile of some days together, of all rows or of a segment; undefined without any. */
const baseProfile = (base: readonly DayProfile[], segment: string | undefined): WindowProfile | undefined =>
  mergeProfiles(
    base.flatMap(({ profile, segments }) =>
      segment === undefined ? profile : (segments?.get(segment) ?? []),
    ),
  )
