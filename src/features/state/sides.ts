import type { Entity, Side } from '../../transaction/entities.ts'
import { NO_TOKEN } from '../../transaction/token.ts'
import { SIDE_VALUES, type SideValue } from '../side-values.ts'
import type { TransactionEvent } from '../transaction-event.ts'
import { slotOf, tokenIn } from './dimension-token.ts'
import { paidOf } from './windows.ts'

/** Looks at an event from one side: fills its side values and its counterparty. */
export type TakeSide = (event: TransactionEvent) => void

/** Undefined for a kind that is no side. */
export const takeSideOf = (kind: string, entities: readonly Entity[]): TakeSide | undefined => {
  const side = entities.find(({ name }) => name === kind)?.side
  if (side === undefined) return undefined
  const slot = slotOf(side.other, entities)
  const places = PLACES[side.is]
  return (event) => {
    const { values, attributes, eventTimeMs } = event
    const from = attributes.length
    const other = tokenIn(event, slot)
    for (let i = 0; i < SIDE_VALUES.length; i++) values[from + i] = Number.NaN
    values[from + TO] = NO_TOKEN
    values[from + FROM] = NO_TOKEN
    values[from + places.amount] = paidOf(event.amountMinor)
    values[from + places.counterparty] = other
    values[from + places.time] = eventTimeMs
    event.counterpartyToken = other
  }
}

const placeOf = (name: SideValue): number => SIDE_VALUES.findIndex((value) => value.name === name)
const TO = placeOf('side.sent_to')
const FROM = placeOf('side.received_from')
const PLACES: Readonly<Record<Side, Readonly<Record<'amount' | 'counterparty' | 'time', number>>>> = {
  sender: { amount: placeOf('side.sent'), counterparty: TO, time: placeOf('side.sent_at') },
  receiver: { amount: placeOf('side.received'), counterparty: FROM, time: placeOf('side.received_at') },
}
