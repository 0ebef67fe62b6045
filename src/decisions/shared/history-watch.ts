import { VigiaError } from '../../errors.ts'
import { HISTORY_LOST } from '../../ports/history-loss.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { SharedStateStore } from '../../ports/state-store.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'
import type { StoreIdentity } from '../states/store-identity.ts'
import { writeLoggedHistory } from './known-history.ts'

export interface HistoryWatchParts {
  readonly store: Pick<SharedStateStore, 'knownSequence'>
  readonly log: PredictionLog
  readonly identity: StoreIdentity
  readonly observer: InferenceObserver
}

/**
 * Keeps beside the log how far this process has seen the numbers go, and whether the store has lost them.
 *
 * It owns that document, without which a process that is started again could be given a number twice; and
 * the alarm. Whether something is lost, the store says.
 */
export class HistoryWatch {
  private readonly parts: HistoryWatchParts
  private reason = ''
  private writing: Promise<void> = Promise.resolve()

  constructor(parts: HistoryWatchParts) {
    this.parts = parts
  }

  /** What the store has lost; empty when nothing. */
  get loss(): string {
    return this.reason
  }

  /**
   * Writes down what is known now. To be done before records leave the log: what is left of it does not say
   * what their numbers were.
   */
  remember(): Promise<void> {
    // One after the other: an earlier one must not replace a later one.
    this.writing = this.writing.catch(() => undefined).then(() => this.write())
    return this.writing
  }

  private write(): Promise<void> {
    const { store, log, identity } = this.parts
    const lastRecord = log.lastSequence
    return writeLoggedHistory(log, { identity, lastSequence: store.knownSequence(), lastRecord })
  }

  /** What failed; raises the alarm when it is because decisions are lost. */
  failed(error: unknown): void {
    if (!(error instanceof VigiaError && error.code === HISTORY_LOST)) return
    const isNew = this.reason === ''
    this.reason = error.message
    if (!isNew) return
    this.parts.observer.warned(HISTORY_LOST, { reason: error.message, next: error.fix })
    // While it is known: without the process, nobody knows it.
    this.remember().catch((cause: unknown) =>
      this.parts.observer.warned('SERVING_LOG_FAILED', { reason: String(cause) }),
    )
  }

  /** The store has answered as it should. */
  worked(): void {
    this.reason = ''
  }
}
