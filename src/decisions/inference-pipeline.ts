import type { VigiaError } from '../errors.ts'
import type { LookupOutcome } from '../lookup/complete-transaction.ts'
import type { Reason } from '../model/explain/reasons.ts'
import type { Scorer } from '../model/scorer.ts'
import type { EventTimeRefusal } from '../transaction/event-time.ts'
import type { TransactionShape } from '../transaction/shape.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { QueueStatus } from './bounded-queue.ts'
import type { BranchStatus, LayoutPauses } from './branch-status.ts'
import type { Prediction, ServedModelName } from './decided.ts'
import type { ToldOrigin } from './label-origin.ts'
import type { KeepingStatus } from './log-keeper.ts'
import type { Reads } from './reading.ts'
import type { StateUpdate } from './state-updates.ts'
import type { RefreshOutcome, TableStatus } from './tables/table-status.ts'

export type { Prediction, Reads, ServedModelName }

/** The mapping of the source for models in service, or why there is none for all of them. */
export type ServedMapping = { readonly mapping: SourceMapping } | { readonly refusal: VigiaError }

/** A decision as the log has it, with everything that went into it. */
export interface LoggedPrediction extends Prediction {
  readonly transaction: Transaction
  readonly latencyMs: number
  /** Values by feature name, NaN where missing. */
  readonly features: ReadonlyMap<string, number>
  /** What the challenger, if there was one, would have answered. */
  readonly shadow?: {
    readonly model: ServedModelName
    readonly probability: number
    readonly isFlagged: boolean
  }
  /** What a shadow may have said of it stands beside the log, and cannot be read there. */
  readonly isShadowUnreadable?: true
  /** What feedback said of it. */
  readonly label?: {
    readonly isFraud: boolean | null
    readonly receivedAtMs: number
    /** Who told it; undefined where the server gave it, and in receipts of before. */
    readonly origin?: ToldOrigin | undefined
  }
}

/**
 * What became known of a transaction. The entities are looked up where the transaction was decided on here;
 * otherwise the feedback says whose it was: by the transaction itself, or by the names of its entities.
 */
export interface Feedback {
  readonly transactionId: string
  /** Null: a label that was told before is taken back, and nobody knows. */
  readonly isFraud: boolean | null
  /** Who tells it; left out: it follows from the decision (`toldBy`). */
  readonly origin?: ToldOrigin
  /** As a request for a decision has it; then the names are not read. */
  readonly transaction?: Transaction
  readonly userId?: string
  readonly merchantId?: string
  readonly deviceId?: string
  readonly eventTimeMs?: number
}

/**
 * `applied`: the states have learnt it. `waiting`: taken down, and applied when its transaction comes: none
 * of its id is remembered here. `late`: taken down, but no feature can need it any more. `unchanged`: the
 * same label came before.
 */
export type FeedbackOutcome = 'applied' | 'waiting' | 'late' | 'unchanged'

/**
 * What became of a label beside `FeedbackOutcome`. `delivered`: the server applied it itself, because its
 * transaction came or its time did. `expired`: it has waited too long for its transaction.
 */
export type LabelOutcome = FeedbackOutcome | 'delivered' | 'expired'

export interface SavedLogs {
  /** Folder of the dated Parquet files. */
  readonly folder: string
  /** Files that this call wrote. */
  readonly files: readonly string[]
  /** Records in them. */
  readonly records: number
}

/** A model in service and what it is there for. */
export interface ServedModel extends ServedModelName {
  readonly role: 'champion' | 'canary' | 'shadow'
  readonly title: string
  readonly threshold: number
  readonly riskLevels: { readonly medium: number; readonly high: number; readonly critical: number }
  readonly featureNames: readonly string[]
  readonly sha256: string
  readonly loadedAtMs: number
  /** Where it was loaded from: a folder, or `models:/name@alias`. */
  readonly source: string
  /** Why it says nothing of decisions at the moment, a shadow alone; left out: it does. */
  readonly unscored?: string
}

/** What the pipeline tells whoever watches it, as it happens. */
export interface InferenceObserver {
  predicted(prediction: Prediction, latencyMs: number): void
  /** The challenger's answer to the same transaction. */
  shadowed(model: ServedModelName, probability: number, isFlagged: boolean, championFlagged: boolean): void
  labelled(outcome: LabelOutcome, isFraud: boolean | null): void
  /** A state took a transaction in late, not at all, or gave up its oldest one for it. */
  updated(update: StateUpdate): void
  /** A transaction was refused for its time. */
  mistimed(reason: EventTimeRefusal): void
  /** What came of looking a transaction up in a table beside the transactions. */
  lookedUp(table: string, outcome: LookupOutcome): void
  /** Something that a person should look at: a replayed vector that differs, a log that cannot be written. */
  warned(code: string, details: Readonly<Record<string, unknown>>): void
}

/** Figures of the state store and the log for metrics and health. */
export interface InferenceStatus {
  readonly isReady: boolean
  /** Why not, for people; empty when ready. */
  readonly reason: string
  readonly store: {
    readonly kind: string
    readonly cachedStates: number
    readonly cachedBytes: number
    readonly unsavedStates: number
    /** States of entities that were not seen for so long that they are gone, since the start. */
    readonly expiredStates: number
    /** Whether a shared store was emptied or set back: then nothing is decided until it is put right. */
    readonly isHistoryLost: boolean
  }
  readonly log: {
    readonly lastSequence: number
    readonly bytes: number
    readonly waiting: number
    /** Labels that wait for their transaction. */
    readonly waitingLabels: number
  } & KeepingStatus
  /** States of other layouts that follow the log; none where there can be none. */
  readonly branches: readonly BranchStatus[]
  /** Undefined where there can be none. */
  readonly layoutPauses?: LayoutPauses | undefined
  /** Tables beside the transactions, in the order in which they are looked up. */
  readonly tables: readonly TableStatus[]
  /** For earlier decisions that no receipt places. */
  readonly searches: QueueStatus
}

/**
 * The one path from transaction to decision: clean, read state, emit, score, calibrate, decide, log, advance.
 *
 * Two transactions of one entity are decided one after the other, whichever requests, and with a shared store
 * whichever processes, they came by. A promise resolves when the decision survives the process (or the power,
 * `serving.durability`).
 */
export interface InferencePipeline {
  /**
   * @param sent a transaction, or what reads it: that is called again when other models came into service
   * before it was decided on, so that what decides is what it was read for
   * @param reasons how many reasons to give; 0 for none
   * @throws REQUEST_TRANSACTION_INVALID when its time cannot be true (`assertTimely`)
   * @throws SERVING_TRANSACTION_DIFFERS when the id was decided on with other contents
   * @throws SERVING_TRANSACTION_KNOWN when it is part of the history that the states were loaded with
   * @throws SERVING_LOG_FAILED, SERVING_STORE_FAILED when it cannot be made durable: nothing was decided
   */
  predict(sent: Transaction | Reads<Transaction>, reasons: number): Promise<Prediction>
  /**
   * Refuses a transaction whose time cannot be true by the clock; `predict` does it too.
   *
   * @throws REQUEST_TRANSACTION_INVALID that names the clock
   */
  assertTimely(transaction: Transaction): void
  /** @param sent a label, or what reads it, as `predict` has it */
  applyFeedback(sent: Feedback | Reads<Feedback>): Promise<FeedbackOutcome>
  /** A decision by its prediction id or transaction id. */
  find(id: string): Promise<LoggedPrediction | undefined>
  /** The reasons for a logged decision, from the values that were logged. */
  explain(prediction: LoggedPrediction, reasons: number): readonly Reason[]
  /**
   * Looks at the files of a table beside the transactions now, rather than at its next time.
   *
   * @throws SERVING_TABLE_UNKNOWN when no model in service reads a table of that name
   */
  refreshTable(name: string): Promise<RefreshOutcome>
  /** Writes everything logged so far to Parquet. */
  saveLogs(): Promise<SavedLogs>
  readonly models: readonly ServedModel[]
  /** The champion's, for features that somebody else computed: nothing is logged, and no state moves. */
  readonly scorer: Scorer
  /** What the models in service read of a transaction beside its fields. */
  readonly shape: TransactionShape
  /** How they map rows of the bank's own tables, or why such rows cannot be sent. */
  readonly mapping: ServedMapping
  status(): InferenceStatus
  /** Finishes what was accepted, saves all states. */
  close(): Promise<void>
}
