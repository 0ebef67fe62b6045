import { rowsByScore } from './rows-by-score.ts'

/** Rows in the two orders in which figures of a ranking are added up: made once, for many weightings. */
export interface RankedOnce {
  /** All rows by falling score. */
  readonly overall: RankedColumns
  /** The rows of each day by falling score, one day after the other. */
  readonly byDay: RankedColumns
  /** First row of each day in `byDay`, and one past the last row. */
  readonly dayStarts: readonly number[]
}

interface RankedColumns {
  readonly labels: Uint8Array
  readonly users: Uint32Array
  readonly amounts: Float64Array
  /** 1 at the last row of each score (of each day): rows of equal score have no order. */
  readonly isLast: Uint8Array
}

/** What a ranking comes to when each row counts with the weight of its user. */
export interface WeightedTally {
  readonly frauds: number
  /** Sum over scores of (frauds gained) x precision: average precision, times the frauds. */
  readonly precisionSum: number
  /** Amounts of all frauds and of those found, in minor units. */
  readonly value: number
  readonly valueFound: number
  /** Rows among the `perDay` highest of each day, and frauds among them. */
  readonly lookedAt: number
  readonly fraudsFound: number
}

/** Sorts rows for `tallyOf`. O(n log n). Scores must not be NaN; a missing amount counts as 0. */
export const rankOnce = (
  rows: {
    readonly labels: Uint8Array
    readonly users: Uint32Array
    readonly days: Int32Array
    readonly amountsMinor: ArrayLike<number>
  },
  scores: Float64Array,
): RankedOnce => {
  const order = rowsByScore(scores, 'falling')
  const members = new Map<number, number[]>()
  for (const row of order) {
    const day = rows.days[row]!
    const ofDay = members.get(day)
    if (ofDay === undefined) members.set(day, [row])
    else ofDay.push(row)
  }
  const days = [...members].sort(([a], [b]) => a - b).map(([, ofDay]) => ofDay)
  const dayStarts = [0]
  for (const ofDay of days) dayStarts.push(dayStarts.at(-1)! + ofDay.length)
  const sortedByDay = Uint32Array.from(days.flat())
  const columns = (at: Uint32Array, isEnd: (place: number) => boolean): RankedColumns => ({
    labels: Uint8Array.from(at, (row) => rows.labels[row]!),
    users: Uint32Array.from(at, (row) => rows.users[row]!),
    amounts: Float64Array.from(at, (row) => rows.amountsMinor[row]! || 0),
    isLast: Uint8Array.from(at, (row, place) =>
      Number(isEnd(place) || scores[row] !== scores[at[place + 1]!]),
    ),
  })
  const ends = new Set(dayStarts)
  return {
    overall: columns(order, (place) => place + 1 === order.length),
    byDay: columns(sortedByDay, (place) => ends.has(place + 1)),
    dayStarts,
  }
}

/**
 * @param weights of each user, at least 0: how often all of the user's rows are there
 * @param perDay rows that are looked at each day: those of equal score at the limit count in part, as in the
 * mean over their orders
 */
export const tallyOf = (ranked: RankedOnce, weights: Float64Array, perDay: number): WeightedTally => {
  const { frauds, precisionSum, value } = wholeRanking(ranked.overall, weights)
  let [lookedAt, fraudsFound, valueFound] = [0, 0, 0]
  const { labels, users, amounts, isLast } = ranked.byDay
  for (let day = 0; day + 1 < ranked.dayStarts.length; day++) {
    const end = ranked.dayStarts[day + 1]!
    let left = perDay
    let [rows, ofFraud, amount] = [0, 0, 0]
    for (let at = ranked.dayStarts[day]!; at < end && left > 0; at++) {
      const weight = weights[users[at]!]!
      rows += weight
      if (labels[at] === 1) {
        ofFraud += weight
        amount += weight * amounts[at]!
      }
      if (isLast[at] === 0 || rows === 0) continue
      const part = Math.min(1, left / rows)
      left -= part * rows
      lookedAt += part * rows
      fraudsFound += part * ofFraud
      valueFound += part * amount
      rows = ofFraud = amount = 0
    }
  }
  return { frauds, precisionSum, value, lookedAt, fraudsFound, valueFound }
}

const wholeRanking = (
  { labels, users, amounts, isLast }: RankedColumns,
  weights: Float64Array,
): Pick<WeightedTally, 'frauds' | 'precisionSum' | 'value'> => {
  let [selected, frauds, before, precisionSum, value] = [0, 0, 0, 0, 0]
  for (let at = 0; at < labels.length; at++) {
    const weight = weights[users[at]!]!
    selected += weight
    if (labels[at] === 1) {
      frauds += weight
      value += weight * amounts[at]!
    }
    if (isLast[at] === 0 || frauds === before) continue
    precisionSum += ((frauds - before) * frauds) / selected
    before = frauds
  }
  return { frauds, precisionSum, value }
}
