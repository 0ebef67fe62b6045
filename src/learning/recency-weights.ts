import { pow } from '../foundation/elementary/power.ts'

/** Which rows count less, and by how much. */
export interface RecencyOptions {
  /** A row that is so much older than the latest one counts half; above 0. Undefined: all count alike. */
  readonly halfLifeMs?: number
  /** Rows that nothing is learnt from: their weight is 0. */
  readonly isLeftOut?: (timeMs: number) => boolean
}

/**
 * A weight for each row: 2^(-age / half-life), the age counted from the latest row, scaled so that the rows
 * that count weigh 1 in the mean. So settings that are told in rows, such as the least weight of a leaf, keep
 * their meaning. Fixed forgetting in the literature: Klinkenberg 2004; Koychev 2000.
 */
export const recencyWeights = (
  timesMs: ArrayLike<number>,
  { halfLifeMs = Number.POSITIVE_INFINITY, isLeftOut = () => false }: RecencyOptions,
): Float64Array => {
  let latestMs = Number.NEGATIVE_INFINITY
  for (let row = 0; row < timesMs.length; row++) latestMs = Math.max(latestMs, timesMs[row]!)
  const weights = Float64Array.from({ length: timesMs.length }, (_, row) =>
    isLeftOut(timesMs[row]!) ? 0 : pow(2, (timesMs[row]! - latestMs) / halfLifeMs),
  )
  const counted = weights.reduce((count, weight) => count + Number(weight > 0), 0)
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return sum === 0 ? weights : weights.map((weight) => (weight * counted) / sum)
}
