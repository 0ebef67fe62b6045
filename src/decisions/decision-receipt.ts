import { murmurHash52 } from '../foundation/murmur-hash.ts'
import type { RiskLevel } from '../model/scorer.ts'
import type { LogPosition } from '../ports/prediction-log.ts'
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

/** 52 bits of the transaction: equal for the same one, whatever the order of its fields. */
export const transactionHash = (of: Transaction): number =>
  // No text of a transaction has control characters.
  tokenOf(
    `${of.userId}\n${of.eventTimeMs}\n${of.amountMinor}\n${of.currency}\n${of.merchantId}\n${of.merchantCategory}\n${of.transactionType}\n${of.deviceId}\n${of.deviceType}\n${of.location}\n${of.latitude}\n${of.longitude}`,
  )

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
