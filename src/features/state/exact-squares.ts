import { addSteps, LIMB } from '../../foundation/exact-sum.ts'

/**
 * Exact sums of squared amounts in two words, as `exact-sum.ts` has them.
 *
 * One double holds integers only to 2^53, which a few hundred squares of ordinary amounts exceed; a sum that
 * rounds would depend on the order of events, and training and serving would part. An amount above
 * `LARGEST_SQUARED_MINOR` counts as that amount here (a million in major units), so one square fits a double
 * exactly.
 */
export const LARGEST_SQUARED_MINOR = 94_906_265

export const addSquare = (data: Float64Array, highAt: number, amountMinor: number): void =>
  addSteps(data, highAt, squareOf(amountMinor))

/** Takes back one `addSquare` of the same amount. */
export const removeSquare = (data: Float64Array, highAt: number, amountMinor: number): void =>
  addSteps(data, highAt, -squareOf(amountMinor))

/** The sum as one double, rounded once. */
export const squaresOf = (data: Float64Array, highAt: number): number =>
  data[highAt]! * LIMB + data[highAt + 1]!

export const squareOf = (amountMinor: number): number => {
  const clipped = Math.min(amountMinor, LARGEST_SQUARED_MINOR)
  return clipped * clipped
}
