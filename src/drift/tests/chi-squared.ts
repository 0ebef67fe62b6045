import { chiSquaredTail } from '../../foundation/chi-squared-tail.ts'
import { type Counts, totalOf } from './counts.ts'

/** Pearson's test of the same distribution over categories. */
export interface ChiSquared {
  readonly statistic: number
  /** Categories that either side has, less one. */
  readonly degreesOfFreedom: number
  /** For independent rows; 1 without a degree of freedom. */
  readonly pValue: number
}

/**
 * Pearson's chi-squared statistic (1900) of two rows of counts over the same categories, without a
 * continuity correction. Categories that neither side has are left out. All NaN where a side is empty.
 */
export const chiSquared = (reference: Counts, current: Counts): ChiSquared => {
  const [ofReference, ofCurrent] = [totalOf(reference), totalOf(current)]
  if (ofReference === 0 || ofCurrent === 0)
    return { statistic: Number.NaN, degreesOfFreedom: Number.NaN, pValue: Number.NaN }
  const all = ofReference + ofCurrent
  let [statistic, categories] = [0, 0]
  for (let category = 0; category < reference.length; category++) {
    const both = reference[category]! + current[category]!
    if (both === 0) continue
    categories++
    const expected = (both * ofReference) / all
    const expectedCurrent = (both * ofCurrent) / all
    const apart = reference[category]! - expected
    statistic += apart * apart * (1 / expected + 1 / expectedCurrent)
  }
  const degreesOfFreedom = categories - 1
  const pValue = degreesOfFreedom === 0 ? 1 : chiSquaredTail(statistic, degreesOfFreedom)
  return { statistic, degreesOfFreedom, pValue }
}
