/** Rows by truth and decision. A row is flagged when its score is at least the threshold. */
export interface Confusion {
  readonly truePositive: number
  readonly falsePositive: number
  readonly trueNegative: number
  readonly falseNegative: number
}

/** Counts decisions at `threshold`. O(n). */
export const confusionAt = (labels: Uint8Array, scores: Float64Array, threshold: number): Confusion => {
  let truePositive = 0
  let falsePositive = 0
  let frauds = 0
  for (let row = 0; row < labels.length; row++) {
    const isFraud = labels[row] === 1
    if (isFraud) frauds++
    if (scores[row]! < threshold) continue
    if (isFraud) truePositive++
    else falsePositive++
  }
  return {
    truePositive,
    falsePositive,
    trueNegative: labels.length - frauds - falsePositive,
    falseNegative: frauds - truePositive,
  }
}

/** Share of the flagged rows that are fraud. NaN when nothing is flagged. */
export const precisionOf = ({ truePositive, falsePositive }: Confusion): number =>
  truePositive / (truePositive + falsePositive)

/** Share of the frauds that are flagged. NaN without frauds. */
export const recallOf = ({ truePositive, falseNegative }: Confusion): number =>
  truePositive / (truePositive + falseNegative)

/**
 * Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN). NaN when nothing is flagged and nothing is
 * fraud.
 */
export const f1Of = ({ truePositive, falsePositive, falseNegative }: Confusion): number =>
  (2 * truePositive) / (2 * truePositive + falsePositive + falseNegative)
