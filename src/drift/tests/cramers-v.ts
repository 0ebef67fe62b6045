import { chiSquared } from './chi-squared.ts'
import { type Counts, totalOf } from './counts.ts'

/**
 * Cramér's V (1946) of side and category: the root of chi-squared over its largest value. 0 when both sides
 * fill the categories alike, 1 when they share none. It does not grow with rows, as chi-squared does. 0 where
 * all rows are of one category; NaN where a side is empty.
 */
export const cramersV = (reference: Counts, current: Counts): number => {
  const { statistic, degreesOfFreedom } = chiSquared(reference, current)
  if (degreesOfFreedom === 0) return 0
  return Math.sqrt(statistic / (totalOf(reference) + totalOf(current)))
}
