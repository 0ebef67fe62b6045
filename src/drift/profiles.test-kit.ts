import { createRandom } from '../foundation/random.ts'
import type { CategoricalBins, DriftReference, NumericBins } from './reference-bins.ts'

/** Bins of values, each different value its own, or `most` of about equal counts. */
export const numericBinsOf = (values: readonly number[], most = 256): NumericBins => {
  const present = values.filter(Number.isFinite).sort((a, b) => a - b)
  const target = Math.max(1, Math.floor(present.length / most))
  const edges: number[] = []
  const counts: number[] = []
  let open = 0
  for (const [at, value] of present.entries()) {
    open++
    const next = present[at + 1]
    if (next === value || (open < target && next !== undefined)) continue
    edges.push(value)
    counts.push(open)
    open = 0
  }
  const mean = present.reduce((sum, value) => sum + value, 0) / present.length
  const variance = present.reduce((sum, value) => sum + (value - mean) ** 2, 0) / present.length
  return {
    kind: 'numeric',
    count: present.length,
    missing: values.length - present.length,
    variance: Number.isNaN(variance) ? 0 : variance,
    edges,
    counts: [...counts, 0],
  }
}

export const categoricalBinsOf = (values: readonly number[]): CategoricalBins => {
  const present = values.filter(Number.isFinite)
  const codes = [...new Set(present)].sort((a, b) => a - b)
  return {
    kind: 'categorical',
    count: present.length,
    missing: values.length - present.length,
    codes,
    counts: codes.map((code) => present.filter((value) => value === code).length),
  }
}

/** A reference with features of all shapes, drawn from `seed`. */
export const shapedReference = (seed: number, rows = 3000): DriftReference => {
  const random = createRandom(seed)
  const drawn = (draw: () => number) => Array.from({ length: rows }, draw)
  const { normal, integer, next } = random
  return {
    features: {
      amount: numericBinsOf(drawn(() => Math.exp(2 * normal()))),
      sine: numericBinsOf(drawn(() => Math.sin(7 * next()))),
      visits: numericBinsOf(drawn(() => integer(6))),
      rare: numericBinsOf(drawn(() => (next() < 0.9 ? Number.NaN : normal() - 3))),
      one_value: numericBinsOf(drawn(() => 5)),
      empty: numericBinsOf(drawn(() => Number.NaN)),
      far_out: numericBinsOf(drawn(() => (next() < 0.01 ? -1e300 * next() : 1e-300 * normal()))),
      category: categoricalBinsOf(drawn(() => integer(9) - 1)),
      wide_codes: categoricalBinsOf(drawn(() => integer(5) * 100_000)),
    },
    score: { profile: numericBinsOf(drawn(() => next() ** 3)) },
  }
}

/**
 * Rows for `shapedReference`, not quite like it: values out of range, in new categories, missing, infinite.
 */
export const shapedRows = (seed: number, rows: number): { features: Float64Array; scores: Float64Array } => {
  const { normal, integer, next } = createRandom(seed)
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1e308, -1e308, 5e-324]
  const oddOr = (value: number) => (next() < 0.05 ? odd[integer(odd.length)]! : value)
  const features: number[] = []
  for (let row = 0; row < rows; row++)
    features.push(
      ...[Math.exp(2.5 * normal()), Math.sin(9 * next()), integer(8), normal(), integer(9), normal()].map(
        oddOr,
      ),
      ...[1e-300 * normal(), integer(12) - 2, integer(6) * 100_000].map(oddOr),
    )
  return { features: Float64Array.from(features), scores: Float64Array.from({ length: rows }, next) }
}
