import { chiSquaredTail } from '../../foundation/chi-squared-tail.ts'
import type { ClassCounts } from './class-counts.ts'

export interface ChiSquared {
  /**
   * Pearson's statistic: Σ (count - expected)² / expected over bins and classes; 0 when bins and classes are
   * independent.
   */
  readonly statistic: number
  /** Bins that hold a row, less one. */
  readonly degreesOfFreedom: number
  /**
   * Probability of a statistic at least as large when bins and classes are independent; 1 with one bin or one
   * class.
   */
  readonly pValue: number
}

/**
 * Pearson's test of independence of a binned feature and the label. Empty bins do not count. As an
 * approximation it asks for about five expected frauds a bin; with fewer, read the p-value as an order of
 * magnitude.
 */
export const chiSquared = ({ genuine, fraud }: ClassCounts): ChiSquared => {
  const genuineTotal = genuine.reduce((sum, count) => sum + count, 0)
  const fraudTotal = fraud.reduce((sum, count) => sum + count, 0)
  const rows = genuineTotal + fraudTotal
  let statistic = 0
  let filled = 0
  for (let bin = 0; bin < genuine.length; bin++) {
    const inBin = genuine[bin]! + fraud[bin]!
    if (inBin === 0) continue
    filled++
    const expected = (inBin * fraudTotal) / rows
    // Both classes miss their expectation by the same; together that is difference² (1 / expected + 1 /
    // (inBin - expected)).
    if (expected > 0 && expected < inBin) {
      statistic +=
        ((fraud[bin]! - expected) * (fraud[bin]! - expected) * inBin) / (expected * (inBin - expected))
    }
  }
  const degreesOfFreedom = Math.max(0, filled - 1)
  const isTestable = degreesOfFreedom > 0 && genuineTotal > 0 && fraudTotal > 0
  return { statistic, degreesOfFreedom, pValue: isTestable ? chiSquaredTail(statistic, degreesOfFreedom) : 1 }
}
