import { VigiaError } from '../../errors.ts'
import { HISTORY_LOST } from '../../ports/history-loss.ts'
import type { PredictionLog } from '../../ports/prediction-log.ts'
import type { SharedStateStore } from '../../ports/state-store.ts'
import type { InferenceObserver } from '../inference-pipeline.ts'
import { readStoreIdentity, type StoreIdentity } from '../states/store-identity.ts'
import { writeLoggedHistory } from './known-history.ts'

export interface HistoryWatchParts {
  readonly store: Pick<SharedStateStore, 'knownSequence' | 'readNote'>
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
  /** Whether the document says that decisions were made. */
  private isUseKnown = false
  private telling: Promise<void> | undefined

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

  private async write(): Promise<void> {
    const { store, log, identity } = this.parts
    const lastRecord = log.lastSequence
    const lastSequence = store.knownSequence()
    await writeLoggedHistory(log, { identity, lastSequence, lastRecord })
    this.isUseKnown = lastSequence > 0
  }

  /**
   * Has the store look whether it has lost something, for whoever does not ask it for anything else
   * meanwhile.
   */
  async look(): Promise<void> {
    await readStoreIdentity(this.parts.store).catch((error: unknown) => this.failed(error))
  }

  /**
   * Before an answer: undefined when the document says that decisions were made, or there are none. Otherwise
   * to be waited for. A process whose disk stands still, and that is killed, would begin anew on a store that
   * was emptied meanwhile: nothing beside it would say that it was ever used.
   */
  untilUseIsKnown(): Promise<void> | undefined {
    if (this.isUseKnown || this.parts.store.knownSequence() === 0) return undefined
    this.telling ??= this.remember().finally(() => {
      this.telling = undefined
    })
    return this.telling
  }

  /** What failed; raises the alarm when it is because decisions are lost. */
  failed(error: unknown): void {
    if (!(error instanceof VigiaError && error.code === HISTORY_LOST)) return
    const isNew = this.reason === ''
    this.reason = error.message
    if (!isNew) return
    this.parts.observer.warned(HISTORY_LOST, { reason: error.message, next: error.fix })
    // While it is known: without the process, nobody knows it.
    this.remember().catch(this.cannotRemember)
  }

  /** The store has answered as it should. */
  worked(): void {
    this.reason = ''
    // Where nobody asks it for anything, it learns here that others have decided.
    this.untilUseIsKnown()?.catch(this.cannotRemember)
  }

  private readonly cannotRemember = (cause: unknown): void =>
    this.parts.observer.warned('SERVING_LOG_FAILED', { reason: String(cause) })
}
