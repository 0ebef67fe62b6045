import { HIGH } from '../foundation/elementary/double-words.ts'
import type { Bins, NumericBins } from './reference-bins.ts'

/** Adds each of the first `count` of `values` to `counts[from + its bin]`. */
export type CountIntoBins = (values: BlockOfValues, count: number, counts: Uint32Array, from: number) => void

/** Values as doubles and as halves of doubles: the same bytes. */
export interface BlockOfValues {
  readonly doubles: Float64Array
  readonly words: Int32Array
}

export const blockOfValues = (length: number): BlockOfValues => {
  const doubles = new Float64Array(length)
  return { doubles, words: new Int32Array(doubles.buffer) }
}

/**
 * Bins of a feature in a profile: those of the reference, one for codes it has not, and one for missing
 * values.
 */
export const binCountOf = (bins: Bins): number =>
  bins.kind === 'numeric' ? bins.counts.length + 1 : bins.codes.length + 2

/** Counts values of a feature into its bins; NaN and infinite ones are missing, as in the reference. */
export const countingInto = (bins: Bins): CountIntoBins =>
  bins.kind === 'numeric' ? numericCounting(bins) : categoricalCounting(bins.codes)

/**
 * Which bin a number is in, by a table first: the number's bucket says which few edges are left to compare.
 *
 * Buckets are of equal width, or of equal width in the bits of doubles, which is nearly that of logarithms:
 * whichever leaves fewer comparisons for the reference's own values. Both grow with the number, so the first
 * edge not below it lies between the first edge of its bucket and that of the next.
 */
const numericCounting = (bins: NumericBins): CountIntoBins => {
  const edges = Float64Array.from(bins.edges)
  if (edges.length === 0) return countByBuckets(edges, linearBuckets(0, 0), new Int32Array(3))
  const candidates = bucketings(edges).map((buckets) => {
    const first = firstEdges(edges, buckets)
    return { buckets, first, comparisons: comparisonsOf(bins, edges, buckets, first) }
  })
  candidates.sort((a, b) => a.comparisons - b.comparisons)
  const { buckets, first } = candidates[0]!
  return buckets.kind === 'linear'
    ? countByBuckets(edges, buckets, first)
    : countByBits(edges, buckets, first)
}

interface LinearBuckets {
  readonly kind: 'linear'
  readonly from: number
  /** Buckets for each unit. */
  readonly scale: number
}

interface BitBuckets {
  readonly kind: 'bits'
  readonly from: number
  readonly shift: number
}

type Buckets = LinearBuckets | BitBuckets

/** Buckets 1 to BUCKETS lie between; 0 is all below, BUCKETS + 1 all above. */
const BUCKETS = 1024

const linearBuckets = (from: number, to: number): LinearBuckets => {
  const scale = BUCKETS / (to - from)
  return { kind: 'linear', from, scale: Number.isFinite(scale) ? scale : 0 }
}

/** Ways to part the edges, from the least edge on, or without those at either end, which may lie far out. */
const bucketings = (edges: Float64Array): Buckets[] => {
  const last = edges.length - 1
  const cut = Math.floor(edges.length / 100) + 1
  const spans = [
    [0, last],
    [Math.min(1, last), last],
    [Math.min(cut, last), Math.max(0, last - cut)],
  ] as const
  return spans.flatMap(([low, high]): Buckets[] => {
    const from = orderedWord(edges[low]!)
    const to = orderedWord(edges[high]!)
    let shift = 1
    while ((to >> shift) - (from >> shift) >= BUCKETS) shift++
    return [linearBuckets(edges[low]!, edges[high]!), { kind: 'bits', from: from >> shift, shift }]
  })
}

const one = blockOfValues(1)

/** The upper half of a double, as a whole number in the order of doubles. */
const orderedWord = (value: number): number => {
  one.doubles[0] = value
  const word = one.words[HIGH]!
  return word ^ ((word >> 31) & 0x7fffffff)
}

const bucketOf = (buckets: Buckets, value: number): number => {
  if (buckets.kind === 'linear') return clamped((value - buckets.from) * buckets.scale)
  const bucket = (orderedWord(value) >> buckets.shift) - buckets.from
  return clamped(bucket)
}

const clamped = (bucket: number): number =>
  bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS + 1 : (bucket | 0) + 1

/** Of each bucket how many edges lie in those before it; two more than buckets. */
const firstEdges = (edges: Float64Array, buckets: Buckets): Int32Array => {
  const first = new Int32Array(BUCKETS + 3)
  for (const edge of edges) first[bucketOf(buckets, edge) + 1]!++
  for (let bucket = 1; bucket < first.length; bucket++) first[bucket]! += first[bucket - 1]!
  return first
}

/** Comparisons for all values of the reference, each taken for the edge that its bin ends with. */
const comparisonsOf = (
  bins: NumericBins,
  edges: Float64Array,
  buckets: Buckets,
  first: Int32Array,
): number => {
  let comparisons = 0
  for (const [bin, edge] of edges.entries()) {
    const bucket = bucketOf(buckets, edge)
    const left = first[bucket + 1]! - first[bucket]!
    comparisons += (bins.counts[bin]! + 1) * (32 - Math.clz32(left))
  }
  return comparisons
}

/** The two loops differ in one line and are apart so that each is compiled for what it does. */
const countByBuckets = (
  edges: Float64Array,
  { from: start, scale }: LinearBuckets,
  first: Int32Array,
): CountIntoBins => {
  const missing = edges.length + 1
  return ({ doubles }, count, counts, from) => {
    for (let i = 0; i < count; i++) {
      const value = doubles[i]!
      let bin = missing
      // NaN and infinite values are the ones that are not 0 from themselves.
      if (value - value === 0) {
        const place = (value - start) * scale
        const bucket = place < 0 ? 0 : place >= BUCKETS ? BUCKETS + 1 : (place | 0) + 1
        bin = first[bucket]!
        let high = first[bucket + 1]!
        while (bin < high) {
          const middle = (bin + high) >> 1
          if (edges[middle]! < value) bin = middle + 1
          else high = middle
        }
      }
      counts[from + bin]!++
    }
  }
}

const countByBits = (
  edges: Float64Array,
  { from: start, shift }: BitBuckets,
  first: Int32Array,
): CountIntoBins => {
  const missing = edges.length + 1
  return ({ doubles, words }, count, counts, from) => {
    for (let i = 0; i < count; i++) {
      const value = doubles[i]!
      let bin = missing
      if (value - value === 0) {
        const word = words[2 * i + HIGH]!
        const place = ((word ^ ((word >> 31) & 0x7fffffff)) >> shift) - start
        const bucket = place < 0 ? 0 : place >= BUCKETS ? BUCKETS + 1 : place + 1
        bin = first[bucket]!
        let high = first[bucket + 1]!
        while (bin < high) {
          const middle = (bin + high) >> 1
          if (edges[middle]! < value) bin = middle + 1
          else high = middle
        }
      }
      counts[from + bin]!++
    }
  }
}

/** Codes are small whole numbers from -1: a table holds them; what is in none is an unseen category. */
const categoricalCounting = (codes: readonly number[]): CountIntoBins => {
  const unseen = codes.length
  const missing = codes.length + 1
  const table = new Int32Array(MOST_CODES).fill(unseen)
  const others = new Map<number, number>()
  for (const [bin, code] of codes.entries())
    if (Number.isInteger(code) && code >= -1 && code < MOST_CODES - 1) table[code + 1] = bin
    else others.set(code, bin)
  return ({ doubles }, count, counts, from) => {
    for (let i = 0; i < count; i++) {
      const value = doubles[i]!
      const place = (value | 0) + 1
      let bin = missing
      if (place - 1 === value && place >= 0 && place < MOST_CODES) bin = table[place]!
      else if (value - value === 0) bin = others.get(value) ?? unseen
      counts[from + bin]!++
    }
  }
}

/** Most codes in a table; more than that are looked up in a map. */
const MOST_CODES = 4096
