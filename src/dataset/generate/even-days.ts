import type { Random } from '../../foundation/random.ts'

/**
 * Draws the day on which each of some acts begins, in ascending order, so that every day expects the same
 * number of events: acts of `lengths` events, one after the other.
 *
 * Each act has a stretch of the days as long as its part of all events, and begins anywhere in it (stratified
 * sampling). Where days are drawn without that, a few days' count of acts of several events each varies by
 * much more than chance alone (Poisson) would have it, and looks like a change.
 */
export const evenDays = (lengths: readonly number[], days: number, random: Random): Int32Array => {
  const total = lengths.reduce((sum, length) => sum + length, 0)
  let before = 0
  return Int32Array.from(lengths, (length) => {
    const position = before + random.next() * length
    before += length
    return Math.min(days - 1, Math.floor((position * days) / total))
  })
}
