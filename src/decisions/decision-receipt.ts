import { murmurHash52 } from '../foundation/murmur-hash.ts'
import type { RiskLevel } from '../model/scorer.ts'
import type { LogPosition } from '../ports/prediction-log.ts'
import { type FieldName, TRANSACTION_FIELDS } from '../transaction/fields.ts'
import { tokenOf } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Prediction, ServedModelName } from './inference-pipeline.ts'

/** What is kept of a decision to answer the same transaction again, and to find it in the log. */
export interface DecisionReceipt {
  /** 0 where the store counts: it gives the number back beside the receipt. */
  readonly sequence: number
  readonly decidedAtMs: number
  readonly probability: number
  readonly isFlagged: boolean
  readonly riskLevel: RiskLevel
  readonly threshold: number
  readonly model: ServedModelName
  readonly role: 'champion' | 'canary'
  /** Of the transaction: tells the same one from another of the same id. */
  readonly hash: number
  readonly userId: string
  readonly merchantId: string | undefined
  readonly deviceId: string | undefined
  readonly eventTimeMs: number
  /** Where the record stands, once it is durable. */
  position: LogPosition | undefined
}

/** What is kept of a label to tell whether it is told again. */
export interface LabelReceipt {
  readonly isFraud: boolean
  readonly receivedAtMs: number
  readonly isApplied: boolean
  /** Where the record stands, once it is durable. */
  position: LogPosition | undefined
}

export const decisionId = (transactionId: string): string => `decision/${shortened(transactionId)}`
export const labelId = (transactionId: string): string => `label/${shortened(transactionId)}`

export const encodeReceipt = (receipt: DecisionReceipt | LabelReceipt): Uint8Array =>
  encoder.encode(JSON.stringify(receipt))
export const decodeReceipt = <T extends DecisionReceipt | LabelReceipt>(bytes: Uint8Array): T =>
  JSON.parse(decoder.decode(bytes)) as T

/**
 * 52 bits of the transaction: equal for the same one, whatever the order of its fields.
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

/** The answer that a receipt stands for. */
export const predictionOf = (
  transactionId: string,
  logName: string,
  receipt: DecisionReceipt,
  sequence: number,
  isRepeated: boolean,
): Prediction => ({
  predictionId: `${logName}-${sequence}`,
  transactionId,
  sequence,
  decidedAtMs: receipt.decidedAtMs,
  probability: receipt.probability,
  isFlagged: receipt.isFlagged,
  riskLevel: receipt.riskLevel,
  threshold: receipt.threshold,
  model: receipt.model,
  role: receipt.role,
  isRepeated,
})

/**
 * Ids have at most 256 UTF-16 units, keys of stores at most 512 bytes: the longest ones are told apart by
 * their hash.
 */
const shortened = (id: string): string => {
  if (id.length <= 160) return id
  const bytes = encoder.encode(id)
  return bytes.length <= 480 ? id : `${id.slice(0, 100)}#${murmurHash52(bytes, 0, bytes.length).toString(36)}`
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
