import type { Entity } from '../../transaction/entities.ts'
import type { TransactionEvent } from '../transaction-event.ts'
import type { Dimension } from './layout.ts'

/** Whoever is on the other side, for an entity that sends and receives. */
export const COUNTERPARTY = 'counterparty'

/** The dimensions of every transaction; those of entities of the bank's own follow, in their order. */
const STANDARD = ['user', 'merchant', 'category', 'location', 'device', COUNTERPARTY] as const
const OWN = STANDARD.length

/** Which token of an event a dimension is: a number, because it is asked for with every transaction. */
export const slotOf = (dimension: Dimension, own: readonly Entity[]): number => {
  const standard = STANDARD.indexOf(dimension as (typeof STANDARD)[number])
  return standard >= 0 ? standard : OWN + own.findIndex(({ name }) => name === dimension)
}

/** The token of `event` in the dimension of a slot. */
export const tokenIn = (event: TransactionEvent, slot: number): number => {
  switch (slot) {
    case 0:
      return event.userToken
    case 1:
      return event.merchantToken
    case 2:
      return event.categoryToken
    case 3:
      return event.locationToken
    case 4:
      return event.deviceToken
    case 5:
      return event.counterpartyToken
    default:
      return event.entityTokens[slot - OWN]!
  }
}

/** Gives `event` a token in the dimension of a slot. */
export const setToken = (event: TransactionEvent, slot: number, token: number): void => {
  switch (slot) {
    case 0:
      event.userToken = token
      break
    case 1:
      event.merchantToken = token
      break
    case 2:
      event.categoryToken = token
      break
    case 3:
      event.locationToken = token
      break
    case 4:
      event.deviceToken = token
      break
    case 5:
      event.counterpartyToken = token
      break
    default:
      event.entityTokens[slot - OWN] = token
  }
}
