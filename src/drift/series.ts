import { asin } from '../foundation/elementary/trigonometry.ts'
import type { DriftSettings } from './drift-settings.ts'
import { aboveQuantile, normalScores, standardDeviation } from './normal-scores.ts'
import type { DayProfile } from './profile-book.ts'
import { type ProfileColumn, type ProfileLayout, SCORE } from './profile-layout.ts'
import type { WindowProfile } from './window-profile.ts'

/** What of a column is followed from day to day. */
export type Measure =
  | 'mean'
  | 'spread'
  | 'above_q95'
  | 'above_q99'
  | 'alerts'
  | 'missing'
  | 'category'
  | 'unseen'
  | 'volume'

/** One number a day. */
export interface Series {
  /** Of a feature, or `(score)`. */
  readonly column: string
  /** Undefined: of all rows. */
  readonly segment: string | undefined
  readonly measure: Measure
  /** Of the category followed. */
  readonly code: number | undefined
  readonly isShare: boolean
  readonly valueOn: (day: DayProfile) => Measurement
}

export interface Measurement {
  /**
   * A mean of normal scores; for a share p of n the angle 2 asin √p, whose spread depends on n alone. NaN:
   * none.
   */
  readonly value: number
  /** Its standard deviation, were the rows independent. */
  readonly noise: number
}

const NONE: Measurement = { value: Number.NaN, noise: Number.NaN }

/**
 * All series of a layout: of each feature mean and mean size of the normal score of its rank within the
 * reference, the shares above the reference's 99th percentile and without a value, and of a code the share of
 * each category that is not rare; of the score, whole and in each of `segments`, the mean, the shares above
 * two percentiles and of alerts; of a segment also its share of the rows.
 */
export const seriesOf = (
  layout: ProfileLayout,
  segments: readonly string[],
  settings: DriftSettings,
): Series[] => {
  const features = layout.columns.flatMap((column) => columnSeries(column, settings))
  const score = layout.columns.at(-1)!
  const hasAlerts = layout.threshold < Number.POSITIVE_INFINITY
  const alerts = hasAlerts ? [alertSeries(undefined, settings)] : []
  const ofSegments = segments.flatMap((segment) => [
    volumeSeries(segment, settings),
    ...scoreSeries({ ...score, from: 0 }, segment, settings),
    ...(hasAlerts ? [alertSeries(segment, settings)] : []),
  ])
  return [...features, ...alerts, ...ofSegments]
}

const columnSeries = (column: ProfileColumn, settings: DriftSettings): Series[] => {
  if (column.name === SCORE) return scoreSeries(column, undefined, settings)
  return column.bins.kind === 'numeric'
    ? numericSeries(column, settings)
    : categorySeries(column, column.bins.codes, settings)
}

const scoreSeries = (
  column: ProfileColumn,
  segment: string | undefined,
  settings: DriftSettings,
): Series[] => {
  const { bins } = column
  if (bins.kind !== 'numeric' || bins.count === 0) return []
  const at = { column, segment, settings }
  return [
    ...meanSeries(at, 'mean', normalScores(bins)),
    shareSeries(at, 'above_q95', aboveQuantile(bins, 0.95)),
    shareSeries(at, 'above_q99', aboveQuantile(bins, 0.99)),
  ]
}

const numericSeries = (column: ProfileColumn, settings: DriftSettings): Series[] => {
  const { bins } = column
  const at = { column, segment: undefined, settings }
  const missing = shareSeries(at, 'missing', onlyBin(column.size, column.size - 1), true)
  if (bins.kind !== 'numeric' || bins.count === 0) return [missing]
  const scores = normalScores(bins)
  return [
    ...meanSeries(at, 'mean', scores),
    ...meanSeries(at, 'spread', scores.map(Math.abs)),
    shareSeries(at, 'above_q99', aboveQuantile(bins, 0.99)),
    missing,
  ]
}

const categorySeries = (
  column: ProfileColumn,
  codes: readonly number[],
  settings: DriftSettings,
): Series[] => {
  const { bins, size } = column
  const at = { column, segment: undefined, settings }
  const followed = codes.flatMap((code, bin) =>
    bins.counts[bin]! >= settings.leastCategory * bins.count
      ? [shareSeries(at, 'category', onlyBin(size, bin), false, code)]
      : [],
  )
  return [
    ...followed,
    shareSeries(at, 'unseen', onlyBin(size, size - 2)),
    shareSeries(at, 'missing', onlyBin(size, size - 1), true),
  ]
}

interface Place {
  readonly column: ProfileColumn
  readonly segment: string | undefined
  readonly settings: DriftSettings
}

const profileIn = (day: DayProfile, segment: string | undefined): WindowProfile | undefined =>
  segment === undefined ? day.profile : day.segments?.get(segment)

/** None where the reference's values are all in one bin: there the shares say what changes. */
const meanSeries = (
  { column, segment, settings }: Place,
  measure: 'mean' | 'spread',
  scores: Float64Array,
): Series[] => {
  const deviation = standardDeviation(column.bins.counts, scores)
  if (!(deviation > 1e-9)) return []
  const valueOn = (day: DayProfile): Measurement => {
    const counts = profileIn(day, segment)?.countsOf(column)
    if (counts === undefined) return NONE
    let [count, sum] = [0, 0]
    for (let bin = 0; bin < scores.length; bin++) {
      count += counts[bin]!
      sum += counts[bin]! * scores[bin]!
    }
    if (count < settings.leastRows) return NONE
    return { value: sum / count, noise: deviation / Math.sqrt(count) }
  }
  return [{ column: column.name, segment, measure, code: undefined, isShare: false, valueOn }]
}

/** Share of the values, or of all rows, that are in the bins with a 1 in `wanted`. */
const shareSeries = (
  { column, segment, settings }: Place,
  measure: Measure,
  wanted: Uint8Array,
  ofRows = false,
  code?: number,
): Series => {
  const valueOn = (day: DayProfile): Measurement => {
    const counts = profileIn(day, segment)?.countsOf(column)
    if (counts === undefined) return NONE
    let [count, part] = [0, 0]
    for (let bin = 0; bin < counts.length - (ofRows ? 0 : 1); bin++) {
      count += counts[bin]!
      if (wanted[bin] === 1) part += counts[bin]!
    }
    return shareOf(part, count, settings)
  }
  return { column: column.name, segment, measure, code, isShare: true, valueOn }
}

const alertSeries = (segment: string | undefined, settings: DriftSettings): Series => ({
  column: SCORE,
  segment,
  measure: 'alerts',
  code: undefined,
  isShare: true,
  valueOn: (day) => {
    const profile = profileIn(day, segment)
    return profile === undefined ? NONE : shareOf(profile.alerts, profile.scored, settings)
  },
})

const volumeSeries = (segment: string, settings: DriftSettings): Series => ({
  column: SCORE,
  segment,
  measure: 'volume',
  code: undefined,
  isShare: true,
  valueOn: (day) => shareOf(day.segments?.get(segment)?.rows ?? 0, day.profile.rows, settings),
})

/** Anscombe's angle (1948): its variance is nearly 1 / n, from a handful of hits on. */
const shareOf = (part: number, all: number, { leastRows }: DriftSettings): Measurement => {
  if (all < leastRows) return NONE
  const angle = 2 * asin(Math.sqrt((part + 0.375) / (all + 0.75)))
  return { value: angle, noise: 1 / Math.sqrt(all) }
}

const onlyBin = (size: number, bin: number): Uint8Array => {
  const wanted = new Uint8Array(size)
  wanted[bin] = 1
  return wanted
}
