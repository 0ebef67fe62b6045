import type { Observations } from './observations.ts'
import { normalScoreOf, residualsOf, type SeriesModel } from './series-model.ts'
import { smooth } from './smoothing.ts'

/** The days of one series on its two charts. */
export interface SeriesChart {
  /** On the scale of the series. */
  readonly expected: Float64Array
  /** Normal scores of the days' residuals; NaN without a value. */
  readonly jump: Float64Array
  /**
   * Of their exponentially weighted mean. NaN where the series has memory: there a run of residuals with one
   * sign is nothing new.
   */
  readonly smoothed: Float64Array
}

/** Both charts over all days. `kurtosis` is the series' own, shrunk. */
export const chartOf = (series: Observations, model: SeriesModel, kurtosis: number): SeriesChart => {
  const { expected, standard } = residualsOf(series, model)
  const jump = standard.map((residual) => normalScoreOf(residual, kurtosis))
  const smoothed =
    model.memory === 0
      ? smooth(series.days, jump).map((mean) => mean / model.smoothedDeviation)
      : new Float64Array(jump.length).fill(Number.NaN)
  return { expected, jump, smoothed }
}

/** The larger of both charts in size on a day, with its sign; NaN without a value. */
export const furthestOn = ({ jump, smoothed }: SeriesChart, at: number): number =>
  Math.abs(smoothed[at]!) > Math.abs(jump[at]!) ? smoothed[at]! : jump[at]!
