/**
 * Sample standard deviation (n - 1) from exact sums; 0 for fewer than two values, NaN when a sum is. Sums of
 * integers are exact, so values that are all alike give exactly 0.
 */
export const standardDeviation = (count: number, total: number, squares: number): number => {
  if (count < 2) return 0
  const variance = (squares - total * (total / count)) / (count - 1)
  return Math.sqrt(Math.max(0, variance))
}

/** Standard deviations between `value` and the mean of `count` earlier values; 0 when they have no spread. */
export const earlierDeviation = (value: number, count: number, total: number, squares: number): number => {
  const deviation = standardDeviation(count, total, squares)
  return deviation === 0 ? 0 : (value - total / count) / deviation
}

/** `value` divided by the mean `total / count`; 1 when there is nothing to compare with, or nothing but 0. */
export const relativeTo = (value: number, total: number, count: number): number =>
  count === 0 || total === 0 ? 1 : value / (total / count)
