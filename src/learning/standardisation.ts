import type { FeatureTable } from './feature-table.ts'

/**
 * Mean and population standard deviation of each feature, of the training rows only. A constant feature has
 * scale 1.
 */
export interface Standardisation {
  readonly means: readonly number[]
  readonly scales: readonly number[]
}

/**
 * Learns means and scales from training rows, each counted with its weight (1 when absent). Missing values
 * (NaN) are left out of both; a feature without any value has mean 0 and scale 1.
 */
export function fitStandardisation(table: FeatureTable, weights?: Float64Array): Standardisation {
  const moments = table.columns.map((column) => momentsOf(column, weights))
  return { means: moments.map((m) => m.mean), scales: moments.map((m) => m.scale) }
}

/** One standardised value. A missing value becomes 0, which is the training mean. */
export function standardise(value: number, mean: number, scale: number): number {
  return Number.isNaN(value) ? 0 : (value - mean) / scale
}

/** Sums of squares of larger values than this could overflow. */
const LARGE = 1e150
/** Large values are summed in this part of themselves, a power of two: only their exponents change. */
const SHRUNK = 2 ** -600

function momentsOf(column: Float64Array, weights: Float64Array | undefined): { mean: number; scale: number } {
  const weightOf = (row: number): number => {
    const weight = weights === undefined ? 1 : weights[row]!
    return Number.isNaN(column[row]!) ? 0 : weight
  }
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (let row = 0; row < column.length; row++) {
    if (weightOf(row) === 0) continue
    const value = column[row]!
    if (value < lowest) lowest = value
    if (value > highest) highest = value
  }
  if (lowest > highest) return { mean: 0, scale: 1 }
  // Rounding makes the mean of equal values differ from them, so a constant is recognised by its range.
  if (lowest === highest) return { mean: lowest, scale: 1 }
  const part = Math.max(-lowest, highest) > LARGE ? SHRUNK : 1
  let count = 0
  let sum = 0
  for (let row = 0; row < column.length; row++) {
    const weight = weightOf(row)
    if (weight === 0) continue
    count += weight
    sum += weight * (column[row]! * part)
  }
  const mean = sum / count
  let squares = 0
  for (let row = 0; row < column.length; row++) {
    const weight = weightOf(row)
    if (weight === 0) continue
    const distance = column[row]! * part - mean
    squares += weight * distance * distance
  }
  const scale = Math.sqrt(squares / count) / part
  return { mean: mean / part, scale: scale > 0 ? scale : 1 }
}
