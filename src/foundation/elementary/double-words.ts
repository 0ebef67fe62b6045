/**
 * The two 32-bit halves of a double: the elementary functions look at a double's exponent and its first bits.
 * One shared place, so that nothing is allocated; who writes reads it back before calling another function.
 *
 * Only the 64 bits are written and a half is read: a processor that is to read 64 bits which were written in
 * halves waits for both (store forwarding), which costs more than a logarithm.
 */
export const double = new Float64Array(1)

/** `words[HIGH]` has sign, exponent and the first 20 bits of the fraction, `words[LOW]` the other 32. */
export const words = new Int32Array(double.buffer)

const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1
export const HIGH = isLittleEndian ? 1 : 0
export const LOW = 1 - HIGH

/** Sign, exponent and the first 20 bits of the fraction of `x`. */
export const highWord = (x: number): number => {
  double[0] = x
  return words[HIGH]!
}

/** `x` without its last 32 bits: the product of two such numbers is exact. */
export const withoutLowWord = (x: number): number => {
  double[0] = x
  words[LOW] = 0
  return double[0]!
}

/** 2^k for -1074 <= k <= 1023 at `POWERS_OF_TWO[k + SMALLEST_POWER]`, exactly. */
export const POWERS_OF_TWO = new Float64Array(2098)
export const SMALLEST_POWER = 1074
for (let i = SMALLEST_POWER, power = 1; i >= 0; i--, power /= 2) POWERS_OF_TWO[i] = power
for (let i = SMALLEST_POWER + 1; i < POWERS_OF_TWO.length; i++) POWERS_OF_TWO[i] = 2 * POWERS_OF_TWO[i - 1]!
