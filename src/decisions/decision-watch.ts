import type { LogPosition, PredictionLog } from '../ports/prediction-log.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Scored } from './decider.ts'
import type { InferenceObserver } from './inference-pipeline.ts'
import type { LoadedModel } from './loaded-model.ts'
import type { ModelDocument } from './log/model-document.ts'

/** A record of a shared store, as it stands in this process's log. */
export interface MovedRecord {
  /** Number that the log gave it. */
  readonly sequence: number
  readonly position: LogPosition
  readonly payload: Uint8Array
}

/** What a watch is opened on. */
export interface WatchOptions {
  readonly log: PredictionLog
  /** Of the log. */
  readonly folder: string
  /** Whether many share the states: then decisions are counted as they are moved to the log. */
  readonly isShared: boolean
  readonly observer: Pick<InferenceObserver, 'warned'>
}

/**
 * Keeps account of what is decided, as it enters the log. No decision waits for it, and nothing that goes
 * wrong here fails one: it warns, and makes its account again from the log.
 */
export interface DecisionWatch {
  /**
   * Goes on from what was kept and what the log has since, before anything is decided.
   *
   * @param modelOf the model of a log record's key
   */
  open(champion: LoadedModel, modelOf: (key: string) => Promise<ModelDocument>): Promise<void>
  /** Saves by itself from now on. */
  start(): void
  /** Gets ready for a champion. @returns to be called in the turn from which on it decides */
  prepare(champion: LoadedModel): () => void
  /** A decision on states of this process, in the turn in which its record was given to the log. */
  decided(sequence: number, transaction: Transaction, scored: Scored): void
  /** A record of this process is durable. */
  written(sequence: number, position: LogPosition): void
  /** Records of a shared store are durable in this process's log. */
  moved(records: readonly MovedRecord[]): Promise<void>
  /** The log takes records again, after one that was given to it could not be written. */
  reopened(): Promise<void>
  /** The log is about to lose segments that are archived. */
  save(): Promise<void>
  /** Everything that was accepted is in the log. */
  close(): Promise<void>
}
