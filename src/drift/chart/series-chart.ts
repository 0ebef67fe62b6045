import type { Observations } from './observations.ts'
import { normalScoreOf, residualsOf, type SeriesModel } from './series-model.ts'

/** Weight of the newest day in the smoothed chart (Roberts, 1959). */
const LAMBDA = 0.25

/** A residual counts as at most this in the smoothed chart: one wild day does not raise those that follow. */
const MOST_SMOOTHED = 4

/** With more memory than this, smoothing residuals finds nothing that the steps do not show. */
const MOST_MEMORY = 0.5

/** The days of one series on its two charts. */
export interface SeriesChart {
  /** On the scale of the series. */
  readonly expected: Float64Array
  /** Normal scores of the days' residuals; NaN without a value. */
  readonly jump: Float64Array
  /** Of the exponentially weighted mean of residuals; NaN where the series has too much memory. */
  readonly smoothed: Float64Array
}

/** Both charts over all days. `kurtosis` is the series' own, shrunk. */
export const chartOf = (series: Observations, model: SeriesModel, kurtosis: number): SeriesChart => {
  const { expected, standard } = residualsOf(series, model)
  const jump = standard.map((residual) => normalScoreOf(residual, kurtosis))
  const smoothed = new Float64Array(jump.length).fill(Number.NaN)
  if (model.memory >= MOST_MEMORY) return { expected, jump, smoothed }
  let [mean, variance, before] = [0, 0, Number.NaN]
  for (let at = 0; at < jump.length; at++) {
    if (Number.isNaN(jump[at]!)) continue
    const day = series.days[at]!
    // Days without a value fade what came before, as days with one do.
    for (let gap = day - before; gap > 1 && variance > 1e-12; gap--) {
      mean *= 1 - LAMBDA
      variance *= (1 - LAMBDA) * (1 - LAMBDA)
    }
    before = day
    mean = LAMBDA * Math.max(-MOST_SMOOTHED, Math.min(MOST_SMOOTHED, jump[at]!)) + (1 - LAMBDA) * mean
    variance = LAMBDA * LAMBDA + (1 - LAMBDA) * (1 - LAMBDA) * variance
    smoothed[at] = mean / Math.sqrt(variance)
  }
  return { expected, jump, smoothed }
}

/** The larger of both charts in size on a day, with its sign; NaN without a value. */
export const furthestOn = ({ jump, smoothed }: SeriesChart, at: number): number =>
  Math.abs(smoothed[at]!) > Math.abs(jump[at]!) ? smoothed[at]! : jump[at]!
