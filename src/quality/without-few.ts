/** What is left of a share without the few users who bring most of it. */
export interface Rest {
  readonly share: number
  /** Rows that it is of. */
  readonly rows: number
}

/** Share of the users that are few, at least one: as least shares of rows are. */
const FEW = 0.01

/**
 * Counts shares of a day without the hundredth of its users who have most of the rows in question, at least
 * one: what a traveller or a bot does alone is no fault of the feed, which comes over many.
 *
 * @param users by row, any number of each user; NaN is nobody known, so that each such row is of its own
 * @returns undefined where there is one user alone, so that nothing is told apart; O(rows) and O(u log u) for
 * the u users who have such rows
 */
export const restOfUsers = (
  users: Float64Array,
): ((isOdd: (row: number) => boolean, isAsked?: (row: number) => boolean) => Rest) | undefined => {
  const { codes, count } = codesOf(users)
  if (count < 2) return undefined
  const few = Math.max(1, Math.floor(FEW * count))
  return (isOdd, isAsked = () => true) => {
    const [odd, all] = [new Uint32Array(count), new Uint32Array(count)]
    let [oddRows, rows] = [0, 0]
    for (let row = 0; row < codes.length; row++) {
      if (!isAsked(row)) continue
      rows++
      all[codes[row]!]!++
      if (!isOdd(row)) continue
      oddRows++
      odd[codes[row]!]!++
    }
    const most = Array.from(odd.keys())
      .filter((code) => odd[code]! > 0)
      .sort((a, b) => odd[b]! - odd[a]! || a - b)
      .slice(0, few)
    for (const code of most) {
      oddRows -= odd[code]!
      rows -= all[code]!
    }
    return { share: rows === 0 ? 0 : oddRows / rows, rows }
  }
}

const codesOf = (users: Float64Array): { readonly codes: Uint32Array; readonly count: number } => {
  const known = new Map<number, number>()
  let count = 0
  const codes = Uint32Array.from(users, (user) => {
    const code = Number.isNaN(user) ? undefined : known.get(user)
    if (code !== undefined) return code
    if (!Number.isNaN(user)) known.set(user, count)
    return count++
  })
  return { codes, count }
}
