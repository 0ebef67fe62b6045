import { VigiaError } from '../errors.ts'
import { type Calibration, calibrate } from './chart/calibrate.ts'
import { weekdayOf } from './chart/observations.ts'
import { chartOf } from './chart/series-chart.ts'
import type { DriftLook } from './drift-look.ts'
import { type DriftSettings, driftSettings } from './drift-settings.ts'
import { type Charted, lookAt } from './look-at.ts'
import type { DayProfile } from './profile-book.ts'
import type { ProfileLayout } from './profile-layout.ts'
import { type Measurement, type Series, seriesOf } from './series.ts'
import type { DriftSeverity } from './severity.ts'
import { mergeProfiles, type WindowProfile } from './window-profile.ts'

export interface DetectorOptions {
  /** Bins of all profiles: `profileLayoutOf` the reference. */
  readonly layout: ProfileLayout
  /** Days without known faults, in any order: what is usual, weekdays and growth included. */
  readonly history?: readonly DayProfile[]
  /**
   * Share of each feature in what moves the model's scores (mean size of its SHAP values, over their sum).
   */
  readonly importance?: Readonly<Record<string, number>>
  /** What the latest looks found (`found`), oldest first, where looks go on from those of another process. */
  readonly earlier?: readonly DriftSeverity[]
  readonly settings?: Partial<DriftSettings>
}

/**
 * Says whether a day is unlike what the history lets expect, and how much it matters.
 *
 * What decides is a chart calibrated on the history (`docs/drift.md`): of every series of every feature, the
 * score and the segments how far the day is from what its weekday and the days before let expect; the largest
 * of all is held against what the largest of a day without drift reaches. p-values are shown and decide
 * nothing: transactions of the same users and days are not independent.
 */
export class DriftDetector {
  private readonly layout: ProfileLayout
  private readonly settings: DriftSettings
  private readonly importance: Readonly<Record<string, number>> | undefined
  private readonly found: DriftSeverity[]
  /** Ascending. */
  private days: DayProfile[]
  private series: readonly Series[] = []
  /** Of each series, one for each of `days`. */
  private measurements: Measurement[][] = []
  private calibration: Calibration | undefined
  private historyEnd = 0
  private sinceFit = 0

  /** @throws DRIFT_HISTORY_REFUSED, DRIFT_SETTING_INVALID */
  constructor({ layout, history = [], importance, earlier = [], settings }: DetectorOptions) {
    this.layout = layout
    this.settings = driftSettings(settings)
    this.importance = importance
    this.found = [...earlier]
    this.days = [...history].sort((a, b) => a.day - b.day)
    for (const [at, { day, profile }] of this.days.entries()) {
      this.refuseForeign(day, profile)
      if (at > 0 && this.days[at - 1]!.day === day)
        throw new VigiaError('DRIFT_HISTORY_REFUSED', { reason: `the day ${day} is there twice` })
    }
    this.fit()
  }

  /** Days of history that limits rest on; 0 while there are too few. */
  get historyDays(): number {
    return this.calibration?.days ?? 0
  }

  /**
   * Looks at a day after all others, and remembers it: the smoothed chart and the confirmation of `severe` go
   * on from it, and after a week it is history.
   *
   * @throws DRIFT_HISTORY_REFUSED
   */
  look(day: DayProfile): DriftLook {
    const look = this.assess(day)
    this.days.push(day)
    for (const [of, { valueOn }] of this.series.entries()) this.measurements[of]!.push(valueOn(day))
    this.found.push(look.found)
    if (this.found.length > this.settings.confirmWithin) this.found.shift()
    if (++this.sinceFit >= this.settings.refitDays) this.fit()
    return look
  }

  /**
   * What `look` would say, without remembering the day.
   *
   * @throws DRIFT_HISTORY_REFUSED
   */
  assess(day: DayProfile): DriftLook {
    this.refuseForeign(day.day, day.profile)
    const last = this.days.at(-1)
    if (last !== undefined && last.day >= day.day)
      throw new VigiaError('DRIFT_HISTORY_REFUSED', {
        reason: `the day ${day.day} to be looked at is not after ${last.day}`,
      })
    return lookAt(day, {
      layout: this.layout,
      settings: this.settings,
      importance: this.importance,
      earlier: this.found,
      limit: this.calibration?.limit ?? Number.NaN,
      historyDays: this.historyDays,
      charted: this.chartDay(day),
      base: this.baseFor(day.day),
      segments: this.segments(),
      week: this.weekTo(day),
    })
  }

  /** Each series with its place on the charts of this day. */
  private chartDay(day: DayProfile): Charted[] {
    const { calibration } = this
    if (calibration === undefined) return []
    const days = Int32Array.from([...this.days, day], (of) => of.day)
    return this.series.flatMap((series, of): Charted[] => {
      const model = calibration.models[of]
      const measured = series.valueOn(day)
      if (model === undefined || Number.isNaN(measured.value)) return []
      const observations = observationsOf(days, [...this.measurements[of]!, measured])
      const { expected, jump, smoothed } = chartOf(observations, model, calibration.kurtoses[of]!)
      const at = days.length - 1
      if (Number.isNaN(jump[at]!)) return []
      return [{ series, measured, expected: expected[at]!, jump: jump[at]!, smoothed: smoothed[at]! }]
    })
  }

  /** Recent days of history that this one is held against for the size of a change. */
  private baseFor(day: number): readonly DayProfile[] {
    const recent = this.days.slice(0, this.historyEnd).slice(-28)
    const sameWeekday = recent.filter((of) => weekdayOf(of.day) === weekdayOf(day))
    return sameWeekday.length >= 2 ? sameWeekday : recent
  }

  /** The week that ends with this day, as far as it is known. */
  private weekTo(day: DayProfile): WindowProfile {
    const before = this.days.slice(-6).filter((of) => of.day > day.day - 7)
    return mergeProfiles([...before, day].map(({ profile }) => profile))!
  }

  private segments(): readonly string[] {
    return segmentsOf(this.days.slice(0, this.historyEnd))
  }

  /** Takes all days so far as the history, as far back as it may reach. */
  private fit(): void {
    this.days = this.days.slice(-this.settings.mostHistory)
    this.historyEnd = this.days.length
    this.sinceFit = 0
    this.calibration = undefined
    const withRows = this.days.filter(({ profile }) => profile.rows >= this.settings.leastRows)
    this.series = seriesOf(this.layout, this.segments(), this.settings)
    this.measurements = this.series.map(({ valueOn }) => this.days.map(valueOn))
    if (withRows.length < this.settings.leastHistory) return
    const days = Int32Array.from(this.days, ({ day }) => day)
    this.calibration = calibrate(
      this.measurements.map((measured) => observationsOf(days, measured)),
      this.settings.falseAlarms,
    )
  }

  private refuseForeign(day: number, profile: WindowProfile): void {
    if (!Number.isInteger(day)) throw new VigiaError('DRIFT_HISTORY_REFUSED', { reason: `${day} is no day` })
    if (profile.layout.fingerprint !== this.layout.fingerprint)
      throw new VigiaError('DRIFT_PROFILE_REFUSED', {
        reason: `that of the day ${day} is in the bins, or for the threshold, of another model`,
      })
  }
}

const observationsOf = (days: Int32Array, measured: readonly Measurement[]) => ({
  days,
  values: Float64Array.from(measured, ({ value }) => value),
  noises: Float64Array.from(measured, ({ noise }) => noise),
})

/** Segments with rows on at least half of the days. */
const segmentsOf = (days: readonly DayProfile[]): readonly string[] => {
  const seen = new Map<string, number>()
  for (const { segments } of days)
    for (const segment of segments?.keys() ?? []) seen.set(segment, (seen.get(segment) ?? 0) + 1)
  return [...seen].flatMap(([segment, times]) => (2 * times >= days.length ? [segment] : [])).sort()
}
