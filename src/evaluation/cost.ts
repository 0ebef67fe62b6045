import { confusionAt } from './confusion.ts'
import { rowsByScore } from './rows-by-score.ts'

/**
 * What decisions cost, in minor units. A flagged row costs `review`, and `falseAlarm` too where it is
 * genuine.
 */
export interface CostMatrix {
  readonly falseAlarm: number
  readonly review: number
  /** Of each fraud that is not flagged. */
  readonly missedFraud: number
  /** Per amount of a fraud that is not flagged. */
  readonly missedFraudAmountShare: number
}

/** Costs and, where a share of amounts counts, the amount of each row in minor units (NaN counts as 0). */
export interface RowCosts {
  readonly matrix: CostMatrix
  readonly amountsMinor?: ArrayLike<number>
}

/** A threshold and the mean cost of a row that it gives, in minor units. */
export interface CostPoint {
  readonly threshold: number
  readonly cost: number
}

/** Of a bank that does not say what decisions cost: no expected cost is told. */
export const NO_COSTS: CostMatrix = { falseAlarm: 0, review: 0, missedFraud: 0, missedFraudAmountShare: 0 }

/** Whether anything costs anything. */
export const hasCosts = (matrix: CostMatrix): boolean =>
  matrix.falseAlarm > 0 || matrix.review > 0 || matrix.missedFraud > 0 || matrix.missedFraudAmountShare > 0

/**
 * Mean cost of a row when scores of at least `threshold` are flagged, in minor units. NaN without rows. O(n).
 */
export const expectedCost = (
  labels: Uint8Array,
  scores: Float64Array,
  threshold: number,
  costs: RowCosts,
): number => {
  const { truePositive, falsePositive } = confusionAt(labels, scores, threshold)
  const { falseAlarm, review } = costs.matrix
  let cost = falsePositive * (falseAlarm + review) + truePositive * review
  for (let row = 0; row < labels.length; row++)
    if (labels[row] === 1 && scores[row]! < threshold) cost += missed(costs, row)
  return cost / labels.length
}

/**
 * Cost of every distinct score as threshold, by falling threshold, at most `maxPoints` of them with both
 * ends. Empty without rows. O(n log n). Scores must not be NaN.
 */
export const costCurve = (
  labels: Uint8Array,
  scores: Float64Array,
  costs: RowCosts,
  maxPoints: number,
): CostPoint[] => {
  const { thresholds, values } = costOfThresholds(labels, scores, costs)
  const kept = Math.min(maxPoints, thresholds.length)
  return Array.from({ length: kept }, (_, at) => {
    const index = kept === 1 ? 0 : Math.round((at * (thresholds.length - 1)) / (kept - 1))
    return { threshold: thresholds[index]!, cost: values[index]! }
  })
}

/** The score that is cheapest as threshold; of equals the highest. null without rows. O(n log n). */
export const minCostThreshold = (
  labels: Uint8Array,
  scores: Float64Array,
  costs: RowCosts,
): CostPoint | null => {
  const { thresholds, values } = costOfThresholds(labels, scores, costs)
  let best: CostPoint | null = null
  for (let at = 0; at < values.length; at++)
    if (best === null || values[at]! < best.cost) best = { threshold: thresholds[at]!, cost: values[at]! }
  return best
}

const missed = ({ matrix, amountsMinor }: RowCosts, row: number): number =>
  matrix.missedFraud + matrix.missedFraudAmountShare * (amountsMinor?.[row] || 0)

const costOfThresholds = (
  labels: Uint8Array,
  scores: Float64Array,
  costs: RowCosts,
): { readonly thresholds: number[]; readonly values: number[] } => {
  const { falseAlarm, review } = costs.matrix
  const order = rowsByScore(scores, 'falling')
  let cost = 0
  for (let row = 0; row < labels.length; row++) if (labels[row] === 1) cost += missed(costs, row)
  const thresholds: number[] = []
  const values: number[] = []
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!
    cost += labels[row] === 1 ? review - missed(costs, row) : falseAlarm + review
    if (at + 1 < order.length && scores[order[at + 1]!] === scores[row]) continue
    thresholds.push(scores[row]!)
    values.push(cost / labels.length)
  }
  return { thresholds, values }
}
