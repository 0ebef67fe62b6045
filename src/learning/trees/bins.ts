/** Where the values of one feature are cut, or which bin each of its codes has. */
export interface FeatureBins {
  readonly isCategorical: boolean
  /** Bins of values; bin `count` holds the missing ones. At least 1. */
  readonly count: number
  /**
   * Numeric: count - 1 rising cuts, and bin b holds edges[b - 1] <= x < edges[b]. Categorical: the code of
   * each bin, the commonest first; rarer codes than the last share bin `count - 1` with it when there were
   * too many.
   */
  readonly edges: Float64Array
}

/**
 * Beyond this many genuine rows, bins are placed by an even sample of them (and by every fraud): sorting all
 * would take as long as growing.
 */
const PLACING_ROWS = 65_536

/** Numbers of the rows that bins are placed by. */
export interface PlacingRows {
  readonly frauds: Int32Array
  readonly genuine: Int32Array
}

/**
 * Every fraud, and of the genuine rows all or every k-th, so that at most 131,071 are taken. Rows of weight 0
 * are as good as absent.
 */
export const placingRows = (
  labels: ArrayLike<number>,
  weights: ArrayLike<number> | undefined,
): PlacingRows => {
  const frauds: number[] = []
  let genuineCount = 0
  for (let row = 0; row < labels.length; row++) {
    if (weights?.[row] === 0) continue
    if (labels[row] === 1) frauds.push(row)
    else genuineCount++
  }
  const stride = Math.max(1, Math.floor(genuineCount / PLACING_ROWS))
  const genuine = new Int32Array(Math.ceil(genuineCount / stride))
  let seen = 0
  for (let row = 0; row < labels.length; row++)
    if (labels[row] !== 1 && weights?.[row] !== 0 && seen++ % stride === 0) genuine[(seen - 1) / stride] = row
  return { frauds: Int32Array.from(frauds), genuine }
}

/**
 * Weight of the frauds in the mixture. From a quarter to a half the models are equally good; less loses the
 * tails, more the rest.
 */
const FRAUD_SHARE = 1 / 3

/**
 * `maxBins`, or where it is 0: 1,023 on as few rows as `fewRows`; beyond 255, which fit a byte together with
 * the missing.
 */
export const automaticBins = (maxBins: number, rows: number, fewRows: number): number =>
  maxBins > 0 ? maxBins : rows <= fewRows ? 1023 : 255

/**
 * Cuts for one numeric feature, at most `maxBins - 1` of them, placed where the frauds are.
 *
 * Up to `maxBins` distinct values each gets a bin, and nothing is lost. Beyond, bins hold equal shares of a
 * mixture: a third of the weight is the frauds', two thirds the genuine rows'. Equal frequency would spend
 * nearly every bin on genuine rows and cut the tails, where fraud lives, in the coarsest way. A cut lies
 * midway between the values that it parts.
 */
export const placeNumericBins = (
  column: Float64Array,
  rows: PlacingRows,
  maxBins: number,
): Float64Array<ArrayBuffer> => {
  const fraud = valuesOf(column, rows.frauds)
  const genuine = valuesOf(column, rows.genuine)
  const distinct = countDistinct(fraud, genuine, maxBins)
  const fraudShare = fraud.length === 0 ? 0 : genuine.length === 0 ? 1 : FRAUD_SHARE
  const perFraud = fraudShare / Math.max(1, fraud.length)
  const perGenuine = (1 - fraudShare) / Math.max(1, genuine.length)
  const cuts: number[] = []
  let f = 0
  let g = 0
  let filled = 0
  let previous = Number.NaN
  let done = 0
  // Both are sorted: a merge visits each distinct value once.
  while (f < fraud.length || g < genuine.length) {
    const value = Math.min(fraud[f] ?? Number.POSITIVE_INFINITY, genuine[g] ?? Number.POSITIVE_INFINITY)
    const fromF = f
    const fromG = g
    while (f < fraud.length && fraud[f] === value) f++
    while (g < genuine.length && genuine[g] === value) g++
    const mass = (f - fromF) * perFraud + (g - fromG) * perGenuine
    const room = maxBins - 1 - cuts.length
    // A bin ends where it has its share of what is left, or before a value that alone would overfill it.
    const share = (1 - done) / (room + 1)
    const isFull = distinct <= maxBins || filled >= share || (filled > 0 && filled + mass > 1.5 * share)
    if (filled > 0 && room > 0 && isFull) {
      cuts.push(between(previous, value))
      done += filled
      filled = 0
    }
    filled += mass
    previous = value
  }
  return Float64Array.from(cuts)
}

/** A number a with previous < a <= next: midway, or `next` where no double lies between. */
const between = (previous: number, next: number): number => {
  if (previous === Number.NEGATIVE_INFINITY || next === Number.POSITIVE_INFINITY) return next
  const middle = previous / 2 + next / 2
  return middle > previous && middle <= next ? middle : next
}

/** Sorted values of these rows that are not missing. */
const valuesOf = (column: Float64Array, rows: Int32Array): Float64Array<ArrayBuffer> => {
  const values = new Float64Array(rows.length)
  let count = 0
  for (let i = 0; i < rows.length; i++) {
    const value = column[rows[i]!]!
    // Adding 0 makes -0 the 0 that it equals.
    if (!Number.isNaN(value)) values[count++] = value + 0
  }
  return values.subarray(0, count).sort()
}

/** Distinct values of two sorted lists together; stops counting above `enough`. */
const countDistinct = (a: Float64Array, b: Float64Array, enough: number): number => {
  let count = 0
  let i = 0
  let j = 0
  while ((i < a.length || j < b.length) && count <= enough) {
    const value = Math.min(a[i] ?? Number.POSITIVE_INFINITY, b[j] ?? Number.POSITIVE_INFINITY)
    while (i < a.length && a[i] === value) i++
    while (j < b.length && b[j] === value) j++
    count++
  }
  return count
}

/** Codes by falling frequency, then rising code: the bin of each. */
export const placeCategoryBins = (column: Float64Array): Float64Array<ArrayBuffer> => {
  const counts = new Map<number, number>()
  for (const code of column) if (!Number.isNaN(code)) counts.set(code, (counts.get(code) ?? 0) + 1)
  const codes = [...counts].sort(([a, m], [b, n]) => n - m || a - b).map(([code]) => code)
  return Float64Array.from(codes)
}

/** The bin of each value of a numeric feature into `out`; `count` for a missing one. */
export const binNumericColumn = (
  column: Float64Array,
  edges: Float64Array,
  out: Uint8Array | Uint16Array,
): void => {
  const missing = edges.length + 1
  let size = 1
  while (size * 2 <= edges.length) size *= 2
  // Padding lets every search take the same steps, without a branch to mispredict.
  const padded = new Float64Array(2 * size).fill(Number.POSITIVE_INFINITY)
  padded.set(edges)
  for (let row = 0; row < column.length; row++) {
    const value = column[row]!
    let at = 0
    for (let half = size; half > 0; half >>= 1) at += half * Number(padded[at + half - 1]! <= value)
    // +Infinity is not below the padding either.
    out[row] = Number.isNaN(value) ? missing : Math.min(at, edges.length)
  }
}

/**
 * The bin of each code into `out`; `count` for a missing one. Codes without a bin of their own get the last.
 */
export const binCategoryColumn = (
  column: Float64Array,
  { edges, count }: FeatureBins,
  out: Uint8Array | Uint16Array,
): void => {
  const bins = new Map(Array.from(edges, (code, bin) => [code, Math.min(bin, count - 1)]))
  for (let row = 0; row < column.length; row++) {
    const code = column[row]!
    out[row] = Number.isNaN(code) ? count : (bins.get(code) ?? count - 1)
  }
}

/**
 * Of the cuts between the filled bin `from` and the next filled one `to`, the one nearest to the middle of
 * the gap: where a method that sees values and no bins would cut. All of them part the same rows.
 */
export const middleOfGap = ({ edges, count }: FeatureBins, from: number, to: number): number => {
  if (to >= count) return from
  const middle = edges[from]! / 2 + edges[to - 1]! / 2
  let bin = from
  while (bin < to - 1 && Math.abs(edges[bin + 1]! - middle) < Math.abs(edges[bin]! - middle)) bin++
  return bin
}
