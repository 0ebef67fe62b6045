import { type Counts, totalOf } from './counts.ts'

/**
 * Wasserstein's distance of order 1 (Kantorovich, 1942) of counts at the same ascending `positions`: how far
 * values must be moved on average, in the feature's own unit. Divided by the reference's standard deviation
 * it is comparable between features. NaN where a side is empty.
 */
export const wasserstein = (positions: ArrayLike<number>, reference: Counts, current: Counts): number => {
  const [ofReference, ofCurrent] = [totalOf(reference), totalOf(current)]
  if (ofReference === 0 || ofCurrent === 0) return Number.NaN
  let [below, belowCurrent, distance] = [0, 0, 0]
  for (let bin = 0; bin + 1 < positions.length; bin++) {
    below += reference[bin]!
    belowCurrent += current[bin]!
    const step = positions[bin + 1]! - positions[bin]!
    distance += step * Math.abs(below / ofReference - belowCurrent / ofCurrent)
  }
  return distance
}
