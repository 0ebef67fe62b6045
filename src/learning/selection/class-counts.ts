import { powerOfTwoFrom } from '../../foundation/elementary/whole-powers.ts'
import { evenlySpacedRows } from './evenly-spaced-rows.ts'

/**
 * Rows of each class in each bin of a feature: `genuine[b]` and `fraud[b]`. Bin 0 holds the missing values.
 */
export interface ClassCounts {
  readonly genuine: Float64Array
  readonly fraud: Float64Array
}

/** Edges are found on at most as many rows: sorting is the cost. All rows are counted. */
const SORTED_ROWS = 100_000

/**
 * Counts the classes in bins of equal frequency, as far as equal values allow: they share a bin, so a value
 * that many rows have gets one of its own. Missing values (NaN) are bin 0.
 */
export const countByFrequency = (column: Float64Array, labels: Uint8Array, bins: number): ClassCounts => {
  const edges = frequencyEdges(column, bins)
  const upTo = edgesUpTo(edges)
  return countInBins(column, labels, edges.length + 2, (value) => 1 + upTo(value))
}

/** Counts the classes of each code of a feature without an order. Codes are whole numbers from -1 on. */
export const countByCode = (column: Float64Array, labels: Uint8Array): ClassCounts => {
  // biome-ignore lint/complexity/useMathMinMax: the greatest beside a missing value is the code, not NaN
  const bins = column.reduce((most, code) => (code > most ? code : most), -1) + 3
  return countInBins(column, labels, bins, (code) => code + 2)
}

/**
 * Edges of at most `bins` bins of about as many values each: bin b holds edges[b - 1] <= x < edges[b].
 * Ascending; none when all values are equal. With more than 100,000 rows, those of as many evenly spaced
 * ones.
 */
export const frequencyEdges = (column: Float64Array, bins: number): Float64Array => {
  const rows = evenlySpacedRows(column.length, SORTED_ROWS)
  const sampled = new Float64Array(rows.length)
  for (let i = 0; i < rows.length; i++) sampled[i] = column[rows[i]!]!
  // Missing values are sorted to the end.
  const sorted = sampled.sort()
  const values = sorted.subarray(0, sorted.length - missingAtEnd(sorted))
  const edges: number[] = []
  let from = 0
  while (edges.length < bins - 1) {
    // What is left is shared among the bins that are left, so one frequent value does not empty those after
    // it.
    const wanted = Math.ceil((values.length - from) / (bins - edges.length))
    let next = from + wanted
    while (next < values.length && values[next] === values[next - 1]) next++
    if (next >= values.length) break
    edges.push(values[next]!)
    from = next
  }
  return Float64Array.from(edges)
}

const missingAtEnd = (sorted: Float64Array): number => {
  let missing = 0
  while (missing < sorted.length && Number.isNaN(sorted[sorted.length - 1 - missing]!)) missing++
  return missing
}

/**
 * A function that says how many edges are not above a value. The edges are filled up to a power of two, so
 * each step adds or does not add: half the time of a search that branches, whose turns no processor can
 * guess.
 */
const edgesUpTo = (edges: Float64Array): ((value: number) => number) => {
  const size = powerOfTwoFrom(edges.length + 1)
  const filled = new Float64Array(size).fill(Number.POSITIVE_INFINITY)
  filled.set(edges)
  return (value) => {
    let at = 0
    for (let half = size >> 1; half > 0; half >>= 1) at += Number(filled[at + half - 1]! <= value) * half
    // An infinite value is not below what fills up.
    return Math.min(at, edges.length)
  }
}

const countInBins = (
  column: Float64Array,
  labels: Uint8Array,
  bins: number,
  binOf: (value: number) => number,
): ClassCounts => {
  const inBin = new Float64Array(bins)
  const fraud = new Float64Array(bins)
  for (let row = 0; row < column.length; row++) {
    const value = column[row]!
    const bin = Number.isNaN(value) ? 0 : binOf(value)
    inBin[bin]!++
    fraud[bin]! += labels[row]!
  }
  return { genuine: inBin.map((count, bin) => count - fraud[bin]!), fraud }
}
