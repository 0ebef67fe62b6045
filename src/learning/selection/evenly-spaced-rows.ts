/**
 * Row numbers of at most `atMost` rows, spread evenly over `rowCount`: all of them, or row floor(i * rowCount / atMost). No
 * randomness, so the same rows every time.
 */
export const evenlySpacedRows = (rowCount: number, atMost: number): Int32Array => {
  const count = Math.min(rowCount, atMost)
  return Int32Array.from({ length: count }, (_, i) => Math.floor((i * rowCount) / count))
}
