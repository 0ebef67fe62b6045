import { Type } from 'typebox'

/** Bins of a profile at least, where a feature has as many different values. */
const DEFAULT_BINS = 256

/**
 * How numbers are distributed, fine enough for every test of drift: population stability, Kolmogorov-Smirnov,
 * Wasserstein, Jensen-Shannon.
 *
 * Bin i holds edges[i - 1] < x <= edges[i]; bin 0 also everything below, and one more bin, the last of
 * `counts`, everything above the largest edge (none of the profiled values themselves). Every edge is a value
 * that occurred. Values that are missing (NaN) or infinite are counted in `missing` and nowhere else.
 */
export interface NumericProfile {
  readonly kind: 'numeric'
  /** Values, missing ones not among them. */
  readonly count: number
  readonly missing: number
  /** 0 without a value, as are `max`, `mean` and `variance`. */
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Of the population: divided by `count`. The largest double where it is larger: JSON has no infinity. */
  readonly variance: number
  /**
   * Ascending. A value so frequent that it fills a bin has one of its own: then the edge before it is the
   * next smaller value that occurred.
   */
  readonly edges: readonly number[]
  /** One more than `edges`. */
  readonly counts: readonly number[]
}

/** How codes without an order are distributed: for chi-squared, population stability, Jensen-Shannon. */
export interface CategoricalProfile {
  readonly kind: 'categorical'
  readonly count: number
  readonly missing: number
  /** Codes that occurred, ascending; -1 is the unknown category. */
  readonly codes: readonly number[]
  readonly counts: readonly number[]
}

/** `reference.json`: what the features and scores of a model were like when it was trained. */
export interface ReferenceProfile {
  readonly schema: 1
  /** Training rows, which the features are profiled on. */
  readonly rows: number
  /** By name. */
  readonly features: Readonly<Record<string, NumericProfile | CategoricalProfile>>
  /**
   * Calibrated probabilities on the rows of `part`: validation, because a model is too sure of the rows it
   * learnt from.
   */
  readonly score: { readonly part: 'train' | 'validation'; readonly profile: NumericProfile }
  /**
   * Share of each feature in what moves the scores: the mean size of its SHAP values over a sample of rows of
   * `part`, over the sum of all. Absent in artifacts of before there was any.
   */
  readonly importance?: Readonly<Record<string, number>>
}

/**
 * Profiles numbers in at least `bins` bins, where that many values differ, and at most twice as many and one.
 * Deterministic: rows in another order change no more than the last bits of mean and variance. O(n log n).
 */
export const profileNumbers = (values: Float64Array, bins = DEFAULT_BINS): NumericProfile => {
  const sorted = values.filter((value) => Number.isFinite(value)).sort()
  const count = sorted.length
  const missing = values.length - count
  if (count === 0)
    return { kind: 'numeric', count, missing, min: 0, max: 0, mean: 0, variance: 0, edges: [], counts: [0] }
  const { edges, counts } = equalCountBins(sorted, Math.max(1, Math.floor(count / bins)))
  const moments = momentsOf(sorted)
  return {
    kind: 'numeric',
    count,
    missing,
    min: plain(sorted[0]!),
    max: plain(sorted[count - 1]!),
    ...moments,
    edges,
    counts: [...counts, 0],
  }
}

/** Profiles codes: whole numbers from -1 on. O(n). */
export const profileCodes = (values: Float64Array): CategoricalProfile => {
  const counted = new Map<number, number>()
  let missing = 0
  for (const value of values) {
    if (Number.isFinite(value)) counted.set(value, (counted.get(value) ?? 0) + 1)
    else missing++
  }
  const entries = [...counted].sort(([a], [b]) => a - b)
  return {
    kind: 'categorical',
    count: values.length - missing,
    missing,
    codes: entries.map(([code]) => plain(code)),
    counts: entries.map(([, count]) => count),
  }
}

/**
 * Profiles other numbers in the bins of `reference`, so that both can be compared bin by bin. O(n log bins).
 */
export const profileNumbersLike = (reference: NumericProfile, values: Float64Array): NumericProfile => {
  const { edges } = reference
  const present = values.filter((value) => Number.isFinite(value))
  const counts = new Array<number>(edges.length + 1).fill(0)
  for (const value of present) counts[binOf(edges, value)]!++
  const missing = values.length - present.length
  if (present.length === 0)
    return { kind: 'numeric', count: 0, missing, min: 0, max: 0, mean: 0, variance: 0, edges, counts }
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const value of present) {
    if (value < min) min = value
    if (value > max) max = value
  }
  const range = { min: plain(min), max: plain(max) }
  return { kind: 'numeric', count: present.length, missing, ...range, ...momentsOf(present), edges, counts }
}

/**
 * The profile of two samples together, from their profiles in the same bins; undefined when the bins differ.
 * Counts are exact; mean and variance are Chan, Golub and LeVeque's (1979), right to rounding.
 */
export const mergeNumericProfiles = (a: NumericProfile, b: NumericProfile): NumericProfile | undefined => {
  if (a.edges.length !== b.edges.length || a.edges.some((edge, at) => edge !== b.edges[at])) return undefined
  if (a.count === 0) return { ...b, missing: a.missing + b.missing }
  if (b.count === 0) return { ...a, missing: a.missing + b.missing }
  const count = a.count + b.count
  const apart = finite(b.mean - a.mean)
  return {
    kind: 'numeric',
    count,
    missing: a.missing + b.missing,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    mean: a.mean + apart * (b.count / count),
    variance: finite(
      (a.variance * a.count + b.variance * b.count + (apart * apart * a.count * b.count) / count) / count,
    ),
    edges: a.edges,
    counts: a.counts.map((number, bin) => number + b.counts[bin]!),
  }
}

/** The profile of two samples of codes together: exact. */
export const mergeCategoricalProfiles = (
  a: CategoricalProfile,
  b: CategoricalProfile,
): CategoricalProfile => {
  const counted = new Map(a.codes.map((code, at) => [code, a.counts[at]!]))
  for (const [at, code] of b.codes.entries()) counted.set(code, (counted.get(code) ?? 0) + b.counts[at]!)
  const entries = [...counted].sort(([x], [y]) => x - y)
  return {
    kind: 'categorical',
    count: a.count + b.count,
    missing: a.missing + b.missing,
    codes: entries.map(([code]) => code),
    counts: entries.map(([, count]) => count),
  }
}

/** Index of the first edge that is not below `value`; `edges.length` above all. */
export const binOf = (edges: readonly number[], value: number): number => {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (edges[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Bins of at least `target` values; a value that occurs that often has its own. */
const equalCountBins = (sorted: Float64Array, target: number): { edges: number[]; counts: number[] } => {
  const edges: number[] = []
  const counts: number[] = []
  let open = 0
  let start = 0
  const close = (edge: number, count: number): void => {
    edges.push(plain(edge))
    counts.push(count)
    open = 0
  }
  while (start < sorted.length) {
    const value = sorted[start]!
    let end = start + 1
    while (end < sorted.length && sorted[end] === value) end++
    const repeats = end - start
    if (repeats >= target) {
      if (open > 0) close(sorted[start - 1]!, open)
      close(value, repeats)
    } else {
      open += repeats
      if (open >= target || end === sorted.length) close(value, open)
    }
    start = end
  }
  return { edges, counts }
}

/** Mean and population variance, in two passes. */
const momentsOf = (values: Float64Array): { mean: number; variance: number } => {
  let sum = 0
  for (const value of values) sum += value
  const mean = Number.isFinite(sum) ? sum / values.length : meanOfLarge(values)
  let squares = 0
  for (const value of values) squares += (value - mean) * (value - mean)
  return { mean, variance: finite(squares / values.length) }
}

/** The mean of values whose sum is no double. */
const meanOfLarge = (values: Float64Array): number => {
  let mean = 0
  for (const value of values) mean += value / values.length
  return finite(mean)
}

/** The nearest double: a feature may be so large that its square is none. */
const finite = (value: number): number => Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value))

/** JSON has no -0. */
const plain = (value: number): number => (value === 0 ? 0 : value)

const closed = { additionalProperties: false }
const counting = Type.Integer({ minimum: 0 })
const NumericSchema = Type.Object(
  {
    kind: Type.Literal('numeric'),
    count: counting,
    missing: counting,
    min: Type.Number(),
    max: Type.Number(),
    mean: Type.Number(),
    variance: Type.Number({ minimum: 0 }),
    edges: Type.Array(Type.Number()),
    counts: Type.Array(counting, { minItems: 1 }),
  },
  closed,
)
const CategoricalSchema = Type.Object(
  {
    kind: Type.Literal('categorical'),
    count: counting,
    missing: counting,
    codes: Type.Array(Type.Number()),
    counts: Type.Array(counting),
  },
  closed,
)

/** Shape of `reference.json`; `whyProfileUnsound` checks what it holds. */
export const ReferenceProfileSchema = Type.Object(
  {
    schema: Type.Literal(1),
    rows: counting,
    features: Type.Record(Type.String(), Type.Union([NumericSchema, CategoricalSchema])),
    score: Type.Object(
      { part: Type.Union([Type.Literal('train'), Type.Literal('validation')]), profile: NumericSchema },
      closed,
    ),
    importance: Type.Optional(Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: 1 }))),
  },
  closed,
)

/**
 * Why a profile of the right shape must not be used, or undefined: one for each feature, edges ascending,
 * counts that add up.
 */
export const whyProfileUnsound = (
  { features, score }: ReferenceProfile,
  names: readonly string[],
): string | undefined => {
  const missing = names.find((name) => !Object.hasOwn(features, name))
  if (missing !== undefined) return `it has no profile of the feature ${missing}`
  if (Object.keys(features).length !== names.length) return 'it profiles what is no feature of the model'
  for (const [name, profile] of [...Object.entries(features), ['the score', score.profile] as const]) {
    const marks = profile.kind === 'numeric' ? profile.edges : profile.codes
    const bins = profile.kind === 'numeric' ? marks.length + 1 : marks.length
    if (profile.counts.length !== bins) return `the profile of ${name} has not one count for each bin`
    if (marks.some((mark, at) => at > 0 && !(mark > marks[at - 1]!)))
      return `the bins of ${name} do not ascend`
    if (profile.counts.reduce((sum, bin) => sum + bin, 0) !== profile.count)
      return `the counts of ${name} do not add up`
  }
  return undefined
}
