import type { Observations } from './observations.ts'
import { normalScoreOf, type Residual, residualsOf, type SeriesModel } from './series-model.ts'

/** Weight of the newest day in the smoothed chart (Roberts, 1959). */
const LAMBDA = 0.25

/** A residual counts as at most this in the smoothed chart: one wild day does not raise those that follow. */
const MOST_SMOOTHED = 4

/** With more memory than this, smoothing residuals finds nothing that the steps do not show. */
const MOST_MEMORY = 0.5

/** A day on the charts of one series. */
export interface ChartPoint {
  readonly residual: Residual
  /** Normal score of the day's residual. */
  readonly jump: number
  /** Of the exponentially weighted mean of residuals; NaN where the series has too much memory. */
  readonly smoothed: number
}

/** Both charts over all days. `kurtosis` is the series' own, shrunk. */
export const chartOf = (series: Observations, model: SeriesModel, kurtosis: number): ChartPoint[] => {
  const isSmoothed = model.memory < MOST_MEMORY
  let [mean, variance] = [0, 0]
  let before = Number.NaN
  return residualsOf(series, model).map((residual, at) => {
    const jump = normalScoreOf(residual.standard, kurtosis)
    if (!isSmoothed || Number.isNaN(jump)) return { residual, jump, smoothed: Number.NaN }
    const day = series.days[at]!
    // Days without a value fade what came before, as days with one do.
    for (let gap = day - before; gap > 1; gap--) {
      mean *= 1 - LAMBDA
      variance *= (1 - LAMBDA) * (1 - LAMBDA)
      if (variance < 1e-12) break
    }
    before = day
    mean = LAMBDA * Math.max(-MOST_SMOOTHED, Math.min(MOST_SMOOTHED, jump)) + (1 - LAMBDA) * mean
    variance = LAMBDA * LAMBDA + (1 - LAMBDA) * (1 - LAMBDA) * variance
    return { residual, jump, smoothed: mean / Math.sqrt(variance) }
  })
}

/** The larger of both charts in size, with its sign; NaN without a value. */
export const furthest = ({ jump, smoothed }: ChartPoint): number =>
  Math.abs(smoothed) > Math.abs(jump) ? smoothed : jump
