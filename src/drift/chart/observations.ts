/** One series over some days, ascending. */
export interface Observations {
  /** Whole days since 1970-01-01. */
  readonly days: Int32Array
  /** NaN: nothing is known of the day. */
  readonly values: Float64Array
  /** Standard deviation of each value, were the rows independent. */
  readonly noises: Float64Array
}

/** Weekday of a day since 1970-01-01, a Thursday: 0 is Monday. */
export const weekdayOf = (day: number): number => (((day + 3) % 7) + 7) % 7
