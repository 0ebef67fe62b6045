import { murmurHash52 } from '../foundation/murmur-hash.ts'
import type { LogPosition } from '../ports/prediction-log.ts'
import { tokenOf } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'

/** Where the record of a receipt stands. */
export interface ReceiptPlace {
  /** Undefined until the record is durable, and where processes share their states. */
  position: LogPosition | undefined
}

/** What is kept of a label to recognise it when it comes again. */
export interface LabelReceipt extends ReceiptPlace {
  readonly isFraud: boolean
  readonly receivedAtMs: number
  readonly isApplied: boolean
}

/** Id of the receipt of a transaction's decision (its idempotency key, as the field calls it). */
export const decisionId = (transactionId: string): string => `decision/${shortened(transactionId)}`
/** Id of the receipt of a transaction's latest label. */
export const labelId = (transactionId: string): string => `label/${shortened(transactionId)}`

/** A receipt as stores keep it: JSON in UTF-8. */
export const encodeReceipt = (receipt: ReceiptPlace): Uint8Array => encoder.encode(JSON.stringify(receipt))
/** What `encodeReceipt` wrote; its id says of what kind it is. */
export const decodeReceipt = <T extends ReceiptPlace>(bytes: Uint8Array): T =>
  JSON.parse(decoder.decode(bytes)) as T

/** 52 bits of the transaction: equal for the same one, whatever the order of its fields. */
export const transactionHash = (of: Transaction): number =>
  // No text of a transaction has control characters.
  tokenOf(
    `${of.userId}\n${of.eventTimeMs}\n${of.amountMinor}\n${of.currency}\n${of.merchantId}\n${of.merchantCategory}\n${of.transactionType}\n${of.deviceId}\n${of.deviceType}\n${of.location}\n${of.latitude}\n${of.longitude}`,
  )

/**
 * Ids have at most 256 UTF-16 units, keys of stores at most 512 bytes: the longest ones are distinguished
 * by their hash.
 */
const shortened = (id: string): string => {
  if (id.length <= 160) return id
  const bytes = encoder.encode(id)
  return bytes.length <= 480 ? id : `${id.slice(0, 100)}#${murmurHash52(bytes, 0, bytes.length).toString(36)}`
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
