import { exp } from '../../foundation/elementary/exponential.ts'
import { type Counts, totalOf } from './counts.ts'

/**
 * Two-sample Kolmogorov-Smirnov statistic of counts in the same ascending bins: the largest distance of the
 * two empirical distribution functions, in [0, 1]. Exact where every bin holds one value; otherwise that of
 * the binned values, which no finer look can make smaller. NaN where a side is empty.
 */
export const kolmogorovSmirnov = (reference: Counts, current: Counts): number => {
  const [ofReference, ofCurrent] = [totalOf(reference), totalOf(current)]
  if (ofReference === 0 || ofCurrent === 0) return Number.NaN
  let [below, belowCurrent, largest] = [0, 0, 0]
  for (let bin = 0; bin < reference.length; bin++) {
    below += reference[bin]!
    belowCurrent += current[bin]!
    largest = Math.max(largest, Math.abs(below / ofReference - belowCurrent / ofCurrent))
  }
  return largest
}

/**
 * p-value of the two-sided test in the limit of many independent rows (Kolmogorov, 1933; Smirnov, 1939), for
 * a continuous value: with ties it is too large. NaN where a side is empty.
 */
export const kolmogorovSmirnovTail = (statistic: number, reference: number, current: number): number =>
  kolmogorovTail(Math.sqrt((reference * current) / (reference + current)) * statistic)

/** P(K > x) of Kolmogorov's distribution, within 1e-15; by the series that converges faster. */
export const kolmogorovTail = (x: number): number => {
  if (Number.isNaN(x)) return Number.NaN
  if (x <= 0) return 1
  if (x < SERIES_MEET) {
    const exponent = -(Math.PI * Math.PI) / (8 * x * x)
    let sum = 0
    for (let odd = 1; odd <= 9; odd += 2) sum += exp(odd * odd * exponent)
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum
  }
  let tail = 0
  for (let k = 6; k >= 1; k--) tail = exp((1 - 2 * k) * 2 * x * x) * (1 - tail)
  return 2 * tail
}

/** Where both series have shrunk to nothing after a handful of terms. */
const SERIES_MEET = 1
