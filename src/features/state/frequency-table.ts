import { DIMENSION } from './layout.ts'

/**
 * A bounded table `value -> times seen, last seen` inside a state block: `capacity` tokens, then as many counts, then as many
 * sequence numbers. Looked up by scanning, which for the few dozen values that people have is faster than hashing.
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
 * Counts one more occurrence of `token`, last seen at sequence number `sequence`. The table at `tableAt` has room for
 * `capacity` values, which the caller has grown beforehand unless it stands at its bound; at the bound the value unseen
 * longest is forgotten. A value becomes the usual one by being seen strictly more often than the usual one so far.
 */
export const countValue = (
  data: Float64Array,
  headerAt: number,
  tableAt: number,
  token: number,
  sequence: number,
): void => {
  const size = data[headerAt + DIMENSION.size]!
  const capacity = data[headerAt + DIMENSION.capacity]!
  const countAt = tableAt + capacity
  const lastAt = countAt + capacity
  let entry = findValue(data, tableAt, size, token)
  if (entry >= 0) {
    data[countAt + entry]!++
  } else {
    data[headerAt + DIMENSION.ever]!++
    if (size < capacity) {
      entry = size
      data[headerAt + DIMENSION.size] = size + 1
    } else {
      entry = findStalest(data, lastAt, size)
      data[headerAt + DIMENSION.total]! -= data[countAt + entry]!
    }
    data[tableAt + entry] = token
    data[countAt + entry] = 1
    if (size === capacity && entry === data[headerAt + DIMENSION.usual]) {
      data[headerAt + DIMENSION.usual] = findCommonest(data, countAt, size)
    }
  }
  data[headerAt + DIMENSION.total]!++
  data[lastAt + entry] = sequence
  const usual = data[headerAt + DIMENSION.usual]!
  if (data[countAt + entry]! > data[countAt + usual]!) data[headerAt + DIMENSION.usual] = entry
}
