import { forEachThreshold } from './rank-order.ts'

/** A threshold and what it gives on the rows it was chosen on. */
export interface ThresholdChoice {
  /** Flag scores of at least this. */
  readonly threshold: number
  readonly f1: number
}

/**
 * The threshold with the best F1; among equals the highest, which flags the fewest. Thresholds are the scores
 * themselves. null without a fraud. O(n log n). Scores must not be NaN.
 */
export const bestF1Threshold = (labels: Uint8Array, scores: Float64Array): ThresholdChoice | null => {
  const frauds = labels.reduce((sum, label) => sum + label, 0)
  let best: ThresholdChoice | null = null
  forEachThreshold(labels, scores, (truePositives, selected, threshold) => {
    const f1 = (2 * truePositives) / (selected + frauds)
    if (frauds > 0 && (best === null || f1 > best.f1)) best = { threshold, f1 }
  })
  return best
}
