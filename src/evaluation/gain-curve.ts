import { rocCurve } from './curves.ts'

/** What reviewing rows by falling score finds: shares of all rows and of all frauds. */
export interface GainPoint {
  readonly reviewedShare: number
  readonly foundShare: number
}

/**
 * Gain from (0, 0) to (1, 1), one point per distinct score and at most `maxPoints`. Empty with one class
 * only. O(n log n).
 */
export const gainCurve = (labels: Uint8Array, scores: Float64Array, maxPoints: number): GainPoint[] => {
  const fraudShare = labels.reduce((sum, label) => sum + label, 0) / labels.length
  return rocCurve(labels, scores, maxPoints).map(({ falsePositiveRate, truePositiveRate }) => ({
    reviewedShare: fraudShare * truePositiveRate + (1 - fraudShare) * falsePositiveRate,
    foundShare: truePositiveRate,
  }))
}
