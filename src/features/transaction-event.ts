import type { FieldName } from '../transaction/fields.ts'
import { tokenOf } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'

/**
 * A transaction as the engine reads it: numbers only. Text stands as its token (`NO_TOKEN`: missing); a
 * missing coordinate is NaN. One object is filled again for each transaction.
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

/** What of a transaction each field of an event is made of, in the order in which rows have them. */
export const EVENT_SOURCES = {
  eventTimeMs: 'eventTimeMs',
  amountMinor: 'amountMinor',
  transactionToken: 'transactionId',
  userToken: 'userId',
  merchantToken: 'merchantId',
  categoryToken: 'merchantCategory',
  typeToken: 'transactionType',
  deviceToken: 'deviceId',
  deviceTypeToken: 'deviceType',
  locationToken: 'location',
  latitude: 'latitude',
  longitude: 'longitude',
} as const satisfies Readonly<Record<keyof TransactionEvent, FieldName>>

export type EventField = keyof typeof EVENT_SOURCES

/**
 * The fields of an event in bulk: row `r` of an `EventRows` holds field `f` at `r * EVENT_FIELDS.length + f`.
 */
export const EVENT_FIELDS = Object.keys(EVENT_SOURCES) as readonly EventField[]

/** Many events, row after row: a transaction is read as a whole, so its fields share cache lines. */
export type EventRows = Float64Array

/** Where a field stands in a row. */
export const eventFieldAt = (field: EventField): number => EVENT_FIELDS.indexOf(field)

const EVENT_WIDTH = EVENT_FIELDS.length

/** Fills `event` from row `row`. */
export const readRow = (event: TransactionEvent, rows: EventRows, row: number): void => {
  const at = row * EVENT_WIDTH
  event.eventTimeMs = rows[at]!
  event.amountMinor = rows[at + 1]!
  event.transactionToken = rows[at + 2]!
  event.userToken = rows[at + 3]!
  event.merchantToken = rows[at + 4]!
  event.categoryToken = rows[at + 5]!
  event.typeToken = rows[at + 6]!
  event.deviceToken = rows[at + 7]!
  event.deviceTypeToken = rows[at + 8]!
  event.locationToken = rows[at + 9]!
  event.latitude = rows[at + 10]!
  event.longitude = rows[at + 11]!
}
