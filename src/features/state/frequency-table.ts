import { DIMENSION } from './layout.ts'

/**
 * A bounded table `value -> times seen, last seen` inside a state block: `capacity` tokens, then as many
 * counts, then as many sequence numbers. Looked up by scanning, which for the few dozen values that people
 * have is faster than hashing.
 */

/** Position of `token` in the table whose tokens start at `at`, or -1. */
export const findValue = (data: Float64Array, at: number, size: number, token: number): number => {
  for (let i = 0; i < size; i++) if (data[at + i] === token) return i
  return -1
}

/** Position of the value unseen longest; of equals, the one remembered first. */
const findStalest = (data: Float64Array, lastAt: number, size: number): number => {
  let stalest = 0
  for (let i = 1; i < size; i++) if (data[lastAt + i]! < data[lastAt + stalest]!) stalest = i
  return stalest
}

const findCommonest = (data: Float64Array, countAt: number, size: number): number => {
  let commonest = 0
  for (let i = 1; i < size; i++) if (data[countAt + i]! > data[countAt + commonest]!) commonest = i
  return commonest
}

/**
 * Counts one more occurrence of `token`, last seen at sequence number `sequence`. `entry` is its position, -1
 * when the table does not hold it: then it gets a free place, which the caller has made unless the table
 * stands at its bound; at the bound it gets the place of the value unseen longest. A value becomes the usual
 * one by being seen strictly more often than the usual so far.
 */
export const countValue = (
  data: Float64Array,
  headerAt: number,
  tableAt: number,
  token: number,
  entry: number,
  sequence: number,
): void => {
  const capacity = data[headerAt + DIMENSION.capacity]!
  const countAt = tableAt + capacity
  const lastAt = countAt + capacity
  const place = entry >= 0 ? entry : admit(data, headerAt, tableAt, token)
  data[countAt + place]!++
  data[headerAt + DIMENSION.total]!++
  data[lastAt + place] = sequence
  const usual = data[headerAt + DIMENSION.usual]!
  if (data[countAt + place]! > data[countAt + usual]!) data[headerAt + DIMENSION.usual] = place
}

/** Gives a new value a place with count 0. */
const admit = (data: Float64Array, headerAt: number, tableAt: number, token: number): number => {
  const size = data[headerAt + DIMENSION.size]!
  const capacity = data[headerAt + DIMENSION.capacity]!
  const countAt = tableAt + capacity
  data[headerAt + DIMENSION.ever]!++
  if (size < capacity) {
    data[tableAt + size] = token
    data[headerAt + DIMENSION.size] = size + 1
    return size
  }
  const place = findStalest(data, countAt + capacity, size)
  data[headerAt + DIMENSION.total]! -= data[countAt + place]!
  const forgotten = data[countAt + capacity + place]! + 1
  data[headerAt + DIMENSION.forgotten] = Math.max(data[headerAt + DIMENSION.forgotten]!, forgotten)
  data[tableAt + place] = token
  data[countAt + place] = 0
  if (place === data[headerAt + DIMENSION.usual])
    data[headerAt + DIMENSION.usual] = findCommonest(data, countAt, size)
  return place
}
