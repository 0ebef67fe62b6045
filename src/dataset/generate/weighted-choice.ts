import type { Random } from '../../foundation/random.ts'

/** Draws an index with the probability of its weight, in constant time. */
export type WeightedChoice = (random: Random) => number

/**
 * Prepares draws of 0..weights.length-1 proportional to `weights` (>= 0, at least one > 0).
 *
 * Vose's alias method (IEEE Transactions on Software Engineering 17(9), 1991): linear to prepare, one uniform
 * a draw. The uniform's whole part picks the column and its fraction the side, which 32 bits carry for up to
 * some million weights.
 */
export const weightedChoice = (weights: ArrayLike<number>): WeightedChoice => {
  const count = weights.length
  let total = 0
  for (let i = 0; i < count; i++) total += weights[i]!
  const keep = new Float64Array(count)
  const alias = new Int32Array(count)
  const queue = new Int32Array(count)
  // Columns short of the mean fill the queue from the front, the others from the back; they meet at `large`.
  let small = 0
  let large = count
  for (let i = 0; i < count; i++) {
    keep[i] = (weights[i]! * count) / total
    if (keep[i]! < 1) queue[small++] = i
    else queue[--large] = i
  }
  let next = 0
  let donor = large < count ? queue[large]! : 0
  while (next < large && large < count) {
    const needy = queue[next++]!
    donor = queue[large]!
    alias[needy] = donor
    keep[donor] = keep[donor]! - (1 - keep[needy]!)
    // The donor has become short itself: moving the border makes it the last of the short ones.
    if (keep[donor]! < 1) large++
  }
  // What is left is 1 but for rounding; a weight of exactly 0 must still never be drawn.
  for (; next < count; next++) {
    const left = queue[next]!
    keep[left] = weights[left]! > 0 ? 1 : 0
    alias[left] = weights[left]! > 0 ? left : donor
  }

  return (random) => {
    const position = random.next() * count
    const column = Math.floor(position)
    return position - column < keep[column]! ? column : alias[column]!
  }
}
