import { log, log1p } from '../foundation/elementary/logarithm.ts'

/**
 * Smallest distance of a probability from 0 and 1 in `logLoss`: the resolution of a double at 1, as
 * scikit-learn has it.
 */
const EPSILON = Number.EPSILON

/**
 * Mean of -log(probability of what happened), natural logarithm: 0 is perfect, 0.693 is a coin. Probabilities
 * are kept 2^-52 away from 0 and 1, so one mistake made with certainty costs 36 and not infinity. NaN without
 * rows.
 */
export const logLoss = (labels: Uint8Array, probabilities: Float64Array): number => {
  let sum = 0
  for (let row = 0; row < labels.length; row++) {
    const probability = Math.min(1 - EPSILON, Math.max(EPSILON, probabilities[row]!))
    sum -= labels[row] === 1 ? log(probability) : log1p(-probability)
  }
  return sum / labels.length
}

/**
 * Mean squared distance of probabilities from what happened (Brier 1950): 0 is perfect, 0.25 is a coin. NaN
 * without rows.
 */
export const brierScore = (labels: Uint8Array, probabilities: Float64Array): number => {
  let sum = 0
  for (let row = 0; row < labels.length; row++) {
    const error = probabilities[row]! - labels[row]!
    sum += error * error
  }
  return sum / labels.length
}
