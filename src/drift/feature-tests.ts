import { positionsOf } from './effects.ts'
import type { ProfileColumn } from './profile-layout.ts'
import { benjaminiHochberg } from './tests/benjamini-hochberg.ts'
import { chiSquared } from './tests/chi-squared.ts'
import { totalOf } from './tests/counts.ts'
import { cramersV } from './tests/cramers-v.ts'
import { jensenShannon } from './tests/jensen-shannon.ts'
import { kolmogorovSmirnov, kolmogorovSmirnovTail } from './tests/kolmogorov-smirnov.ts'
import { missingShare } from './tests/missing-share.ts'
import { newCategory } from './tests/new-category.ts'
import { populationStability } from './tests/population-stability.ts'
import type { SharePair } from './tests/share-pair.ts'
import { wasserstein } from './tests/wasserstein.ts'

/** What every p-value here rests on, and transactions do not keep. */
export const P_VALUE_ASSUMPTION = 'assumes independent rows'

/** All tests of one feature against the reference. NaN where they do not apply or a side has no values. */
export interface FeatureTests {
  readonly kolmogorovSmirnov: number
  readonly chiSquared: number
  readonly degreesOfFreedom: number
  /** In all bins of the reference; the effect's index is in ten. */
  readonly populationStability: number
  /** In the feature's unit. */
  readonly wasserstein: number
  readonly wassersteinOverDeviation: number
  /** In bits. */
  readonly jensenShannonDivergence: number
  readonly jensenShannonDistance: number
  readonly cramersV: number
  readonly missing: SharePair
  readonly newCategory: SharePair
  /** Of Kolmogorov-Smirnov for numbers, of chi-squared for codes. */
  readonly pValue: number
  /** The same after Benjamini and Hochberg, over all features of the look. */
  readonly adjustedPValue: number
  readonly assumption: typeof P_VALUE_ASSUMPTION
}

/** Tests of all columns, each with its counts of the window, missing values last. */
export const testFeatures = (
  columns: readonly { readonly column: ProfileColumn; readonly counts: Uint32Array }[],
): FeatureTests[] => {
  const tests = columns.map(({ column, counts }) => testFeature(column, counts))
  const adjusted = benjaminiHochberg(tests.map(({ pValue }) => pValue))
  return tests.map((test, at) => ({ ...test, adjustedPValue: adjusted[at]! }))
}

const testFeature = (column: ProfileColumn, counts: Uint32Array): FeatureTests => {
  const { bins, size } = column
  const current = counts.subarray(0, size - 1)
  // The reference has no value in a category that it does not know.
  const reference = bins.kind === 'numeric' ? bins.counts : [...bins.counts, 0]
  const isNumeric = bins.kind === 'numeric'
  const count = totalOf(current)
  const contingency = chiSquared(reference, current)
  const shannon = jensenShannon(reference, current)
  const apart = isNumeric ? kolmogorovSmirnov(reference, current) : Number.NaN
  const moved = isNumeric ? wasserstein(positionsOf(bins), reference, current) : Number.NaN
  const rows = bins.count + bins.missing
  const missing = { missing: counts[size - 1]!, rows: count + counts[size - 1]! }
  return {
    kolmogorovSmirnov: apart,
    chiSquared: contingency.statistic,
    degreesOfFreedom: contingency.degreesOfFreedom,
    populationStability: populationStability(reference, current),
    wasserstein: moved,
    wassersteinOverDeviation: isNumeric ? moved / Math.sqrt(bins.variance) : Number.NaN,
    jensenShannonDivergence: shannon.divergence,
    jensenShannonDistance: shannon.distance,
    cramersV: cramersV(reference, current),
    missing: missingShare({ missing: bins.missing, rows }, missing),
    newCategory: newCategory({ unseen: isNumeric ? 0 : counts[size - 2]!, count }),
    pValue: isNumeric ? kolmogorovSmirnovTail(apart, bins.count, count) : contingency.pValue,
    adjustedPValue: Number.NaN,
    assumption: P_VALUE_ASSUMPTION,
  }
}
