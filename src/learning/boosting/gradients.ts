import { logistic } from '../../foundation/elementary/exponential.ts'
import { log } from '../../foundation/elementary/logarithm.ts'
import { powerOfTwoFrom } from '../../foundation/elementary/whole-powers.ts'
import type { TrainingRows } from '../algorithm.ts'

/** Weights of rows in a fit, and the unit in which gradients are counted. */
export interface GradientUnits {
  /** Factor of each class: genuine, fraud. */
  readonly classFactors: readonly [genuine: number, fraud: number]
  /** Sums of gradients and Hessians are whole numbers of 1 / scale. */
  readonly scale: number
  /** Weighted share of fraud, as log-odds: where every margin starts. */
  readonly base: number
}

/** Gradients are rounded to this at the finest. */
const FINEST = 2 ** 45

/**
 * Gradients and Hessians are rounded to whole multiples of a power of two, chosen so that the sum over all
 * rows is below 2^52. Sums of them are then exact in doubles, so that no order of addition, no number of
 * threads and no subtraction of histograms can change one bit. The rounding itself, at most 2^-23 for a
 * billion rows and 2^-33 for a million, is finer than that of 32-bit gradients.
 */
export const gradientUnits = (
  { labels, weights }: TrainingRows,
  classWeight: 'none' | 'balanced',
): GradientUnits => {
  const sums = [0, 0]
  for (let row = 0; row < labels.length; row++) sums[labels[row]!]! += weights?.[row] ?? 1
  const [genuine, fraud] = sums as [number, number]
  const all = genuine + fraud
  const classFactors: [number, number] =
    classWeight === 'balanced' ? [all / (2 * genuine), all / (2 * fraud)] : [1, 1]
  const largest = Math.max(...classFactors) * all
  return {
    classFactors,
    scale: Math.min(FINEST, 2 ** 52 / powerOfTwoFrom(largest + 1)),
    base: log((fraud * classFactors[1]) / (genuine * classFactors[0])),
  }
}

/**
 * Gradient and Hessian of the log loss of rows `from` to `to` into `out`, side by side, in units of 1 /
 * scale. Returns nothing but the array: sums are taken by whoever needs them.
 */
export const writeGradients = (
  { labels, weights }: TrainingRows,
  { classFactors, scale }: GradientUnits,
  margins: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
): void => {
  for (let row = from; row < to; row++) {
    const label = labels[row]!
    const probability = logistic(margins[row]!)
    const factor = classFactors[label]! * scale
    // A row with a weight is that many equal rows, so the rounding comes before the weight. At least one
    // unit: a row has a Hessian.
    const weight = weights === undefined ? 1 : weights[row]!
    out[2 * row] = weight * Math.round(factor * (probability - label))
    out[2 * row + 1] = weight * Math.max(1, Math.round(factor * probability * (1 - probability)))
  }
}
