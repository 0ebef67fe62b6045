import { exp, logistic } from '../../foundation/elementary/exponential.ts'
import { log, log1p } from '../../foundation/elementary/logarithm.ts'

/** Newton steps at most; ten are usual. */
const STEPS = 100
const SMALLEST_STEP = 1e-10
/** Where a step promises to lower the loss by less than this part of it, rounding has the last word. */
const SMALLEST_GAIN = 1e-13

/**
 * Slope and intercept of the sigmoid that fits labels best by log loss, with the targets of Platt (1999),
 * (frauds + 1) / (frauds + 2) and 1 / (genuine + 2), which keep it finite where the classes lie apart. Newton
 * with step halving, after Lin, Lin and Weng (2007). `logits` must be finite. A slope below 0 would turn the
 * order round: then it is 0, and all have the mean target.
 */
export const fitPlatt = (
  labels: ArrayLike<number>,
  logits: Float64Array,
): { readonly slope: number; readonly intercept: number } => {
  let frauds = 0
  for (let row = 0; row < logits.length; row++) frauds += labels[row]!
  const genuine = logits.length - frauds
  const ofFraud = (frauds + 1) / (frauds + 2)
  const ofGenuine = 1 / (genuine + 2)
  const flat = log(
    (frauds * ofFraud + genuine * ofGenuine) / (frauds * (1 - ofFraud) + genuine * (1 - ofGenuine)),
  )
  const lossOf = (slope: number, intercept: number): number => {
    let loss = 0
    for (let row = 0; row < logits.length; row++) {
      const margin = slope * logits[row]! + intercept
      const target = labels[row] === 1 ? ofFraud : ofGenuine
      loss += Math.max(margin, 0) - margin * target + log1p(exp(-Math.abs(margin)))
    }
    return loss
  }
  let slope = 0
  let intercept = flat
  let loss = lossOf(slope, intercept)
  for (let step = 0; step < STEPS; step++) {
    let [gradientSlope, gradientIntercept] = [0, 0]
    // A touch of damping keeps the Hessian invertible where all logits are equal.
    let [slopeSlope, slopeIntercept, interceptIntercept] = [1e-12, 0, 1e-12]
    for (let row = 0; row < logits.length; row++) {
      const x = logits[row]!
      const probability = logistic(slope * x + intercept)
      const error = probability - (labels[row] === 1 ? ofFraud : ofGenuine)
      const weight = probability * (1 - probability)
      gradientSlope += error * x
      gradientIntercept += error
      slopeSlope += weight * x * x
      slopeIntercept += weight * x
      interceptIntercept += weight
    }
    const determinant = slopeSlope * interceptIntercept - slopeIntercept * slopeIntercept
    if (!(determinant > 0)) break
    const stepSlope = (interceptIntercept * gradientSlope - slopeIntercept * gradientIntercept) / determinant
    const stepIntercept = (slopeSlope * gradientIntercept - slopeIntercept * gradientSlope) / determinant
    const promised = (gradientSlope * stepSlope + gradientIntercept * stepIntercept) / 2
    if (!(promised > SMALLEST_GAIN * loss)) break
    let share = 1
    let reached = lossOf(slope - stepSlope, intercept - stepIntercept)
    while (!(reached <= loss) && share > SMALLEST_STEP) {
      share /= 2
      reached = lossOf(slope - share * stepSlope, intercept - share * stepIntercept)
    }
    if (!(reached <= loss)) break
    slope -= share * stepSlope
    intercept -= share * stepIntercept
    loss = reached
    if (Math.abs(stepSlope) + Math.abs(stepIntercept) < SMALLEST_STEP) break
  }
  return slope >= 0 ? { slope, intercept } : { slope: 0, intercept: flat }
}
