import { tokenOf } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'

/**
 * A transaction as the engine reads it: numbers only. Text stands as its token (`NO_TOKEN`: missing); a missing coordinate is
 * NaN. One object is filled again for each transaction.
 */
export class TransactionEvent {
  eventTimeMs = 0.5
  amountMinor = 0.5
  transactionToken = 0.5
  userToken = 0.5
  merchantToken = 0.5
  categoryToken = 0.5
  typeToken = 0.5
  deviceToken = 0.5
  deviceTypeToken = 0.5
  locationToken = 0.5
  latitude = 0.5
  longitude = 0.5
  // Half a unit each: it makes V8 hold the fields as doubles from the start. All are set before use.
}

/** Fills `event` from `transaction`. */
export const readTransaction = (event: TransactionEvent, transaction: Transaction): void => {
  event.eventTimeMs = transaction.eventTimeMs
  event.amountMinor = transaction.amountMinor
  event.transactionToken = tokenOf(transaction.transactionId)
  event.userToken = tokenOf(transaction.userId)
  event.merchantToken = tokenOf(transaction.merchantId)
  event.categoryToken = tokenOf(transaction.merchantCategory)
  event.typeToken = tokenOf(transaction.transactionType)
  event.deviceToken = tokenOf(transaction.deviceId)
  event.deviceTypeToken = tokenOf(transaction.deviceType)
  event.locationToken = tokenOf(transaction.location)
  event.latitude = transaction.latitude ?? Number.NaN
  event.longitude = transaction.longitude ?? Number.NaN
}

/** Names of the numeric columns that carry events in bulk, in the order `TransactionColumns` holds them. */
export const EVENT_COLUMNS = [
  'eventTimeMs',
  'amountMinor',
  'transactionToken',
  'userToken',
  'merchantToken',
  'categoryToken',
  'typeToken',
  'deviceToken',
  'deviceTypeToken',
  'locationToken',
  'latitude',
  'longitude',
] as const

export type EventColumn = (typeof EVENT_COLUMNS)[number]

/** Many events, column by column, all of one length. */
export type TransactionColumns = Readonly<Record<EventColumn, Float64Array>>

/** Fills `event` from row `row`. */
export const readRow = (event: TransactionEvent, columns: TransactionColumns, row: number): void => {
  event.eventTimeMs = columns.eventTimeMs[row]!
  event.amountMinor = columns.amountMinor[row]!
  event.transactionToken = columns.transactionToken[row]!
  event.userToken = columns.userToken[row]!
  event.merchantToken = columns.merchantToken[row]!
  event.categoryToken = columns.categoryToken[row]!
  event.typeToken = columns.typeToken[row]!
  event.deviceToken = columns.deviceToken[row]!
  event.deviceTypeToken = columns.deviceTypeToken[row]!
  event.locationToken = columns.locationToken[row]!
  event.latitude = columns.latitude[row]!
  event.longitude = columns.longitude[row]!
}
