import { murmurHash52 } from '../foundation/murmur-hash.ts'
import type { LogPosition } from '../ports/prediction-log.ts'
import { type FieldName, TRANSACTION_FIELDS } from '../transaction/fields.ts'
import { tokenOf } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { ToldOrigin } from './label-origin.ts'

/** Where the record of a receipt stands. */
export interface ReceiptPlace {
  /** Undefined until the record is durable, and where processes share their states. */
  position: LogPosition | undefined
}

/** What is kept of a label to recognise it when it comes again. */
export interface LabelReceipt extends ReceiptPlace {
  /** Null: it was taken back. */
  readonly isFraud: boolean | null
  readonly receivedAtMs: number
  readonly isApplied: boolean
  /** When its transaction happened; absent in receipts of before, and where nobody knows. */
  readonly eventTimeMs?: number
  /** Which due label it was; absent when somebody told it. */
  readonly due?: string
  /** Who told it; absent where nobody did, nobody knows who, and in receipts of before. */
  readonly origin?: ToldOrigin
}

/** What is kept of a label whose transaction has not come. */
export interface WaitingReceipt extends LabelReceipt {
  readonly transactionId: string
}

/** Id of the receipt of a transaction's decision (its idempotency key, as the field calls it). */
export const decisionId = (transactionId: string): string => `decision/${shortened(transactionId)}`
/** Id of the receipt of a transaction's latest label. */
export const labelId = (transactionId: string): string => `label/${shortened(transactionId)}`
/** The same of a transaction that was not decided on here: labels of a history know its token alone. */
export const historyLabelId = (transactionToken: number): string =>
  `label-of/${transactionToken.toString(36)}`
/** Id of the receipt of a label whose transaction has not come. */
export const waitingId = (transactionId: string): string => `waiting/${shortened(transactionId)}`

/** A receipt as stores keep it: JSON in UTF-8. */
export const encodeReceipt = (receipt: ReceiptPlace): Uint8Array => encoder.encode(JSON.stringify(receipt))
/** What `encodeReceipt` wrote; its id says of what kind it is. */
export const decodeReceipt = <T extends ReceiptPlace>(bytes: Uint8Array): T =>
  JSON.parse(decoder.decode(bytes)) as T

/**
 * 52 bits of the transaction as it was sent: equal for the same one, whatever the order of its fields and
 * whatever a table says of it meanwhile.
 *
 * Stores keep it for as long as receipts live, so it stays what it was when the table of fields grows: the
 * first fields stand in their old places, missing ones too; a later one follows with its name, and only
 * where it is there.
 */
export const transactionHash = (of: Transaction): number => {
  // No text of a transaction has control characters.
  let text = String(of.userId)
  for (const name of PLACED) text += `\n${of[name]}`
  for (const name of NAMED) if (of[name] !== undefined) text += `\n${name}=${of[name]}`
  const { attributes, lookedUp } = of
  if (attributes !== undefined)
    for (const name of Object.keys(attributes).sort())
      if (lookedUp?.includes(name) !== true) text += `\nattributes.${name}=${attributes[name]}`
  return tokenOf(text)
}

/** Fields that have a place in the hash, after the user: this list is a stored format and never changes. */
const PLACED = [
  'eventTimeMs',
  'amountMinor',
  'currency',
  'merchantId',
  'merchantCategory',
  'transactionType',
  'deviceId',
  'deviceType',
  'location',
  'latitude',
  'longitude',
] as const satisfies readonly FieldName[]

/**
 * All others, but the id, by which the hash is found. In the order of their names: the table's may change.
 */
const NAMED = TRANSACTION_FIELDS.map(({ name }) => name)
  .filter((name) => !['transactionId', 'userId', ...PLACED].includes(name))
  .sort()

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

/** Whether the record of a label stands before that of another one in the log. */
export const isBefore = (a: LabelReceipt | undefined, b: LabelReceipt): boolean => {
  const [first, second] = [a?.position, b.position]
  if (first === undefined || second === undefined) return false
  if (first.segment === second.segment) return first.offset < second.offset
  return first.segment < second.segment
}
