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
  state: EntityState,
  eventTimeMs: number,
  transactionToken: number,
): number => {
  const { data, base } = state
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
  return findFrom(layout, state, low, eventTimeMs, transactionToken)
}

/**
 * Sequence number of the next copy of the transaction at `sequence`, or -1 without one. A ring holds copies
 * where a transaction came again and its user's state did not know it: it had come too late for the user, or
 * the user's full ring had dropped it.
 */
export const nextCopy = (
  layout: StateLayout,
  state: EntityState,
  sequence: number,
  eventTimeMs: number,
  transactionToken: number,
): number => findFrom(layout, state, sequence + 1, eventTimeMs, transactionToken)

/** The transaction at `from` or after it in the run of equal times that begins there; -1 when it is not. */
const findFrom = (
  { ringAt, fieldCount }: StateLayout,
  { data, base }: EntityState,
  from: number,
  eventTimeMs: number,
  transactionToken: number,
): number => {
  const mask = data[base + HEADER.ringCapacity]! - 1
  const timeAt = base + ringAt + TIME_FIELD
  const idAt = base + ringAt + ID_FIELD
  const next = data[base + HEADER.next]!
  for (let sequence = from; sequence < next; sequence++) {
    const offset = (sequence & mask) * fieldCount
    if (data[timeAt + offset] !== eventTimeMs) return -1
    if (data[idAt + offset] === transactionToken) return sequence
  }
  return -1
}
