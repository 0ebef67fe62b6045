import type { PredictionLog } from '../ports/prediction-log.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Decider } from './decider.ts'
import type { DecisionReceipt, LabelReceipt } from './decision-receipt.ts'
import type {
  Feedback,
  FeedbackOutcome,
  InferenceObserver,
  Prediction,
  ServedModelName,
} from './inference-pipeline.ts'

/**
 * What makes decisions durable and puts them in order: one process with states of its own, or many with
 * shared ones.
 */
export interface Decisions {
  predict(transaction: Transaction, reasons: number): Promise<Prediction>
  applyFeedback(feedback: Feedback): Promise<FeedbackOutcome>
  findDecision(
    transactionId: string,
  ): Promise<{ readonly receipt: DecisionReceipt; readonly sequence: number } | undefined>
  findLabel(transactionId: string): Promise<LabelReceipt | undefined>
  /** The next transaction is decided on by these models. */
  use(decider: Decider): void
  /** Saves everything that is durable. */
  flush(): Promise<void>
  /** Records up to this one are no longer needed to open. */
  savedThrough(): Promise<number>
  status(): {
    /** Why nothing is decided; empty when all is well. */
    readonly failure: string
    readonly cachedStates: number
    readonly cachedBytes: number
    readonly unsavedStates: number
    /** Records whose receipts are not saved yet. */
    readonly waiting: number
    readonly lastSequence: number
  }
  close(): Promise<void>
}

export interface DecisionsOptions {
  readonly decider: Decider
  readonly log: PredictionLog
  readonly observer: InferenceObserver
  /** First part of prediction ids: names this store of states for ever. */
  readonly logName: string
  /** The model of a log record's key. */
  readonly nameOf: (key: string) => Promise<ServedModelName>
  /** Wall clock, epoch milliseconds. */
  readonly now: () => number
  /** A clock that never goes back, milliseconds with fractions. */
  readonly monotonicMs: () => number
}
