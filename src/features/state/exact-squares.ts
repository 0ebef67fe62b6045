/**
 * Exact sums of squared amounts in two words: `value = high * 2^40 + low`, `0 <= low < 2^40`.
 *
 * One double holds integers only to 2^53, which a few hundred squares of ordinary amounts exceed; a sum that
 * rounds would depend on the order of events, and training and serving would part. An amount above
 * `LARGEST_SQUARED_MINOR` counts as that amount here (a million in major units), so one square fits a double
 * exactly.
 */
export const LARGEST_SQUARED_MINOR = 94_906_265

const LIMB = 2 ** 40

export const addSquare = (data: Float64Array, highAt: number, amountMinor: number): void => {
  const square = squareOf(amountMinor)
  const high = Math.floor(square / LIMB)
  const low = data[highAt + 1]! + (square - high * LIMB)
  const carry = low >= LIMB ? 1 : 0
  data[highAt] = data[highAt]! + high + carry
  data[highAt + 1] = low - carry * LIMB
}

/** Takes back one `addSquare` of the same amount. */
export const removeSquare = (data: Float64Array, highAt: number, amountMinor: number): void => {
  const square = squareOf(amountMinor)
  const high = Math.floor(square / LIMB)
  const low = data[highAt + 1]! - (square - high * LIMB)
  const borrow = low < 0 ? 1 : 0
  data[highAt] = data[highAt]! - high - borrow
  data[highAt + 1] = low + borrow * LIMB
}

/** The sum as one double, rounded once. */
export const squaresOf = (data: Float64Array, highAt: number): number =>
  data[highAt]! * LIMB + data[highAt + 1]!

export const squareOf = (amountMinor: number): number => {
  const clipped = Math.min(amountMinor, LARGEST_SQUARED_MINOR)
  return clipped * clipped
}
