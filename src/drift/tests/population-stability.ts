import { log } from '../../foundation/elementary/logarithm.ts'
import { type Counts, totalOf } from './counts.ts'

/**
 * Population stability index of counts in the same bins: Σ (q - p) ln(q / p), which is Jeffreys' divergence
 * (1946), the sum of both directions of Kullback and Leibler. Credit scoring calls .1 a change to look at and
 * .25 a large one, for ten bins or so: with k bins it is about (k - 1) (1 / n + 1 / m) by chance alone.
 *
 * A bin that only one side has counts as half a row there, so the index is finite. Bins of neither side are
 * left out. NaN where a side is empty.
 */
export const populationStability = (reference: Counts, current: Counts): number => {
  const [ofReference, ofCurrent] = [totalOf(reference), totalOf(current)]
  if (ofReference === 0 || ofCurrent === 0) return Number.NaN
  let index = 0
  for (let bin = 0; bin < reference.length; bin++) {
    if (reference[bin]! + current[bin]! === 0) continue
    const p = Math.max(reference[bin]!, 0.5) / ofReference
    const q = Math.max(current[bin]!, 0.5) / ofCurrent
    index += (q - p) * log(q / p)
  }
  return index
}
