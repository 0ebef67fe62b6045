import type { FeatureTable } from '../feature-table.ts'
import { evenlySpacedRows } from './evenly-spaced-rows.ts'

/** Absolute correlation of every two features, in a square of `size`. */
export interface Correlations {
  readonly size: number
  /**
   * |r| of features i and j at i * size + j, from 0 to 1; NaN where it is not defined, also for one without
   * an order.
   */
  readonly absolute: Float64Array
}

/**
 * Rows that correlations are computed on at most, evenly spaced. On as many, a correlation of .95 has a
 * standard error of .0004, one of 0 of .0045.
 */
export const CORRELATED_ROWS = 50_000

/**
 * Absolute correlations of all features: `pearson` of their values, `spearman` of their ranks (equal values
 * share the mean of their ranks).
 *
 * A pair is compared on the rows where both have a value; ranks are those among all of a feature's values.
 * NaN, so never alike, when one is constant or categorical, or when the rows with both are fewer than half of
 * those with either: then one cannot stand for the other. With more than 50,000 rows, as many evenly spaced
 * ones are compared.
 */
export const absoluteCorrelations = (
  table: FeatureTable,
  method: 'pearson' | 'spearman',
  atMostRows = CORRELATED_ROWS,
): Correlations => {
  const rows = evenlySpacedRows(table.rowCount, atMostRows)
  const columns = table.columns.map((column, f) =>
    table.categorical?.includes(table.names[f]!) ? undefined : prepare(column, rows, method),
  )
  const size = columns.length
  const absolute = new Float64Array(size * size).fill(Number.NaN)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = columns[i] && columns[j] ? absoluteCorrelation(columns[i]!, columns[j]!) : Number.NaN
      absolute[i * size + j] = value
      absolute[j * size + i] = value
    }
  }
  return { size, absolute }
}

/** Standardised values (mean 0, sum of squares 1), 0 where missing. */
interface Prepared {
  readonly values: Float64Array
  /** 1 where there is a value; absent when there is one everywhere. */
  readonly present?: Uint8Array
  readonly presentCount: number
}

/** Undefined for a constant. */
const prepare = (
  column: Float64Array,
  rows: Int32Array,
  method: 'pearson' | 'spearman',
): Prepared | undefined => {
  const sampled = Float64Array.from(rows, (row) => column[row]!)
  const values = method === 'spearman' ? ranksOf(sampled) : sampled
  const present = Uint8Array.from(values, (value) => (Number.isNaN(value) ? 0 : 1))
  const presentCount = present.reduce((sum, bit) => sum + bit, 0)
  const mean = values.reduce((sum, value) => (Number.isNaN(value) ? sum : sum + value), 0) / presentCount
  for (let i = 0; i < values.length; i++) values[i] = present[i] === 1 ? values[i]! - mean : 0
  const length = Math.sqrt(dot(values, values))
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  // What rounding leaves of a constant is no spread.
  if (!(largest > 1e-13 * Math.abs(mean))) return undefined
  for (let i = 0; i < values.length; i++) values[i]! /= length
  return presentCount === values.length ? { values, presentCount } : { values, present, presentCount }
}

const absoluteCorrelation = (a: Prepared, b: Prepared): number =>
  Math.min(
    1,
    Math.abs(
      a.present === undefined && b.present === undefined ? dot(a.values, b.values) : onCommonRows(a, b),
    ),
  )

/** Without branches: a missing value is 0 in every sum. */
const onCommonRows = (a: Prepared, b: Prepared): number => {
  let count = 0
  let sumA = 0
  let sumB = 0
  let squaresA = 0
  let squaresB = 0
  let products = 0
  for (let i = 0; i < a.values.length; i++) {
    const both = (a.present?.[i] ?? 1) & (b.present?.[i] ?? 1)
    const x = a.values[i]! * both
    const y = b.values[i]! * both
    count += both
    sumA += x
    sumB += y
    squaresA += x * x
    squaresB += y * y
    products += x * y
  }
  if (count * 2 < a.presentCount + b.presentCount - count) return Number.NaN
  const spreadA = squaresA - (sumA * sumA) / count
  const spreadB = squaresB - (sumB * sumB) / count
  // Rounding leaves something of a feature that is constant on the common rows.
  if (!(spreadA > 1e-12 * squaresA && spreadB > 1e-12 * squaresB)) return Number.NaN
  return (products - (sumA * sumB) / count) / Math.sqrt(spreadA * spreadB)
}

/** Four sums side by side: one alone would wait for each addition. The order of addition is fixed. */
const dot = (x: Float64Array, y: Float64Array): number => {
  const even = x.length - (x.length % 4)
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  for (let i = 0; i < even; i += 4) {
    a += x[i]! * y[i]!
    b += x[i + 1]! * y[i + 1]!
    c += x[i + 2]! * y[i + 2]!
    d += x[i + 3]! * y[i + 3]!
  }
  for (let i = even; i < x.length; i++) a += x[i]! * y[i]!
  return a + b + (c + d)
}

/** Ranks from 1 on, equal values sharing the mean of theirs; NaN stays NaN. */
const ranksOf = (values: Float64Array): Float64Array => {
  const order = Int32Array.from(values.keys()).filter((i) => !Number.isNaN(values[i]!))
  order.sort((i, j) => values[i]! - values[j]!)
  const ranks = new Float64Array(values.length).fill(Number.NaN)
  for (let from = 0; from < order.length; ) {
    let to = from + 1
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++
    for (let i = from; i < to; i++) ranks[order[i]!] = (from + to + 1) / 2
    from = to
  }
  return ranks
}
