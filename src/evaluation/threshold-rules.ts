import { forEachThreshold } from './rank-order.ts'

/**
 * The lowest score that flags at most `alertsPerDay` rows a day on average over `days`; null when even the
 * highest flags more.
 */
export const alertBudgetThreshold = (
  labels: Uint8Array,
  scores: Float64Array,
  days: number,
  alertsPerDay: number,
): number | null => {
  let lowest: number | null = null
  forEachThreshold(labels, scores, (_, selected, threshold) => {
    if (selected <= alertsPerDay * days) lowest = threshold
  })
  return lowest
}

/**
 * The score that flags the number of rows nearest to `wanted`, and how many it flags; of two as near the
 * higher score. Equal scores are flagged together. The highest score at least; NaN and 0 without scores.
 */
export const nearestCountThreshold = (
  scores: Float64Array,
  wanted: number,
): { readonly threshold: number; readonly count: number } => {
  let nearest = { threshold: Number.NaN, count: 0 }
  forEachThreshold(new Uint8Array(scores.length), scores, (_, count, threshold) => {
    const isFirst = nearest.count === 0
    if (isFirst || Math.abs(count - wanted) < Math.abs(nearest.count - wanted)) nearest = { threshold, count }
  })
  return nearest
}

/**
 * The threshold of the highest recall with a precision of at least `floor`; of equals the highest. null when
 * none reaches it.
 */
export const precisionFloorThreshold = (
  labels: Uint8Array,
  scores: Float64Array,
  floor: number,
): number | null => {
  let chosen: number | null = null
  let most = 0
  forEachThreshold(labels, scores, (truePositives, selected, threshold) => {
    if (truePositives > most && truePositives >= floor * selected) {
      chosen = threshold
      most = truePositives
    }
  })
  return chosen
}
