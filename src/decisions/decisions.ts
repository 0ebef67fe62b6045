import type { World } from '../foundation/world.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { OwnedStateStore, SharedStateStore, StorePersistence } from '../ports/state-store.ts'
import type { EventTimeBounds } from '../transaction/event-time.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { BranchStatus, LayoutPauses } from './branch-status.ts'
import type { ControlSampler } from './control-sample.ts'
import type { DecisionReceipt, Prediction } from './decided.ts'
import type { Decider } from './decider.ts'
import type { LabelReceipt } from './decision-receipt.ts'
import type { DecisionWatch } from './decision-watch.ts'
import type { Feedback, FeedbackOutcome, InferenceObserver } from './inference-pipeline.ts'
import type { LogEntry } from './log/log-record.ts'
import type { PredictionNames } from './prediction-names.ts'
import type { IsStale } from './reading.ts'

/** An open state store, and whether one process owns it or many share it. `name` is for people. */
export type OpenStates =
  | { readonly kind: 'owned'; readonly name: string; readonly store: OwnedStateStore }
  | {
      readonly kind: 'shared'
      readonly name: string
      readonly store: SharedStateStore
      readonly persistence: StorePersistence
    }

/**
 * What settings say of deciding and of its log. Those of states in memory are read where the states are
 * owned.
 */
export interface DecisionSettings {
  /** Memory for states, in bytes; those beyond it are read again when they are needed. */
  readonly cacheBytes: number
  /**
   * More memory, in bytes, while states of another layout follow; left out: none, and all states share
   * `cacheBytes`.
   */
  readonly followingBytes?: number
  /** Most states in memory, whatever their size; no bound of its own when left out. */
  readonly mostStates?: number
  /**
   * States are saved this long after they changed, in milliseconds. After a crash so much of the log is
   * replayed.
   */
  readonly saveAfterMs: number
  /** How long a repeated transaction is known, in milliseconds. */
  readonly receiptLifeMs: number
  /** What time a transaction may have by the clock of this process. */
  readonly eventTime: EventTimeBounds
  /** Most labels that wait for their transaction; further ones are refused. */
  readonly waitingLabels: number
  /** How long they wait, in milliseconds. */
  readonly waitingLifeMs: number
  /** Bytes from which on the log is archived by itself. */
  readonly archiveAfterBytes: number
  /** Whether states expire that nobody can ask anything of any more; left out: they stay. */
  readonly expiresStates?: boolean
  /** Draws the control sample; left out: nothing is drawn. */
  readonly controlSample?: ControlSampler | undefined
}

/** What both kinds of decisions are made from. */
export interface DecisionsOptions {
  readonly decider: Decider
  readonly log: PredictionLog
  readonly observer: InferenceObserver
  /** Of prediction ids: they name this store of states for ever. */
  readonly names: PredictionNames
  readonly settings: DecisionSettings
  readonly world: World
  /** Keeps account of what is decided; left out: nobody does. */
  readonly watch?: DecisionWatch | undefined
}

/** A decision that was found, with its place among all on the same states. */
export interface FoundDecision {
  readonly receipt: DecisionReceipt
  readonly sequence: number
}

/** Figures for health and metrics. */
export interface DecisionsStatus {
  /** Why nothing is decided; empty when all is well. */
  readonly failure: string
  /** Whether that is because a shared store has lost decisions. */
  readonly isHistoryLost: boolean
  readonly cachedStates: number
  readonly cachedBytes: number
  readonly unsavedStates: number
  /** Records whose receipts are not saved yet. */
  readonly waiting: number
  /** Labels that wait for their transaction. */
  readonly waitingLabels: number
  /** States that have expired since the start; undefined where they do so by themselves, or never. */
  readonly expiredStates?: number
  /** Number of the last decision or label, inclusive; 0 before the first. */
  readonly lastSequence: number
  /** States of other layouts that follow; undefined where there can be none. */
  readonly branches?: readonly BranchStatus[]
  /** Undefined likewise. */
  readonly layoutPauses?: LayoutPauses
}

/**
 * What makes decisions durable and puts them in order: one process with states of its own, or many with
 * shared ones.
 */
export interface Decisions {
  /**
   * @see InferencePipeline.predict, which adds the reasons of repeated transactions
   * @param isStale whether other models than those that it was read for have come meanwhile
   * @throws ModelsChanged when it is stale; then nothing was decided
   */
  predict(transaction: Transaction, reasonCount: number, isStale?: IsStale): Promise<Prediction>
  /** @throws ModelsChanged as well */
  applyFeedback(feedback: Feedback, isStale?: IsStale): Promise<FeedbackOutcome>
  /** The decision on a transaction, while its receipt lives. */
  findDecision(transactionId: string): Promise<FoundDecision | undefined>
  /** The latest label of a transaction, while its receipt lives. */
  findLabel(transactionId: string): Promise<LabelReceipt | undefined>
  /** The log's entry of that number; undefined when it is not, or no longer, in the log of this process. */
  findEntry(sequence: number): Promise<LogEntry | undefined>
  /**
   * Whether `findEntry` goes straight to an entry. If not, it reads the whole log, which is too much for
   * answering a request.
   */
  readonly isLogInOrder: boolean
  /**
   * Saves what can be saved.
   *
   * @returns number of the last log record, inclusive, that opening no longer needs: once it is archived, the
   * log may lose it
   */
  archivable(): Promise<number>
  /** The next transaction is decided on by these models. */
  use(decider: Decider): void
  status(): DecisionsStatus
  /** Finishes what was accepted and saves it. */
  close(): Promise<void>
}
