/**
 * Exact sums of whole steps in two words: `value = high * 2^40 + low`, `0 <= low < 2^40`.
 *
 * A sum that rounds would depend on the order in which values come and go, and training and serving would
 * part. A value is rounded once, to a whole number of steps of 10^-decimals; from there on nothing is lost.
 */
export const LIMB = 2 ** 40

/**
 * A value of more steps than this, with either sign, is beyond: a full ring of 2^20 values below it stays
 * under 2^93, which two words hold.
 */
export const MOST_STEPS = 2 ** 72

/** Steps of 10^-decimals in one, from its decimal text: a power may be off by a bit on some machine. */
export const scaleOf = (decimals: number): number => Number(`1e${decimals}`)

/** `value` in whole steps, `scale` of which are one; the nearest, of two the upper. */
export const stepsOf = (value: number, scale: number): number => Math.round(value * scale)

export const isBeyond = (steps: number): boolean => !(Math.abs(steps) <= MOST_STEPS)

export const addSteps = (data: Float64Array, highAt: number, steps: number): void => {
  const high = Math.floor(steps / LIMB)
  const low = data[highAt + 1]! + (steps - high * LIMB)
  const carry = low >= LIMB ? 1 : 0
  data[highAt] = data[highAt]! + high + carry
  data[highAt + 1] = low - carry * LIMB
}

/** The sum with `steps` more as one double, rounded once. */
export const sumWith = (data: Float64Array, highAt: number, steps: number): number => {
  const high = Math.floor(steps / LIMB)
  return (data[highAt]! + high) * LIMB + (data[highAt + 1]! + (steps - high * LIMB))
}
