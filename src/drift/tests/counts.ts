/** How many values each bin or category has: whole numbers from 0. */
export type Counts = ArrayLike<number>

export const totalOf = (counts: Counts): number => {
  let total = 0
  for (let bin = 0; bin < counts.length; bin++) total += counts[bin]!
  return total
}
