import { type Calibration, calibrate } from './chart/calibrate.ts'
import type { Observations } from './chart/observations.ts'
import { chartOf } from './chart/series-chart.ts'
import type { DriftSettings } from './drift-settings.ts'
import type { Charted } from './look-at.ts'
import type { DayProfile } from './profile-book.ts'
import type { ProfileLayout } from './profile-layout.ts'
import { type Measurement, type Series, seriesOf } from './series.ts'

/** What a day is held against: the series of some days of history, what each lets expect, and one limit. */
export class FittedHistory {
  /** Ascending. */
  readonly days: readonly DayProfile[]
  readonly segments: readonly string[]
  private readonly series: readonly Series[]
  /** Undefined while the history is too short. */
  private readonly calibration: Calibration | undefined
  private readonly usable: number
  private readonly measured = new WeakMap<DayProfile, readonly Measurement[]>()

  constructor(days: readonly DayProfile[], layout: ProfileLayout, settings: DriftSettings) {
    this.days = days
    this.segments = segmentsOf(days)
    this.series = seriesOf(layout, this.segments, settings)
    this.usable = usableDays(days, settings)
    this.calibration = isEnough(days, settings)
      ? calibrate(this.observationsOver(days), settings.falseAlarms)
      : undefined
  }

  /** What all series of a look exceed with the allowed probability; NaN while the history is too short. */
  get limit(): number {
    return this.calibration?.limit ?? Number.NaN
  }

  /** Days that the limit rests on; while the history is too short those that one will. */
  get limitDays(): number {
    return this.calibration?.days ?? this.usable
  }

  /**
   * Each series with its place on the charts of a day; `since` are the days between the history and this one,
   * ascending. None while the history is too short.
   */
  chart(since: readonly DayProfile[], day: DayProfile): readonly Charted[] {
    const { calibration } = this
    if (calibration === undefined) return []
    const observations = this.observationsOver([...this.days, ...since, day])
    const at = this.days.length + since.length
    return this.series.flatMap((series, of): Charted[] => {
      const model = calibration.models[of]
      if (model === undefined || Number.isNaN(observations[of]!.values[at]!)) return []
      const { expected, jump, smoothed } = chartOf(observations[of]!, model, calibration.kurtoses[of]!)
      if (Number.isNaN(jump[at]!)) return []
      const measured = this.measurementsOn(day)[of]!
      const width = calibration.widths[of]!
      const [far, farSmoothed] = [jump[at]! / width, smoothed[at]! / width]
      return [{ series, measured, expected: expected[at]!, jump: far, smoothed: farSmoothed }]
    })
  }

  /** By series. */
  private observationsOver(over: readonly DayProfile[]): Observations[] {
    const days = Int32Array.from(over, ({ day }) => day)
    const byDay = over.map((day) => this.measurementsOn(day))
    return this.series.map((_, of) => ({
      days,
      values: Float64Array.from(byDay, (measured) => measured[of]!.value),
      noises: Float64Array.from(byDay, (measured) => measured[of]!.noise),
    }))
  }

  private measurementsOn(day: DayProfile): readonly Measurement[] {
    const known = this.measured.get(day)
    if (known !== undefined) return known
    const measured = this.series.map(({ valueOn }) => valueOn(day))
    this.measured.set(day, measured)
    return measured
  }
}

/** Whether limits may be made from these days. */
export const isEnough = (days: readonly DayProfile[], settings: DriftSettings): boolean =>
  usableDays(days, settings) >= settings.leastHistory

/** Days that have the rows to count. */
const usableDays = (days: readonly DayProfile[], { leastRows }: DriftSettings): number =>
  days.filter(({ profile }) => profile.rows >= leastRows).length

/** Segments with rows on at least half of the days. */
const segmentsOf = (days: readonly DayProfile[]): readonly string[] => {
  const seen = new Map<string, number>()
  for (const { segments } of days)
    for (const segment of segments?.keys() ?? []) seen.set(segment, (seen.get(segment) ?? 0) + 1)
  return [...seen].flatMap(([segment, times]) => (2 * times >= days.length ? [segment] : [])).sort()
}
