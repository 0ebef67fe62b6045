import { log } from '../../foundation/elementary/logarithm.ts'
import { type Counts, totalOf } from './counts.ts'

/** How far two distributions are from their mean. */
export interface JensenShannon {
  /** In bits: 0 for equal distributions, 1 for those that share no bin (Lin, 1991). */
  readonly divergence: number
  /** Its root, which is a metric (Endres and Schindelin, 2003). */
  readonly distance: number
}

/**
 * Jensen-Shannon divergence, to the base 2, and distance of counts in the same bins. NaN where a side is
 * empty.
 */
export const jensenShannon = (reference: Counts, current: Counts): JensenShannon => {
  const [ofReference, ofCurrent] = [totalOf(reference), totalOf(current)]
  if (ofReference === 0 || ofCurrent === 0) return { divergence: Number.NaN, distance: Number.NaN }
  let nats = 0
  for (let bin = 0; bin < reference.length; bin++) {
    const [p, q] = [reference[bin]! / ofReference, current[bin]! / ofCurrent]
    const mean = (p + q) / 2
    nats += (relative(p, mean) + relative(q, mean)) / 2
  }
  // Equal distributions may round to just below 0.
  const divergence = Math.max(0, nats / log(2))
  return { divergence, distance: Math.sqrt(divergence) }
}

const relative = (p: number, mean: number): number => (p === 0 ? 0 : p * log(p / mean))
