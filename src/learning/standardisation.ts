import type { FeatureTable } from './feature-table.ts'

/** Mean and population standard deviation of each feature, of the training rows only. A constant feature has scale 1. */
export interface Standardisation {
  readonly means: readonly number[]
  readonly scales: readonly number[]
}

/**
 * Learns means and scales from training rows. Missing values (NaN) are left out of both; a feature without any value has
 * mean 0 and scale 1.
 */
export function fitStandardisation(table: FeatureTable): Standardisation {
  const moments = table.columns.map(momentsOf)
  return { means: moments.map((m) => m.mean), scales: moments.map((m) => m.scale) }
}

/** One standardised value. A missing value becomes 0, which is the training mean. */
export function standardise(value: number, mean: number, scale: number): number {
  return Number.isNaN(value) ? 0 : (value - mean) / scale
}

function momentsOf(column: Float64Array): { mean: number; scale: number } {
  let count = 0
  let sum = 0
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (const value of column) {
    if (Number.isNaN(value)) continue
    count++
    sum += value
    if (value < lowest) lowest = value
    if (value > highest) highest = value
  }
  if (count === 0) return { mean: 0, scale: 1 }
  // Rounding makes the mean of equal values differ from them, so a constant is recognised by its range.
  if (lowest === highest) return { mean: lowest, scale: 1 }
  const mean = sum / count
  let squares = 0
  for (const value of column) if (!Number.isNaN(value)) squares += (value - mean) * (value - mean)
  const scale = Math.sqrt(squares / count)
  return { mean, scale: scale > 0 ? scale : 1 }
}
