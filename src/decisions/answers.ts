import { VigiaError } from '../errors.ts'
import type { Reason } from '../model/explain/reasons.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { reachesThreshold } from './control-sample.ts'
import { type DecisionReceipt, type Prediction, predictionOf } from './decided.ts'
import type { ShadowScore } from './decider.ts'
import { transactionHash } from './decision-receipt.ts'
import type { DecisionsOptions } from './decisions.ts'
import type { Feedback, FeedbackOutcome, InferenceObserver } from './inference-pipeline.ts'
import { LabelBalance } from './label-balance.ts'
import type { PredictionNames } from './prediction-names.ts'
import type { StateUpdate } from './state-updates.ts'

/** A decision that is durable by now. */
export interface DecidedNow {
  readonly transactionId: string
  readonly receipt: DecisionReceipt
  readonly sequence: number
  readonly reasons: readonly Reason[] | undefined
  readonly shadow: ShadowScore | undefined
  /** How the states took it in, where that is not as usual. */
  readonly updates: readonly StateUpdate[]
}

type AnswersOptions = Pick<DecisionsOptions, 'observer' | 'names' | 'world' | 'decider'>

/**
 * What is answered, and what the observer is told at the same moment.
 *
 * It owns nothing that changes. It does not own receipts, and it makes nothing durable: both have happened
 * when it is called.
 */
export class Answers {
  private readonly observer: InferenceObserver
  private readonly names: PredictionNames
  private readonly monotonicMs: () => number

  /** Absent where transactions without a label become genuine: then frauds alone are what is told. */
  private readonly balance: LabelBalance | undefined

  constructor({ observer, names, world, decider }: AnswersOptions) {
    this.observer = observer
    this.names = names
    this.monotonicMs = world.monotonicMs
    this.balance =
      decider.models.champion.settings.unlabelled === undefined
        ? new LabelBalance((details) => observer.warned('SERVING_LABELS_ONE_SIDED', { ...details }))
        : undefined
  }

  /** The answer to a transaction that was decided on just now. */
  decided(
    { transactionId, receipt, sequence, reasons, shadow, updates }: DecidedNow,
    startedMs: number,
  ): Prediction {
    const prediction = predictionOf(receipt, receipt.model, transactionId, this.names, sequence, false)
    this.observer.predicted(prediction, this.monotonicMs() - startedMs)
    for (const update of updates) this.observer.updated(update)
    if (shadow !== undefined) {
      const { model, probability, isFlagged } = shadow
      this.observer.shadowed(model.description, probability, isFlagged, reachesThreshold(prediction))
    }
    return reasons === undefined ? prediction : { ...prediction, reasons }
  }

  /**
   * The answer to a transaction that was decided on before.
   *
   * @param hash of its contents (`Decider.hashOf`); receipts of earlier versions have one of all letters
   * @throws SERVING_TRANSACTION_DIFFERS when that one had the same id and other contents
   */
  repeated(
    transaction: Transaction,
    hash: number,
    receipt: DecisionReceipt,
    sequence: number,
    startedMs: number,
  ): Prediction {
    const { transactionId } = transaction
    if (receipt.hash !== hash && receipt.hash !== transactionHash(transaction))
      throw new VigiaError('SERVING_TRANSACTION_DIFFERS', { transactionId })
    const prediction = predictionOf(receipt, receipt.model, transactionId, this.names, sequence, true)
    this.observer.predicted(prediction, this.monotonicMs() - startedMs)
    return prediction
  }

  /** A label that the server applied by itself. */
  delivered(isFraud: boolean | null): void {
    this.observer.labelled('delivered', isFraud)
  }

  /** The answer to feedback. */
  labelled(outcome: FeedbackOutcome, { isFraud }: Feedback): FeedbackOutcome {
    this.observer.labelled(outcome, isFraud)
    if (outcome !== 'unchanged') this.balance?.told(isFraud)
    return outcome
  }
}
