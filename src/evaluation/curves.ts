import { forEachThreshold } from './rank-order.ts'

/** A point of a ROC curve. */
export interface RocPoint {
  readonly falsePositiveRate: number
  readonly truePositiveRate: number
}

/** A point of a precision-recall curve. */
export interface PrecisionRecallPoint {
  readonly recall: number
  readonly precision: number
}

/**
 * ROC curve from (0, 0) to (1, 1), by falling threshold, one point per distinct score and at most `maxPoints`
 * (at least 2). Empty with one class only. O(n log n). Scores must not be NaN.
 */
export const rocCurve = (labels: Uint8Array, scores: Float64Array, maxPoints: number): RocPoint[] => {
  const frauds = labels.reduce((sum, label) => sum + label, 0)
  const genuine = labels.length - frauds
  if (frauds === 0 || genuine === 0) return []
  const points: RocPoint[] = [{ falsePositiveRate: 0, truePositiveRate: 0 }]
  forEachThreshold(labels, scores, (truePositives, selected) => {
    points.push({
      falsePositiveRate: (selected - truePositives) / genuine,
      truePositiveRate: truePositives / frauds,
    })
  })
  return thin(
    points,
    maxPoints,
    ({ falsePositiveRate, truePositiveRate }) => falsePositiveRate + truePositiveRate,
  )
}

/**
 * Precision-recall curve by falling threshold, one point per distinct score and at most `maxPoints` (at least
 * 2). The first point is the highest score's: no precision is invented at recall 0. Empty without frauds. O(n
 * log n).
 */
export const precisionRecallCurve = (
  labels: Uint8Array,
  scores: Float64Array,
  maxPoints: number,
): PrecisionRecallPoint[] => {
  const frauds = labels.reduce((sum, label) => sum + label, 0)
  if (frauds === 0) return []
  const points: PrecisionRecallPoint[] = []
  let lastRecall = -1
  forEachThreshold(labels, scores, (truePositives, selected) => {
    const point = { recall: truePositives / frauds, precision: truePositives / selected }
    // Once all frauds are found only precision falls; of that tail its two ends say everything.
    if (lastRecall === 1 && points.length >= 2 && points.at(-2)!.recall === 1) points.pop()
    points.push(point)
    lastRecall = point.recall
  })
  return thin(points, maxPoints, ({ recall, precision }) => recall - precision)
}

/**
 * Of points along a curve on which `position` tends to rise, at most `maxPoints`: the first, the last, and in
 * between those that are the first to reach each step of an equal division of `position`. Where nothing
 * changes no points are spent.
 */
const thin = <T>(points: readonly T[], maxPoints: number, position: (point: T) => number): T[] => {
  if (points.length <= maxPoints) return [...points]
  const from = position(points[0]!)
  const to = position(points.at(-1)!)
  const kept: T[] = [points[0]!]
  for (let i = 1; i < points.length - 1 && kept.length < maxPoints - 1; i++)
    if (position(points[i]!) >= from + ((to - from) * kept.length) / (maxPoints - 1)) kept.push(points[i]!)
  kept.push(points.at(-1)!)
  return kept
}
