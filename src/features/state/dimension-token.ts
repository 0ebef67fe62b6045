import type { TransactionEvent } from '../transaction-event.ts'
import type { Dimension } from './layout.ts'

/** The token of `event` in a dimension. */
export const tokenIn = (event: TransactionEvent, dimension: Dimension): number => {
  switch (dimension) {
    case 'user':
      return event.userToken
    case 'merchant':
      return event.merchantToken
    case 'category':
      return event.categoryToken
    case 'location':
      return event.locationToken
    case 'device':
      return event.deviceToken
  }
}

/** Gives `event` a token in a dimension. */
export const setToken = (event: TransactionEvent, dimension: Dimension, token: number): void => {
  switch (dimension) {
    case 'user':
      event.userToken = token
      break
    case 'merchant':
      event.merchantToken = token
      break
    case 'category':
      event.categoryToken = token
      break
    case 'location':
      event.locationToken = token
      break
    case 'device':
      event.deviceToken = token
      break
  }
}
