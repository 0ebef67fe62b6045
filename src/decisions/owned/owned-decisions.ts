import { VigiaError } from '../../errors.ts'
import type { LogPosition } from '../../ports/prediction-log.ts'
import type { Receipt } from '../../ports/state-store.ts'
import { isTooOld } from '../../transaction/event-time.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import type { Answers } from '../answers.ts'
import {
  type DecisionReceipt,
  decidedOf,
  entryOf,
  type Prediction,
  receiptOf,
  shadowEntryOf,
} from '../decided.ts'
import type { Decider, Scored } from '../decider.ts'
import { decisionId, decodeReceipt, type LabelReceipt, labelId } from '../decision-receipt.ts'
import type { DecisionsStatus, FoundDecision } from '../decisions.ts'
import type { Entities } from '../entities.ts'
import type { Feedback, FeedbackOutcome } from '../inference-pipeline.ts'
import { invariantBroken } from '../invariant-broken.ts'
import { decodeLogEntry, encodeDecision, type LogEntry } from '../log/log-record.ts'
import { assertFresh, type IsStale } from '../reading.ts'
import type { ExpiredStates } from './expired-states.ts'
import type { Following } from './following.ts'
import type { Frontier } from './frontier.ts'
import type { HeldState, HeldStates } from './held-state.ts'
import { InTurns } from './in-turns.ts'
import type { OwnedLabels } from './owned-labels.ts'
import { createOwnedParts } from './owned-parts.ts'
import type { CatchUpBounds, OwnedDecisionsOptions, OwnedStates } from './owned-states.ts'
import type { Receipts, UnsavedReceipt } from './receipts.ts'
import type { Recovery } from './recovery.ts'
import type { Saver } from './saver.ts'
import type { StateCache } from './state-cache.ts'
import type { UnsavedStates } from './unsaved-states.ts'
import type { WaitingLabels } from './waiting-labels.ts'

/** What is asked of one decision. */
interface Asked {
  readonly reasonCount: number
  readonly isStale: IsStale | undefined
  readonly startedMs: number
}

/** Save early once so many receipts are unsaved. */
const EARLY_UNSAVED = 8192
/** Unsaved receipts beyond which nothing is decided (load shedding): or memory would run out. */
const TOO_MANY_UNSAVED = 100_000

/**
 * Decisions of one process that owns its states: a decision is one turn of the event loop on states in
 * memory, then one record in the log. The log is the truth (a write-ahead log; what comes in one turn is one
 * write, a group commit); the store holds states and receipts up to some record, and opening replays the
 * rest.
 *
 * When a record cannot be written, nothing was decided: what is in memory is thrown away, and the states are
 * those of the log again.
 *
 * @throws SERVING_LOG_DAMAGED, SERVING_STORE_FAILED when the states cannot be brought up to the log
 */
export const openOwnedDecisions = async (options: OwnedDecisionsOptions): Promise<OwnedStates> => {
  const decisions = new OwnedDecisions(options)
  await decisions.open()
  return decisions
}

/** Opens states that follow a log on which others decide. @throws SERVING_STORE_FAILED */
export const openFollowingStates = async (options: OwnedDecisionsOptions): Promise<OwnedStates> => {
  const decisions = new OwnedDecisions(options)
  await decisions.follow()
  return decisions
}

/**
 * It owns the order of decisions and labels: each gets its number in the turn of the event loop in which it
 * advances the states. It does not own how far store and log are (`Frontier`), receipts (`Receipts`), states
 * (`StateCache`, `UnsavedStates`), when they are saved (`Saver`), or the way back after a failure
 * (`Recovery`): it wires them.
 */
class OwnedDecisions implements OwnedStates {
  readonly isLogInOrder = true
  private readonly options: OwnedDecisionsOptions
  private readonly answers: Answers
  private readonly frontier: Frontier
  private readonly receipts: Receipts
  private readonly cache: StateCache
  private readonly unsaved: UnsavedStates
  private readonly saver: Saver
  private readonly recovery: Recovery
  private readonly waiting: WaitingLabels
  private readonly expired: ExpiredStates
  private readonly labels: OwnedLabels
  private readonly following: Following
  private decider: Decider
  private isFollowing = false
  private isClosed = false
  /** Settles with the last record that answers nobody. */
  private answersNobody: Promise<unknown> = Promise.resolve()
  /** Requests that have no answer yet, by the receipt that they will have. */
  private readonly underWay = new InTurns<Prediction>()

  constructor(options: OwnedDecisionsOptions) {
    this.options = options
    this.decider = options.decider
    const parts = createOwnedParts(options, {
      decider: () => this.decider,
      isFollowing: () => this.isFollowing,
      isWriting: () => this.isWriting,
      throwIfUnavailable: () => this.throwIfUnavailable(),
      append: (...record) => this.append(...record),
      appendByItself: (...record) => this.appendByItself(...record),
    })
    this.answers = parts.answers
    this.frontier = parts.frontier
    this.receipts = parts.receipts
    this.cache = parts.cache
    this.unsaved = parts.unsaved
    this.saver = parts.saver
    this.recovery = parts.recovery
    this.waiting = parts.waiting
    this.expired = parts.expired
    this.labels = parts.labels
    this.following = parts.following
  }

  private get isWriting(): boolean {
    const { isClosed, isFollowing, recovery, cache } = this
    return !isClosed && !isFollowing && recovery.failure === undefined && !cache.isOverfull
  }

  async open(): Promise<void> {
    await this.recovery.open()
    this.saver.start()
  }

  get through(): number {
    return this.isFollowing ? this.following.through : this.frontier.given
  }

  get savedThrough(): number {
    return this.frontier.savedThrough
  }

  get storedUpTo(): number {
    return this.frontier.storedUpTo
  }

  async follow(): Promise<void> {
    this.isFollowing = true
    await this.following.begin()
    this.saver.stop()
    this.saver.start()
  }

  catchUp(bounds?: CatchUpBounds): Promise<void> {
    return this.following.catchUp(bounds)
  }

  take(sequence: number, entry: LogEntry, position: LogPosition): Promise<void> {
    return this.following.take(sequence, entry, position)
  }

  reach(sequence: number): void {
    this.following.reach(sequence)
  }

  async lead(given: number): Promise<void> {
    this.isFollowing = false
    this.frontier.lead(given)
    await this.labels
      .settleWaiting()
      .catch((error: unknown) =>
        this.options.observer.warned('SERVING_STORE_FAILED', { reason: String(error) }),
      )
  }

  async rest(): Promise<number> {
    // States may expire meanwhile, or a number that the log refuses would be taken for one that they have.
    for (let last: unknown; last !== this.answersNobody; ) {
      last = this.answersNobody
      await Promise.all([this.receipts.allSettled(), last])
    }
    if (this.recovery.failure !== undefined) throw this.recovery.failure
    const { given } = this.frontier
    this.isFollowing = true
    this.following.goOn(given)
    return given
  }

  /**
   * One request after the other of each transaction: what one finds in the store must still be so when it
   * decides, also where the one before it was decided on and saved in between.
   */
  predict(transaction: Transaction, reasonCount: number, isStale?: IsStale): Promise<Prediction> {
    const startedMs = this.options.world.monotonicMs()
    const id = decisionId(transaction.transactionId)
    const asked = { reasonCount, isStale, startedMs }
    return this.underWay.run(id, () => this.decideOrRepeat(id, transaction, asked))
  }

  private async decideOrRepeat(id: string, transaction: Transaction, asked: Asked): Promise<Prediction> {
    const { store } = this.options
    const { isStale, startedMs } = asked
    this.throwIfUnavailable()
    const pending = this.receipts.pending(id)
    if (pending !== undefined) return this.repeat(transaction, pending, startedMs)
    const stored = await store.findReceipt(id)
    assertFresh(isStale)
    if (stored !== undefined) {
      const receipt = decodeReceipt<DecisionReceipt>(stored)
      const hash = this.decider.hashOf(transaction)
      return this.answers.repeated(transaction, hash, receipt, receipt.sequence, startedMs)
    }
    const entities = this.decider.entitiesOf(transaction)
    return this.labels.whenDelivered(transaction.eventTimeMs, this.decider.keysOf(entities), (held) =>
      this.decideOn(transaction, entities, held, asked),
    )
  }

  /**
   * Decides with the states of all entities. Until the append nothing waits: this is the place of the
   * transaction among all others.
   */
  private async decideOn(
    transaction: Transaction,
    entities: Entities,
    held: HeldStates,
    { reasonCount, isStale, startedMs }: Asked,
  ): Promise<Prediction> {
    const { world, settings } = this.options
    const { transactionId, eventTimeMs } = transaction
    this.throwIfUnavailable()
    assertFresh(isStale)
    const id = decisionId(transactionId)
    const meanwhile = this.receipts.pending(id)
    if (meanwhile !== undefined) return this.repeat(transaction, meanwhile, startedMs)
    const nowMs = world.now()
    const isOld = isTooOld(transaction.eventTimeMs, nowMs, settings.eventTime)
    const scored = this.scoreOrRecover(transaction, held, reasonCount, isOld)
    if (scored === undefined) throw new VigiaError('SERVING_TRANSACTION_KNOWN', { transactionId })
    // The next decision fills `scored` again.
    const { model, reasons, shadow, updates, role, probability, timing } = scored
    const sample = settings.controlSample?.draw(transaction, model.scorer.isFlagged(probability))
    const decided = decidedOf(model.scorer, role, probability, nowMs, timing, sample)
    const sequence = this.frontier.next()
    const latencyMs = world.monotonicMs() - startedMs
    const entry = entryOf(decided, model.key, transaction, latencyMs, shadowEntryOf(shadow))
    const payload = encodeDecision(sequence, entry, scored.vector)
    const hash = this.decider.hashOf(transaction)
    const receipt = receiptOf(decided, model.description, transaction, entities.own, hash, sequence)
    const labelled = { ...entities, eventTimeMs }
    const beside = this.labels.arrived(transactionId, labelled, sequence)
    const durable = this.append(id, sequence, payload, isOld ? [] : held.items, receipt, beside)
    this.options.watch?.decided(sequence, transaction, scored)
    this.labels.applyWaiting(transactionId, labelled, held)
    await durable
    return this.answers.decided({ transactionId, receipt, sequence, reasons, shadow, updates }, startedMs)
  }

  applyFeedback(feedback: Feedback, isStale?: IsStale): Promise<FeedbackOutcome> {
    return this.labels.applyFeedback(feedback, isStale)
  }

  async findDecision(transactionId: string): Promise<FoundDecision | undefined> {
    const receipt = await this.findReceipt<DecisionReceipt>(decisionId(transactionId))
    return receipt && { receipt, sequence: receipt.sequence }
  }

  findLabel(transactionId: string): Promise<LabelReceipt | undefined> {
    return this.findReceipt<LabelReceipt>(labelId(transactionId))
  }

  async findEntry(sequence: number): Promise<LogEntry | undefined> {
    for await (const { payload } of this.options.log.read(sequence - 1)) {
      const entry = decodeLogEntry(payload)
      return entry?.sequence === sequence ? entry : undefined
    }
    return undefined
  }

  async archivable(): Promise<number> {
    await this.saver.saveAll()
    const { savedThrough } = this.frontier
    // Or a power failure would set the states back to before records that are in no log any more.
    await this.options.store.flush()
    return savedThrough
  }

  use(decider: Decider): void {
    this.decider = decider
  }

  status(): DecisionsStatus {
    return {
      failure: this.recovery.failure?.message ?? '',
      isHistoryLost: false,
      cachedStates: this.cache.size,
      cachedBytes: this.cache.bytes,
      unsavedStates: this.unsaved.size,
      waiting: this.receipts.waiting,
      waitingLabels: this.waiting.size,
      expiredStates: this.expired.count,
      lastSequence: this.frontier.given,
    }
  }

  async close(): Promise<void> {
    this.isClosed = true
    this.saver.stop()
    await this.recovery.close()
    await Promise.all([this.receipts.allSettled(), this.answersNobody, this.saver.settled()])
    // With a log that cannot be written there is nothing to save: opening replays what it has.
    if (this.recovery.failure === undefined) await this.saver.saveAll()
  }

  /**
   * While receipts are made again from the log, nobody knows that there is none. @throws what is recovered
   * from
   */
  private async findReceipt<T extends DecisionReceipt | LabelReceipt>(id: string): Promise<T | undefined> {
    const { failure } = this.recovery
    const receipt = await this.receipts.find<T>(id)
    if (receipt === undefined && failure !== undefined) throw failure
    return receipt
  }

  private throwIfUnavailable(): void {
    if (this.isFollowing) throw invariantBroken('states that follow decide on nothing')
    if (this.isClosed) throw new VigiaError('SERVING_CLOSING', {})
    if (this.recovery.failure !== undefined) throw this.recovery.failure
    const { waiting } = this.receipts
    if (this.cache.isOverfull) void this.saver.relieve()
    if (waiting > TOO_MANY_UNSAVED || this.cache.isOverfull)
      throw new VigiaError('SERVING_STORE_BEHIND', { waiting, reason: this.saver.lastFailure })
  }

  private async repeat(
    transaction: Transaction,
    { durable }: UnsavedReceipt,
    startedMs: number,
  ): Promise<Prediction> {
    const receipt = (await durable) as DecisionReceipt
    const hash = this.decider.hashOf(transaction)
    return this.answers.repeated(transaction, hash, receipt, receipt.sequence, startedMs)
  }

  /** Scores; when that fails, whatever the reason, states that may be half advanced are thrown away. */
  private scoreOrRecover(
    transaction: Transaction,
    { items, states }: HeldStates,
    reasonCount: number,
    isOld: boolean,
  ): Scored | undefined {
    try {
      return this.decider.decide(transaction, states, reasonCount, isOld)
    } catch (error) {
      for (const item of items) this.unsaved.advanced(item, this.frontier.given)
      this.recovery.begin(error)
      throw error
    }
  }

  /** Appends a record that answers nobody, and that the state of `item` has by now. */
  private appendByItself(sequence: number, payload: Uint8Array, item: HeldState): void {
    const written = this.options.log.append(sequence, payload)
    this.unsaved.advanced(item, sequence)
    this.answersNobody = written.catch((error: unknown) => this.recovery.begin(error))
  }

  /**
   * Appends record `sequence`, which the states of `items` have by now, to the log; resolves when it is
   * durable.
   */
  private append(
    id: string,
    sequence: number,
    payload: Uint8Array,
    items: readonly HeldState[],
    receipt: DecisionReceipt | LabelReceipt,
    beside?: Receipt,
  ): Promise<DecisionReceipt | LabelReceipt> {
    const written = this.options.log.append(sequence, payload)
    for (const item of items) this.unsaved.advanced(item, sequence)
    const durable = written.then(
      (position) => {
        receipt.position = position
        this.options.watch?.written(sequence, position)
        return receipt
      },
      (error: unknown) => {
        this.recovery.begin(error)
        throw error
      },
    )
    this.receipts.add(id, { sequence, receipt, durable, beside })
    if (this.cache.isFull) void this.saver.relieve()
    else if (this.receipts.waiting > EARLY_UNSAVED) void this.saver.saveEarly()
    return durable
  }
}
