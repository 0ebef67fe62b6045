import type { EffectLimits } from './drift-settings.ts'
import type { ProfileColumn } from './profile-layout.ts'
import type { NumericBins } from './reference-bins.ts'
import { totalOf } from './tests/counts.ts'
import { populationStability } from './tests/population-stability.ts'
import { shareRatio } from './tests/share-pair.ts'
import { wasserstein } from './tests/wasserstein.ts'

/** How large a change is, whatever the number of rows. NaN where one side has no values. */
export interface DriftEffect extends EffectLimits {
  /** 0 for codes, and for a feature whose reference has one value. */
  readonly shift: number
  readonly stability: number
  /** The largest of missing values, of unseen categories, and of each category. */
  readonly ratio: number
}

/** Groups that bins are put together in, since the index of 256 bins is mostly chance. */
const GROUPS = 10

/** Effects of one column: `base` and `current` are its counts in two profiles, missing values last. */
export const effectOf = (column: ProfileColumn, base: Uint32Array, current: Uint32Array): DriftEffect => {
  const last = column.size - 1
  const [values, valuesNow] = [base.subarray(0, last), current.subarray(0, last)]
  const [rows, rowsNow] = [totalOf(base), totalOf(current)]
  const missing = shareRatio(base[last]! / rows, current[last]! / rowsNow)
  if (column.bins.kind === 'numeric')
    return {
      shift: shiftOf(column.bins, values, valuesNow),
      stability: populationStability(...grouped(values, valuesNow)),
      ratio: missing,
    }
  const [count, countNow] = [totalOf(values), totalOf(valuesNow)]
  let ratio = missing
  for (let bin = 0; bin < last; bin++)
    ratio = Math.max(ratio, shareRatio(values[bin]! / count, valuesNow[bin]! / countNow))
  return { shift: 0, stability: populationStability(values, valuesNow), ratio }
}

/** Wasserstein's distance over the reference's standard deviation; 0 where that is 0. */
export const shiftOf = (bins: NumericBins, base: ArrayLike<number>, current: ArrayLike<number>): number => {
  const deviation = Math.sqrt(bins.variance)
  return deviation > 0 ? wasserstein(positionsOf(bins), base, current) / deviation : 0
}

/**
 * Where the values of each bin are taken to be: at its upper edge, which is the value itself where a bin has
 * one; those above all edges one standard deviation beyond the last, so that one wild value says little.
 */
export const positionsOf = ({ edges, variance }: NumericBins): number[] => [
  ...edges,
  (edges.at(-1) ?? 0) + Math.sqrt(variance),
]

/** Both counts with neighbouring bins put together until each group has a tenth of the base. */
const grouped = (base: Uint32Array, current: Uint32Array): [number[], number[]] => {
  const least = totalOf(base) / GROUPS
  const groups: [number[], number[]] = [[], []]
  let [open, openNow] = [0, 0]
  for (let bin = 0; bin < base.length; bin++) {
    open += base[bin]!
    openNow += current[bin]!
    if (open < least && bin < base.length - 1) continue
    groups[0].push(open)
    groups[1].push(openNow)
    open = 0
    openNow = 0
  }
  return groups
}
