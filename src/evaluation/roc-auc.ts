import { forEachThreshold } from './rank-order.ts'

/**
 * Probability that a fraud scores higher than a legitimate row, a tie counting half (Mann-Whitney). NaN with
 * one class only.
 */
export function rocAuc(labels: Uint8Array, scores: Float64Array): number {
  let area = 0
  let positives = 0
  let negatives = 0
  forEachThreshold(labels, scores, (truePositives, selected) => {
    const falsePositives = selected - truePositives
    area += ((falsePositives - negatives) * (truePositives + positives)) / 2
    positives = truePositives
    negatives = falsePositives
  })
  return positives === 0 || negatives === 0 ? Number.NaN : area / (positives * negatives)
}
