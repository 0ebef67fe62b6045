import { log } from '../../foundation/elementary/logarithm.ts'
import type { ClassCounts } from './class-counts.ts'

/**
 * Mutual information of a binned feature and the label, in nats: Σ p(bin, class) ln(p(bin, class) / (p(bin)
 * p(class))).
 *
 * From 0, when the bins say nothing, to the entropy of the label, when they say all. Estimated from shares
 * without correction: a feature that says nothing has about (bins - 1) / (2 * rows) by chance (Miller, 1955).
 * 0 without rows.
 */
export const mutualInformation = ({ genuine, fraud }: ClassCounts): number => {
  const genuineTotal = genuine.reduce((sum, count) => sum + count, 0)
  const fraudTotal = fraud.reduce((sum, count) => sum + count, 0)
  const rows = genuineTotal + fraudTotal
  let sum = 0
  for (let bin = 0; bin < genuine.length; bin++) {
    const inBin = genuine[bin]! + fraud[bin]!
    if (genuine[bin]! > 0) sum += genuine[bin]! * log((genuine[bin]! * rows) / (inBin * genuineTotal))
    if (fraud[bin]! > 0) sum += fraud[bin]! * log((fraud[bin]! * rows) / (inBin * fraudTotal))
  }
  return rows === 0 ? 0 : Math.max(0, sum / rows)
}
