import type { Reason } from '../model/explain/reasons.ts'
import type { RiskLevel, Scorer } from '../model/scorer.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { ControlSample } from './control-sample.ts'
import type { ReceiptPlace } from './decision-receipt.ts'
import type { Entities } from './entities.ts'
import type { PredictionNames } from './prediction-names.ts'
import type { TransactionTiming } from './state-updates.ts'

/*
 * A decision in all its forms: what was decided (`Decided`), and the receipt, the log entry and the answer
 * that are made from it. They are written out, not spread: this is done for every decision, and a spread
 * costs as much as a small model. The compiler names each place that a new field of `Decided` still lacks.
 */

/** A model as predictions name it. */
export interface ServedModelName {
  /** Registered name, or the project's when it was loaded from a folder. */
  readonly name: string
  /** Version in the registry, or the first 12 digits of its SHA-256 when it was loaded from a folder. */
  readonly version: string
}

/** What was decided on a transaction: what receipt, log entry and answer all say. */
export interface Decided {
  /** When it was decided, epoch milliseconds. */
  readonly decidedAtMs: number
  /** Calibrated probability of fraud, in [0, 1]. */
  readonly probability: number
  /** Whether it was answered as flagged: not where the control sample let it through. */
  readonly isFlagged: boolean
  readonly riskLevel: RiskLevel
  /** Flagged from this probability on. */
  readonly threshold: number
  /** Whether the champion or the canary decided. */
  readonly role: 'champion' | 'canary'
  /** When the transaction came; undefined when in order. */
  readonly timing: Exclude<TransactionTiming, 'in_order'> | undefined
  /** What came of the draw; undefined where it had no chance, or nothing is drawn. */
  readonly controlSample?: ControlSample | undefined
}

/**
 * What is decided when a model gives this probability.
 *
 * @param controlSample what came of the draw; left out where there was none
 */
export const decidedOf = (
  scorer: Pick<Scorer, 'threshold' | 'isFlagged' | 'riskLevel'>,
  role: Decided['role'],
  probability: number,
  decidedAtMs: number,
  timing: TransactionTiming,
  controlSample?: ControlSample,
): Decided => ({
  decidedAtMs,
  probability,
  isFlagged: scorer.isFlagged(probability) && controlSample?.drawn !== 'let_through',
  riskLevel: scorer.riskLevel(probability),
  threshold: scorer.threshold,
  role,
  timing: timing === 'in_order' ? undefined : timing,
  controlSample,
})

/** A decision on one transaction, as it is answered. */
export interface Prediction extends Decided {
  /**
   * Names the decision for ever: the process's log and the sequence number in it. At most 64 characters of
   * `[0-9a-z-]`.
   */
  readonly predictionId: string
  readonly transactionId: string
  /** Place in the log, from 1. */
  readonly sequence: number
  readonly model: ServedModelName
  /** Only when they were asked for: strongest first. */
  readonly reasons?: readonly Reason[]
  /** This transaction had been decided on before: everything here is that decision. */
  readonly isRepeated: boolean
}

/** What is kept of a decision to answer the same transaction again, and to find it in the log. */
export interface DecisionReceipt extends Decided, ReceiptPlace {
  /** 0 where the store counts: it gives the number back beside the receipt. */
  readonly sequence: number
  readonly model: ServedModelName
  /** Of the transaction: distinguishes it from another one with the same id. */
  readonly hash: number
  readonly userId: string | undefined
  readonly merchantId: string | undefined
  readonly deviceId: string | undefined
  /** Tokens of the entities of the bank's own, by kind: they learn its label. */
  readonly own?: Entities['own']
  readonly eventTimeMs: number
}

/** What a shadow model would have decided. */
export interface ShadowEntry {
  /** `LoadedModel.key`. */
  readonly model: string
  readonly probability: number
  readonly isFlagged: boolean
}

/** A decision as the log keeps it; the features stand beside it. */
export interface DecisionEntry extends Decided {
  /** As it was accepted, before cleaning. */
  readonly transaction: Transaction
  /** `LoadedModel.key`: names the document `model-<key>` beside the log. */
  readonly model: string
  readonly latencyMs: number
  readonly shadow?: ShadowEntry | undefined
}

/**
 * The receipt of a decision; its place in the log is not known yet.
 *
 * @param hash of the transaction's contents (`Decider.hashOf`)
 */
export const receiptOf = (
  decided: Decided,
  model: ServedModelName,
  transaction: Transaction,
  own: Entities['own'],
  hash: number,
  sequence: number,
): DecisionReceipt => ({
  sequence,
  decidedAtMs: decided.decidedAtMs,
  probability: decided.probability,
  isFlagged: decided.isFlagged,
  riskLevel: decided.riskLevel,
  threshold: decided.threshold,
  model: { name: model.name, version: model.version },
  role: decided.role,
  timing: decided.timing,
  controlSample: decided.controlSample,
  hash,
  userId: transaction.userId,
  merchantId: transaction.merchantId,
  deviceId: transaction.deviceId,
  own,
  eventTimeMs: transaction.eventTimeMs,
  position: undefined,
})

/** What the log says of a shadow. */
export const shadowEntryOf = (
  shadow: (Omit<ShadowEntry, 'model'> & { readonly model: { readonly key: string } }) | undefined,
): ShadowEntry | undefined =>
  shadow && {
    model: shadow.model.key,
    probability: shadow.probability,
    isFlagged: shadow.isFlagged,
  }

/** The log's entry of a decision. */
export const entryOf = (
  decided: Decided,
  modelKey: string,
  transaction: Transaction,
  latencyMs: number,
  shadow: ShadowEntry | undefined,
): DecisionEntry => ({
  transaction,
  decidedAtMs: decided.decidedAtMs,
  probability: decided.probability,
  isFlagged: decided.isFlagged,
  riskLevel: decided.riskLevel,
  threshold: decided.threshold,
  model: modelKey,
  role: decided.role,
  timing: decided.timing,
  controlSample: decided.controlSample,
  latencyMs,
  shadow,
})

/** The answer that a receipt or a log entry stands for. */
export const predictionOf = (
  decided: Decided,
  model: ServedModelName,
  transactionId: string,
  names: PredictionNames,
  sequence: number,
  isRepeated: boolean,
): Prediction => ({
  predictionId: names.idOf(sequence),
  transactionId,
  sequence,
  decidedAtMs: decided.decidedAtMs,
  probability: decided.probability,
  isFlagged: decided.isFlagged,
  riskLevel: decided.riskLevel,
  threshold: decided.threshold,
  model,
  role: decided.role,
  timing: decided.timing,
  controlSample: decided.controlSample,
  isRepeated,
})
