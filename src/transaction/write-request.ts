import type { RequestField } from './read-request.ts'
import type { Transaction } from './transaction.ts'

/** A transaction as a request writes it. */
export type RequestTransaction = { [K in RequestField]?: string | number }

/** The JSON that `readRequest` reads as `transaction`: the amount in major units, the time as ISO text. */
export const writeRequest = (transaction: Transaction): RequestTransaction => {
  const { transactionId, userId, eventTimeMs, amountMinor } = transaction
  const written: RequestTransaction = {
    transaction_id: transactionId,
    user_id: userId,
    timestamp: new Date(eventTimeMs).toISOString(),
    // The double next to the exact quotient prints as that decimal.
    amount: amountMinor / 100,
  }
  for (const [field, name] of OPTIONAL) {
    const value = transaction[name]
    if (value !== undefined) written[field] = value
  }
  return written
}

const OPTIONAL = [
  ['currency', 'currency'],
  ['merchant_id', 'merchantId'],
  ['merchant_category', 'merchantCategory'],
  ['transaction_type', 'transactionType'],
  ['device_id', 'deviceId'],
  ['device_type', 'deviceType'],
  ['location', 'location'],
  ['latitude', 'latitude'],
  ['longitude', 'longitude'],
] as const satisfies readonly (readonly [RequestField, keyof Transaction])[]
