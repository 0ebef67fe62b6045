/** Weight of the newest day (Roberts, 1959). */
const LAMBDA = 0.25

/** A residual counts as at most this: one wild day does not raise those that follow. */
const MOST_SMOOTHED = 4

/**
 * Exponentially weighted means of residuals, each over its standard deviation, were the residuals independent
 * with variance 1. NaN on days without one; such days fade what came before as all days do.
 */
export const smooth = (days: Int32Array, residuals: Float64Array): Float64Array => {
  const smoothed = new Float64Array(residuals.length).fill(Number.NaN)
  let [mean, variance, before] = [0, 0, Number.NaN]
  for (let at = 0; at < residuals.length; at++) {
    const residual = residuals[at]!
    if (Number.isNaN(residual)) continue
    for (let gap = days[at]! - before; gap > 1 && variance > 1e-12; gap--) {
      mean *= 1 - LAMBDA
      variance *= (1 - LAMBDA) * (1 - LAMBDA)
    }
    before = days[at]!
    mean = LAMBDA * Math.max(-MOST_SMOOTHED, Math.min(MOST_SMOOTHED, residual)) + (1 - LAMBDA) * mean
    variance = LAMBDA * LAMBDA + (1 - LAMBDA) * (1 - LAMBDA) * variance
    smoothed[at] = mean / Math.sqrt(variance)
  }
  return smoothed
}
