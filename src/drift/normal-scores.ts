import { normalQuantile } from '../foundation/normal-quantile.ts'
import type { NumericBins } from './reference-bins.ts'

/**
 * Of each bin the normal score of its middle rank within the reference: the normal quantile of the share of
 * values below it and half of its own (van der Waerden, 1952; for ties Conover, 1999). So a change is told in
 * standard deviations of ranks, and no outlier weighs more than its rank.
 */
export const normalScores = ({ count, counts }: NumericBins): Float64Array => {
  let below = 0
  const least = 1 / (2 * count + 2)
  return Float64Array.from(counts, (inBin) => {
    const rank = (below + inBin / 2) / count
    below += inBin
    return normalQuantile(Math.min(1 - least, Math.max(least, rank)))
  })
}

/**
 * A 1 for each bin that begins at or above the reference's `quantile`. The last, above all values, is one.
 */
export const aboveQuantile = ({ count, counts }: NumericBins, quantile: number): Uint8Array => {
  let below = 0
  const wanted = Uint8Array.from(counts, (inBin) => {
    const isAbove = below >= quantile * count
    below += inBin
    return isAbove ? 1 : 0
  })
  wanted[wanted.length - 1] = 1
  return wanted
}

/** Of values that stand `counts` times each. */
export const standardDeviation = (counts: ArrayLike<number>, values: ArrayLike<number>): number => {
  let [count, sum, squares] = [0, 0, 0]
  for (let i = 0; i < values.length; i++) {
    count += counts[i]!
    sum += counts[i]! * values[i]!
  }
  for (let i = 0; i < values.length; i++) {
    const apart = values[i]! - sum / count
    squares += counts[i]! * apart * apart
  }
  return Math.sqrt(squares / count)
}
