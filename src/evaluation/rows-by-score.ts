/** Digits of 16 bits: four passes over a double. */
const DIGITS = 4
const VALUES = 65536

/**
 * Row numbers by rising or falling score, of equal scores the lowest row first; -0 and 0 are equal.
 *
 * A radix sort from the lowest digit up (Knuth, volume 3, 5.2.5) of the bits of the doubles, turned so that
 * they rise as whole numbers do: no comparisons, and a digit that all scores share costs nothing. O(n).
 * Scores must not be NaN.
 */
export const rowsByScore = (scores: Float64Array, direction: 'rising' | 'falling'): Uint32Array => {
  const rows = scores.length
  const keys = new Float64Array(rows)
  // Adding 0 makes -0 into 0.
  for (let row = 0; row < rows; row++) keys[row] = scores[row]! + 0
  const digits = new Uint16Array(keys.buffer)
  const flip = direction === 'falling' ? 0xffff : 0
  for (let at = 0; at < digits.length; at += DIGITS) {
    const isNegative = digits[at + DIGITS - 1]! >= 0x8000
    for (let digit = 0; digit < DIGITS; digit++) {
      const turn = isNegative ? 0xffff : digit === DIGITS - 1 ? 0x8000 : 0
      digits[at + digit]! ^= turn ^ flip
    }
  }
  let order = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) order[row] = row
  let next = new Uint32Array(rows)
  const starts = new Uint32Array(VALUES)
  for (let digit = 0; digit < DIGITS; digit++) {
    starts.fill(0)
    for (let row = 0; row < rows; row++) starts[digits[row * DIGITS + digit]!]!++
    if (rows > 0 && starts[digits[digit]!] === rows) continue
    let before = 0
    for (let value = 0; value < VALUES; value++) {
      const count = starts[value]!
      starts[value] = before
      before += count
    }
    for (let at = 0; at < rows; at++) {
      const row = order[at]!
      next[starts[digits[row * DIGITS + digit]!]!++] = row
    }
    ;[order, next] = [next, order]
  }
  return order
}
