import { logistic } from '../../foundation/elementary/exponential.ts'
import { log } from '../../foundation/elementary/logarithm.ts'
import type { Calibration } from './calibration.ts'

/**
 * The greatest raw probability whose calibrated one is not above `probability`, to rounding: what a bound
 * among calibrated probabilities is among raw ones. 0 where there is none, 1 where all are.
 */
export const rawUpTo = (calibration: Calibration, probability: number): number => {
  if (calibration.method === 'none') return probability
  if (calibration.method === 'isotonic') return onLine(calibration, probability)
  if (probability <= 0) return 0
  if (probability >= 1) return 1
  const { slope, intercept } = calibration
  if (!(slope > 0)) return logistic(intercept) <= probability ? 1 : 0
  return logistic((log(probability / (1 - probability)) - intercept) / slope)
}

const onLine = (
  { x, y }: Extract<Calibration, { readonly method: 'isotonic' }>,
  probability: number,
): number => {
  const above = y.findIndex((value) => value > probability)
  if (x.length === 0) return probability
  if (above === -1) return 1
  if (above === 0) return 0
  const [from, to] = [y[above - 1]!, y[above]!]
  return x[above - 1]! + ((probability - from) / (to - from)) * (x[above]! - x[above - 1]!)
}
