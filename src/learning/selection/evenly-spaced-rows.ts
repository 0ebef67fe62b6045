/**
 * Row numbers of at most `atMost` rows, spread evenly over `rowCount`: all of them, or row floor(i * rowCount
 * / atMost). No randomness, so the same rows every time.
 */
export const evenlySpacedRows = (rowCount: number, atMost: number): Int32Array => {
  const count = Math.min(rowCount, atMost)
  const rows = new Int32Array(count)
  for (let i = 0; i < count; i++) rows[i] = Math.floor((i * rowCount) / count)
  return rows
}
