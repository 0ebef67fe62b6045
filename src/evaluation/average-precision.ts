import { forEachThreshold } from './rank-order.ts'

/**
 * Sum over thresholds of (recall gained) x precision, without interpolation, ties as one step. NaN without a
 * fraud.
 */
export function averagePrecision(labels: Uint8Array, scores: Float64Array): number {
  let sum = 0
  let previous = 0
  forEachThreshold(labels, scores, (truePositives, selected) => {
    sum += ((truePositives - previous) * truePositives) / selected
    previous = truePositives
  })
  return previous === 0 ? Number.NaN : sum / previous
}
