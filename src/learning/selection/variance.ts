/** How a feature's values spread. */
export interface Spread {
  /** Rows with a value. */
  readonly present: number
  /**
   * Population variance of the values, in the square of the feature's unit; exactly 0 when all are equal, NaN
   * without a value.
   */
  readonly variance: number
}

/** Spread of a column; missing values (NaN) are left out. */
export const spreadOf = (column: Float64Array): Spread => {
  let present = 0
  let sum = 0
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (let row = 0; row < column.length; row++) {
    const value = column[row]!
    if (Number.isNaN(value)) continue
    present++
    sum += value
    if (value < lowest) lowest = value
    if (value > highest) highest = value
  }
  if (present === 0) return { present, variance: Number.NaN }
  // Rounding makes the mean of equal values differ from them, so a constant is recognised by its range.
  if (lowest === highest) return { present, variance: 0 }
  const mean = sum / present
  let squares = 0
  for (let row = 0; row < column.length; row++) {
    const difference = column[row]! - mean
    if (!Number.isNaN(difference)) squares += difference * difference
  }
  return { present, variance: squares / present }
}
