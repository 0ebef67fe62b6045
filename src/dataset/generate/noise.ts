/**
 * A number for a pair of whole numbers and a salt, in [0, 2^32): noise that needs no memory and no order of
 * drawing.
 *
 * Used where something about a customer must be the same whenever it is asked for (does this customer travel
 * this week?).
 */
export const noise = (a: number, b: number, salt: number): number =>
  mixBits(mixBits(mixBits(a ^ salt) ^ b) ^ 0x9e3779b9)

/**
 * A bijection of 32-bit numbers (finaliser of MurmurHash3): consecutive codes become identifiers without
 * visible order.
 */
export const mixBits = (value: number): number => {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
