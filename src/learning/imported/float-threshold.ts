const bits = new DataView(new ArrayBuffer(8))

/**
 * 2^128: what the largest float's successor would be, if floats went on. Rounding treats infinity as if it
 * stood there.
 */
const BEYOND_FLOATS = 2 ** 128

/**
 * XGBoost compares floats: a row goes left where `Math.fround(x) < threshold`. The bound c of doubles that
 * decides alike: `Math.fround(x) < threshold` exactly when `x < c`, for every double x; also for infinite
 * ones, save that -Infinity is below every c.
 *
 * Doubles that round to `threshold` or above begin at the midpoint between the threshold and the float before
 * it. The midpoint itself rounds to the one of both whose last bit is 0: where that is the float before, c is
 * the next double. `threshold` is a float or infinite; c is finite.
 */
export const doubleBoundOf = (threshold: number): number => {
  if (threshold === Number.NEGATIVE_INFINITY) return -Number.MAX_VALUE
  const before = floatBefore(threshold)
  const midpoint = (Math.max(before, -BEYOND_FLOATS) + Math.min(threshold, BEYOND_FLOATS)) / 2
  return Math.fround(midpoint) < threshold ? doubleAfter(midpoint) : midpoint
}

/** The next float above a finite one; Infinity above the greatest. */
export const floatAfter = (value: number): number => -floatBefore(-value)

const floatBefore = (value: number): number => {
  if (value === 0) return -(2 ** -149)
  bits.setFloat32(0, value)
  bits.setInt32(0, bits.getInt32(0) + (value > 0 ? -1 : 1))
  return bits.getFloat32(0)
}

/** The next double above; that of 0 is the least above it. `value` is finite. */
export const doubleAfter = (value: number): number => {
  if (value === 0) return Number.MIN_VALUE
  bits.setFloat64(0, value)
  bits.setBigInt64(0, bits.getBigInt64(0) + (value > 0 ? 1n : -1n))
  return bits.getFloat64(0)
}
