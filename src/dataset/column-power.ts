/**
 * How well one column alone tells fraud from the rest: the area under the ROC curve of the best use of it
 * that is tried, on rows that come after those it was learnt from. 0.5 is none, 1 gives fraud away.
 */

/** Fewest frauds, and fewest honest rows, to learn from and to judge by: fewer agree by chance. */
const FEWEST = 5
const BINS = 50
/** Stands for a missing value among categories; no bin and no value has it. */
const MISSING = -2

/** What a column's power is measured on: rows in event order. */
export interface LabelledRows {
  /** Above 0: fraud. */
  readonly labels: ArrayLike<number>
  /** The first row to judge by; those before it are learnt from. */
  readonly judgedFrom: number
}

/**
 * The power of a column of texts, null where a value is missing; null when there are too few frauds or honest
 * rows to say.
 *
 * A column of numbers is tried by rank, in the direction that the earlier rows show, and in 50 bins of equal
 * count; text by its values. Each bin and each value scores with the fraud rate of the earlier rows, one not
 * seen there with the overall rate: an identifier that never repeats says nothing. A gap is a value.
 */
export const columnPower = (values: readonly (string | null)[], rows: LabelledRows): number | null => {
  const { labels, judgedFrom } = rows
  const early = countFrauds(labels, 0, judgedFrom)
  const late = countFrauds(labels, judgedFrom, values.length)
  const honest = [judgedFrom - early, values.length - judgedFrom - late]
  if (Math.min(early, late, ...honest) < FEWEST) return null
  const numbers = numbersOf(values)
  if (numbers === null) return aucOfCategories(codesOf(values), rows)
  const distinct = new Set(numbers.filter((value) => !Number.isNaN(value)))
  const codes = distinct.size <= BINS ? codesOf(values) : binned(numbers)
  return Math.max(aucByRank(numbers, rows), aucOfCategories(codes, rows))
}

const countFrauds = (labels: ArrayLike<number>, from: number, to: number): number => {
  let count = 0
  for (let row = from; row < to; row++) if (labels[row]! > 0) count++
  return count
}

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/

/** NaN where missing; null when a value is no number. */
const numbersOf = (values: readonly (string | null)[]): Float64Array | null => {
  const numbers = new Float64Array(values.length).fill(Number.NaN)
  for (let row = 0; row < values.length; row++) {
    const value = values[row]
    if (value === null || value === undefined) continue
    if (!NUMBER.test(value)) return null
    numbers[row] = Number(value)
  }
  return numbers
}

const codesOf = (values: readonly (string | null)[]): Float64Array => {
  const codes = new Map<string, number>()
  return Float64Array.from(values, (value) => {
    if (value === null) return MISSING
    const code = codes.get(value) ?? codes.size
    codes.set(value, code)
    return code
  })
}

/** Judged on the rows that have a number, as far as both kinds are among them. */
const aucByRank = (numbers: Float64Array, { labels, judgedFrom }: LabelledRows): number => {
  const known = Int32Array.from(numbers.keys()).filter((row) => !Number.isNaN(numbers[row]!))
  const [early, late] = [known.filter((row) => row < judgedFrom), known.filter((row) => row >= judgedFrom)]
  // A rank among a few says nothing of the whole; gaps are judged as a value.
  if (late.length < (numbers.length - judgedFrom) / 2) return 0.5
  const upwards = aucOf(pick(numbers, early), pick(labels, early))
  const judged = aucOf(pick(numbers, late), pick(labels, late))
  return upwards >= 0.5 ? judged : 1 - judged
}

/** Area under the ROC curve; equal scores count half. Rows with a label above 0 are frauds. */
export const aucOf = (scores: Float64Array, labels: Float64Array): number => {
  const order = Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!)
  let frauds = 0
  let rankSum = 0
  for (let start = 0; start < order.length; ) {
    let end = start
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) end++
    for (let i = start; i < end; i++)
      if (labels[order[i]!]! > 0) {
        frauds++
        rankSum += (start + 1 + end) / 2
      }
    start = end
  }
  const honest = order.length - frauds
  return frauds === 0 || honest === 0 ? 0.5 : (rankSum - (frauds * (frauds + 1)) / 2) / (frauds * honest)
}

/** The same area, where the score of a category is its fraud rate in the earlier rows. */
export const aucOfCategories = (codes: Float64Array, { labels, judgedFrom }: LabelledRows): number => {
  const counts = new Map<number, { rows: number; frauds: number }>()
  for (let row = 0; row < judgedFrom; row++) {
    const count = counts.get(codes[row]!) ?? { rows: 0, frauds: 0 }
    counts.set(codes[row]!, { rows: count.rows + 1, frauds: count.frauds + (labels[row]! > 0 ? 1 : 0) })
  }
  const base = countFrauds(labels, 0, judgedFrom) / Math.max(1, judgedFrom)
  // Ten rows at the overall rate are added to each category, so that rare ones are not believed too much.
  const score = (code: number): number => {
    const count = counts.get(code)
    return count === undefined ? base : (count.frauds + 10 * base) / (count.rows + 10)
  }
  const late = Int32Array.from({ length: codes.length - judgedFrom }, (_, index) => judgedFrom + index)
  return aucOf(pick(codes, late).map(score), pick(labels, late))
}

/** The bin of each number, of 50 with equal counts; `MISSING` where it is NaN. */
export const binned = (values: Float64Array): Float64Array => {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort()
  const edges = Float64Array.from(
    { length: BINS - 1 },
    (_, index) => sorted[Math.floor(((index + 1) * sorted.length) / BINS)]!,
  )
  return values.map((value) => (Number.isNaN(value) ? MISSING : edges.findLastIndex((edge) => edge <= value)))
}

const pick = (values: ArrayLike<number>, rows: Int32Array): Float64Array =>
  Float64Array.from(rows, (row) => values[row]!)
