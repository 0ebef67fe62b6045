import type { EntityState } from './entity-state.ts'
import { HEADER, ID_FIELD, type StateLayout, TIME_FIELD } from './layout.ts'

/** Is a transaction of this token in the ring? */
export const holdsTransaction = (
  layout: StateLayout,
  { data, base }: EntityState,
  transactionToken: number,
): boolean => {
  const { ringAt, fieldCount } = layout
  const mask = data[base + HEADER.ringCapacity]! - 1
  const idAt = base + ringAt + ID_FIELD
  const next = data[base + HEADER.next]!
  for (let sequence = data[base + HEADER.first]!; sequence < next; sequence++) {
    if (data[idAt + (sequence & mask) * fieldCount] === transactionToken) return true
  }
  return false
}

/**
 * Sequence number of the transaction, of its first copy where it has several (`nextCopy`); -1 when it is not
 * in the ring.
 */
export const findTransaction = (
  layout: StateLayout,
  { data, base }: EntityState,
  eventTimeMs: number,
  transactionToken: number,
): number => {
  const { ringAt, fieldCount } = layout
  const mask = data[base + HEADER.ringCapacity]! - 1
  const timeAt = base + ringAt + TIME_FIELD
  const idAt = base + ringAt + ID_FIELD
  const first = data[base + HEADER.first]!
  const next = data[base + HEADER.next]!
  // Labels mostly come in the order of their transactions.
  const expected = data[base + HEADER.labelCursor]!
  if (expected >= first && expected < next) {
    const offset = (expected & mask) * fieldCount
    const isIt = data[idAt + offset] === transactionToken && data[timeAt + offset] === eventTimeMs
    // Copies have one time, so they stand within a run of equal times; the run is searched as a whole.
    const isFirstOfItsTime =
      expected === first || data[timeAt + ((expected - 1) & mask) * fieldCount]! < eventTimeMs
    if (isIt && isFirstOfItsTime) return expected
  }
  let low = first
  let high = next
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (data[timeAt + (middle & mask) * fieldCount]! < eventTimeMs) low = middle + 1
    else high = middle
  }
  for (let sequence = low; sequence < next; sequence++) {
    if (data[timeAt + (sequence & mask) * fieldCount] !== eventTimeMs) return -1
    if (data[idAt + (sequence & mask) * fieldCount] === transactionToken) return sequence
  }
  return -1
}

/**
 * Sequence number of the next copy of the transaction at `sequence`, or -1 without one. A ring holds copies
 * where a transaction came again and its user's state did not know it: it had come too late for the user, or
 * the user's full ring had dropped it.
 */
export const nextCopy = (layout: StateLayout, { data, base }: EntityState, sequence: number): number => {
  const { ringAt, fieldCount } = layout
  const mask = data[base + HEADER.ringCapacity]! - 1
  const timeAt = base + ringAt + TIME_FIELD
  const idAt = base + ringAt + ID_FIELD
  const offset = (sequence & mask) * fieldCount
  const eventTimeMs = data[timeAt + offset]!
  const transactionToken = data[idAt + offset]!
  const next = data[base + HEADER.next]!
  for (let other = sequence + 1; other < next; other++) {
    if (data[timeAt + (other & mask) * fieldCount] !== eventTimeMs) return -1
    if (data[idAt + (other & mask) * fieldCount] === transactionToken) return other
  }
  return -1
}
