import { countOf, type DecidedRows, isKnownAt } from './decided-rows.ts'

/** Known frauds by falling score: all that average precision under weights asks for. */
export interface FraudsByScore {
  readonly scores: Float64Array
  readonly flagged: Uint8Array
  /** Decisions, of whatever label, that score at least as high. */
  readonly selected: Float64Array
}

/** Known frauds among `members`, row numbers of `rows`. O(n log n). */
export const fraudsByScore = (
  rows: DecidedRows,
  members: readonly number[],
  asOfMs: number,
): FraudsByScore => {
  const selectedAt = rankOf(rows, members)
  const frauds = members
    .filter((row) => rows.labels[row] === 1 && isKnownAt(rows, row, asOfMs))
    .sort((a, b) => rows.scores[b]! - rows.scores[a]!)
  return {
    scores: Float64Array.from(frauds, (row) => rows.scores[row]!),
    flagged: Uint8Array.from(frauds, (row) => rows.flagged[row]!),
    selected: Float64Array.from(frauds, (row) => selectedAt(rows.scores[row]!)),
  }
}

/** How many decisions score at least as high. */
const rankOf = (rows: DecidedRows, members: readonly number[]): ((score: number) => number) => {
  if (rows.counts === undefined) {
    const rising = Float64Array.from(members, (row) => rows.scores[row]!).sort()
    return (score) => rising.length - firstAtLeast(rising, score)
  }
  const order = members.toSorted((a, b) => rows.scores[a]! - rows.scores[b]!)
  const rising = Float64Array.from(order, (row) => rows.scores[row]!)
  const above = new Float64Array(order.length + 1)
  for (let at = order.length - 1; at >= 0; at--) above[at] = above[at + 1]! + countOf(rows, order[at]!)
  return (score) => above[firstAtLeast(rising, score)]!
}

const firstAtLeast = (rising: Float64Array, score: number): number => {
  let [low, high] = [0, rising.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rising[middle]! < score) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Average precision where each known fraud stands for `weights[i]` frauds at its score and all other
 * decisions are genuine: Σ (recall gained) x precision over thresholds, ties as one step. NaN without a
 * fraud.
 */
export const weightedAveragePrecision = (
  { scores, selected }: FraudsByScore,
  weights: ArrayLike<number>,
): number => {
  let [frauds, before, sum] = [0, 0, 0]
  for (let at = 0; at < scores.length; at++) {
    frauds += weights[at]!
    if (at + 1 < scores.length && scores[at + 1] === scores[at]) continue
    sum += (frauds - before) * Math.min(1, frauds / selected[at]!)
    before = frauds
  }
  return frauds === 0 ? Number.NaN : sum / frauds
}
