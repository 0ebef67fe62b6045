import { NO_TOKEN } from '../../transaction/token.ts'
import type { TransactionEvent } from '../transaction-event.ts'
import type { EntityState } from './entity-state.ts'
import { AMOUNT_FIELD, HEADER, ID_FIELD, type StateLayout, TIME_FIELD } from './layout.ts'
import type { EntityReading } from './reading.ts'

/**
 * Shows what a user's transaction reverses, of those that are in the ring of `view`; nothing changes where it
 * names none. The ring has what is needed whether or not any feature asks for it, so states do not differ by
 * it.
 */
export const describeReversal = (
  layout: StateLayout,
  view: EntityState,
  { reversesToken }: TransactionEvent,
  reading: EntityReading,
): void => {
  if (reversesToken === NO_TOKEN || layout.kind !== 'user') return
  const at = latestTransaction(layout, view, reversesToken)
  reading.knowsOriginal = at >= 0
  reading.originalTimeMs = at < 0 ? Number.NaN : view.data[at + TIME_FIELD]!
  reading.originalMinor = at < 0 ? Number.NaN : view.data[at + AMOUNT_FIELD]!
}

/** Where in `data` the latest transaction of this token stands; -1 when it is not in the ring. */
const latestTransaction = (
  { ringAt, fieldCount }: StateLayout,
  { data, base }: EntityState,
  transactionToken: number,
): number => {
  const mask = data[base + HEADER.ringCapacity]! - 1
  const first = data[base + HEADER.first]!
  for (let sequence = data[base + HEADER.next]! - 1; sequence >= first; sequence--) {
    const at = base + ringAt + (sequence & mask) * fieldCount
    if (data[at + ID_FIELD] === transactionToken) return at
  }
  return -1
}
