/** Middle of values, and how far the days of a history lie from it. */
export interface Spread {
  readonly middle: number
  /** Median distance times 1.4826, which is the standard deviation of normal values (Hampel 1974). */
  readonly deviation: number
  /** Largest distance of any day, above the middle and below it. */
  readonly above: number
  readonly below: number
}

export const spreadOf = (values: readonly number[]): Spread => {
  const middle = medianOf(values)
  const distances = values.map((value) => value - middle)
  return {
    middle,
    deviation: 1.4826 * medianOf(distances.map((distance) => Math.abs(distance))),
    above: Math.max(0, ...distances),
    below: -Math.min(0, ...distances),
  }
}

/** NaN without values. */
export const medianOf = (values: readonly number[]): number => {
  const sorted = Float64Array.from(values).sort()
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** Deviations, and times the largest distance of a day before, from which on a day is unlike all. */
const DEVIATIONS = 5
const TIMES_MOST = 1.5

/**
 * The largest distance from the middle that is still like the history: faults are gross, and a limit that
 * only gross ones reach costs no power. Beside `chance`, the standard deviation of the day's own sampling.
 */
export const limitOf = (
  { deviation, above, below }: Spread,
  chance: number,
  least: number,
  side: 'above' | 'below' = 'above',
  deviations = DEVIATIONS,
): number =>
  Math.max(
    least,
    deviations * Math.sqrt(deviation * deviation + chance * chance),
    TIMES_MOST * (side === 'above' ? above : below),
  )
