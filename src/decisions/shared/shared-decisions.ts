import { VigiaError } from '../../errors.ts'
import type { SharedStateStore } from '../../ports/state-store.ts'
import { isTooOld } from '../../transaction/event-time.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { Answers } from '../answers.ts'
import {
  type DecisionReceipt,
  decidedOf,
  entryOf,
  type Prediction,
  receiptOf,
  shadowEntryOf,
} from '../decided.ts'
import type { Decider } from '../decider.ts'
import { decisionId, encodeReceipt, type LabelReceipt, labelId } from '../decision-receipt.ts'
import type { Decisions, DecisionsOptions, DecisionsStatus, FoundDecision } from '../decisions.ts'
import type { Feedback, FeedbackOutcome } from '../inference-pipeline.ts'
import { labelLifeMs } from '../labels.ts'
import { decodeLogEntry, encodeDecision, type LogEntry } from '../log/log-record.ts'
import { assertFresh, type IsStale } from '../reading.ts'
import type { StoreIdentity } from '../states/store-identity.ts'
import { HistoryWatch } from './history-watch.ts'
import { Outbox } from './outbox.ts'
import { decodeSequenced } from './sequenced-receipt.ts'
import { createSharedCommit } from './shared-commit.ts'
import { SharedExpiry } from './shared-expiry.ts'
import { SharedLabels } from './shared-labels.ts'

export interface SharedDecisionsOptions extends DecisionsOptions {
  /** It expects the history of `identity` already (`joinHistory`). */
  readonly store: SharedStateStore
  readonly identity: StoreIdentity
}

/**
 * Decisions of one process among many: states, receipt, place in the order and log entry are one transaction
 * of the shared store, and it is repeated when another process was faster. Every process moves entries from
 * the store to its own log; an entry leaves the store only when it stands in one.
 */
export const openSharedDecisions = async (options: SharedDecisionsOptions): Promise<Decisions> => {
  const decisions = new SharedDecisions(options)
  await decisions.open()
  return decisions
}

/**
 * It owns what a decision or label writes. It does not own the order and the states (the store does), the
 * attempts at writing (`createSharedCommit`), or the way from the store to the log (`Outbox`).
 */
class SharedDecisions implements Decisions {
  /** The log has the entries that this process happened to move. */
  readonly isLogInOrder = false
  private readonly options: SharedDecisionsOptions
  private readonly answers: Answers
  private readonly commit: ReturnType<typeof createSharedCommit>
  private readonly outbox: Outbox
  private readonly history: HistoryWatch
  private decider: Decider
  private isClosed = false
  private readonly labels: SharedLabels
  private readonly expiry: SharedExpiry

  constructor(options: SharedDecisionsOptions) {
    const { store, log, observer, settings, identity } = options
    this.options = options
    this.answers = new Answers(options)
    this.commit = createSharedCommit({
      store,
      engineer: () => this.decider.engineer,
      // A label finds whose it is for as long as any window can use it.
      receiptLifeMs: () => Math.max(settings.receiptLifeMs, labelLifeMs(this.decider.engineer)),
    })
    this.labels = new SharedLabels({
      store,
      commit: this.commit,
      decider: () => this.decider,
      answers: this.answers,
      observer,
      settings,
      world: options.world,
    })
    this.history = new HistoryWatch({ store, log, identity, observer })
    this.outbox = new Outbox({ store, log, observer, history: this.history, watch: options.watch })
    this.expiry = new SharedExpiry({
      store,
      decider: () => this.decider,
      world: options.world,
      failed: (error) => {
        this.history.failed(error)
        // What else is wrong with the store, the outbox tells, which asks it all the time.
        if (!(error instanceof VigiaError))
          observer.warned('SERVING_STORE_FAILED', { reason: `states do not end: ${String(error)}` })
      },
    })
    this.decider = options.decider
  }

  async open(): Promise<void> {
    await this.history.remember()
    await this.labels.look()
    this.outbox.start()
    if (this.options.settings.expiresStates === true) this.expiry.start()
  }

  predict(transaction: Transaction, reasonCount: number, isStale?: IsStale): Promise<Prediction> {
    return this.watched(this.decide(transaction, reasonCount, isStale))
  }

  private async decide(
    transaction: Transaction,
    reasonCount: number,
    isStale: IsStale | undefined,
  ): Promise<Prediction> {
    const startedMs = this.options.world.monotonicMs()
    this.throwIfClosed()
    const { transactionId, eventTimeMs } = transaction
    const { unlabelled } = this.decider.models.champion.settings
    // Almost every transaction finds labels due then: it need not be decided on twice.
    if (unlabelled !== undefined) await this.labels.deliver(eventTimeMs)
    let committed = await this.tryDecision(transaction, reasonCount, isStale, startedMs)
    while (committed.kind === 'due') {
      await this.labels.deliver(eventTimeMs)
      this.throwIfClosed()
      committed = await this.tryDecision(transaction, reasonCount, isStale, startedMs)
    }
    if (committed.kind !== 'done') assertFresh(isStale)
    if (committed.kind === 'done')
      // It is decided on. What had waited for it and is not applied now is applied before the next one.
      await this.labels.committed(committed).catch(() => undefined)
    else if (committed.kind !== 'repeated')
      throw new VigiaError('SERVING_TRANSACTION_KNOWN', { transactionId })
    if (committed.kind === 'repeated') {
      const { receipt, sequence } = decodeSequenced<DecisionReceipt>(committed.receipt)
      const hash = this.decider.hashOf(transaction)
      return this.answers.repeated(transaction, hash, receipt, sequence, startedMs)
    }
    const { sequence } = committed
    return this.answers.decided({ transactionId, sequence, ...committed.result }, startedMs)
  }

  /** One attempt, `due` while labels are due before the transaction. */
  private tryDecision(
    transaction: Transaction,
    reasonCount: number,
    isStale: IsStale | undefined,
    startedMs: number,
  ) {
    const { transactionId } = transaction
    const entities = this.decider.entitiesOf(transaction)
    return this.commit({
      keys: this.decider.keysOf(entities),
      id: decisionId(transactionId),
      subject: transactionId,
      work: (states) => {
        assertFresh(isStale)
        const { monotonicMs, now } = this.options.world
        const nowMs = now()
        const { eventTime, controlSample } = this.options.settings
        const isOld = isTooOld(transaction.eventTimeMs, nowMs, eventTime)
        const scored = this.decider.decide(transaction, states, reasonCount, isOld)
        if (scored === undefined) return undefined
        const { model, reasons, shadow, updates, role, probability, timing } = scored
        const sample = controlSample?.draw(transaction, model.scorer.isFlagged(probability))
        const decided = decidedOf(model.scorer, role, probability, nowMs, timing, sample)
        const hash = this.decider.hashOf(transaction)
        const receipt = receiptOf(decided, model.description, transaction, entities.own, hash, 0)
        const latencyMs = monotonicMs() - startedMs
        const entry = entryOf(decided, model.key, transaction, latencyMs, shadowEntryOf(shadow))
        return {
          result: { receipt, reasons, shadow, updates },
          receipt: encodeReceipt(receipt),
          // These bytes are valid until the next decision, and sending waits.
          entry: encodeDecision(0, entry, scored.vector).slice(),
          demands: this.labels.arrivalOf(transaction, entities),
        }
      },
    })
  }

  async applyFeedback(feedback: Feedback, isStale?: IsStale): Promise<FeedbackOutcome> {
    this.throwIfClosed()
    return this.watched(this.labels.applyFeedback(feedback, isStale))
  }

  async findDecision(transactionId: string): Promise<FoundDecision | undefined> {
    const found = await this.options.store.findReceipt(decisionId(transactionId))
    return found && decodeSequenced<DecisionReceipt>(found)
  }

  async findLabel(transactionId: string): Promise<LabelReceipt | undefined> {
    const found = await this.options.store.findReceipt(labelId(transactionId))
    return found && decodeSequenced<LabelReceipt>(found).receipt
  }

  async findEntry(sequence: number): Promise<LogEntry | undefined> {
    for await (const { payload } of this.options.log.read(0)) {
      const entry = decodeLogEntry(payload)
      if (entry?.sequence === sequence) return entry
    }
    return undefined
  }

  /** All of it: what waits is in the store, and nothing that is in the log is needed to open. */
  async archivable(): Promise<number> {
    await this.history.remember()
    return Number.MAX_SAFE_INTEGER
  }

  use(decider: Decider): void {
    this.decider = decider
  }

  status(): DecisionsStatus {
    return {
      failure: this.history.loss || this.outbox.failure,
      isHistoryLost: this.history.loss !== '',
      cachedStates: 0,
      cachedBytes: 0,
      unsavedStates: 0,
      waiting: 0,
      waitingLabels: this.labels.waiting,
      expiredStates: this.expiry.count,
      lastSequence: this.options.store.knownSequence(),
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
    await this.expiry.close()
    await this.outbox.close()
    await this.history.remember()
  }

  /**
   * A request that meets a loss tells of it at once: nobody else needs to be answered meanwhile. The first
   * answer waits until something beside the store says that it is used.
   */
  private async watched<T>(work: Promise<T>): Promise<T> {
    try {
      const done = await work
      await this.history.untilUseIsKnown()
      return done
    } catch (error) {
      this.history.failed(error)
      throw error
    }
  }

  private throwIfClosed(): void {
    if (this.isClosed) throw new VigiaError('SERVING_CLOSING', {})
  }
}
