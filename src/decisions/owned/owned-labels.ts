import { VigiaError } from '../../errors.ts'
import { nextTurn } from '../../foundation/next-turn.ts'
import type { World } from '../../foundation/world.ts'
import type { Receipt, StateStore } from '../../ports/state-store.ts'
import { tokenOf } from '../../transaction/token.ts'
import type { Answers } from '../answers.ts'
import type { DecisionReceipt } from '../decided.ts'
import type { Decider } from '../decider.ts'
import {
  decisionId,
  decodeReceipt,
  historyLabelId,
  isBefore,
  type LabelReceipt,
  labelId,
  waitingId,
} from '../decision-receipt.ts'
import type { DecisionSettings } from '../decisions.ts'
import type { NamedKey } from '../entities.ts'
import type { Feedback, FeedbackOutcome } from '../inference-pipeline.ts'
import {
  applyTold,
  entitiesOfFeedback,
  knownBy,
  type LabelledEntities,
  labelEntryOf,
  labelLifeMs,
  labelReceiptOf,
  waitingReceiptOf,
} from '../labels.ts'
import { encodeLabel, type LabelEntry, tokenOfLabel } from '../log/log-record.ts'
import { assertFresh, type IsStale } from '../reading.ts'
import { type DueLabel, type DueLabels, decidedDueLabel, dueReceipt } from './due-labels.ts'
import type { Frontier } from './frontier.ts'
import type { HeldState, HeldStates } from './held-state.ts'
import type { Receipts } from './receipts.ts'
import type { StateCache } from './state-cache.ts'
import type { WaitingLabels } from './waiting-labels.ts'

export interface OwnedLabelsParts {
  readonly store: Pick<StateStore, 'findReceipt'>
  readonly frontier: Frontier
  readonly receipts: Receipts
  readonly cache: StateCache
  readonly due: DueLabels
  readonly waiting: WaitingLabels
  readonly decider: () => Decider
  readonly answers: Answers
  readonly settings: Pick<DecisionSettings, 'waitingLabels'>
  readonly world: Pick<World, 'now'>
  readonly throwIfUnavailable: () => void
  /** Appends a record that the states of `items` have by now; resolves when it is durable. */
  readonly append: (
    id: string,
    sequence: number,
    payload: Uint8Array,
    items: readonly HeldState[],
    receipt: LabelReceipt,
  ) => Promise<unknown>
}

/** A transaction of which a label is under way. */
interface Watch {
  users: number
  isDecided: boolean
  /** Ends when the last label that came has its outcome. */
  turn: Promise<void> | undefined
}

/** A label that has its record; `durable` resolves when that is. */
interface ToldLabel {
  readonly receipt: LabelReceipt
  readonly durable: Promise<unknown>
}

/** Due labels that are delivered at a time: their states are in memory together. */
const DELIVERED_AT_ONCE = 64

/**
 * Labels of a process that owns its states: told ones, those that wait for their transaction, and those that
 * are due by the clock. Each is one record of the log.
 *
 * It owns what becomes of a label, and that nothing is decided on while due labels are delivered. It does not
 * own which are due (`DueLabels`) or wait (`WaitingLabels`).
 */
export class OwnedLabels {
  private readonly parts: OwnedLabelsParts
  private readonly watched = new Map<string, Watch>()
  /** Labels that were told, so that a delivery sees that one came meanwhile. */
  private told = 0
  /** Ends when the last transaction that came has its place in the log, or was given up. */
  private turn: Promise<void> | undefined
  /** Resolves when all due labels so far have durable records; rejects when one was refused by the log. */
  private delivering: Promise<unknown> = Promise.resolve()

  constructor(parts: OwnedLabelsParts) {
    this.parts = parts
  }

  async applyFeedback(feedback: Feedback, isStale: IsStale | undefined): Promise<FeedbackOutcome> {
    const { transactionId } = feedback
    const watch = this.watched.get(transactionId) ?? { users: 0, isDecided: false, turn: undefined }
    this.watched.set(transactionId, watch)
    watch.users++
    const before = watch.turn
    let end = (): void => undefined
    watch.turn = new Promise((resolve) => {
      end = resolve
    })
    try {
      // Or one would be compared with what was told before the one ahead of it.
      await before
      for (;;) {
        watch.isDecided = false
        const outcome = await this.tryFeedback(feedback, watch, isStale)
        if (outcome !== undefined) return this.parts.answers.labelled(outcome, feedback)
      }
    } finally {
      end()
      if (--watch.users === 0) this.watched.delete(transactionId)
    }
  }

  /**
   * Calls `work`, which decides on a transaction of this time before it waits for anything, with the states
   * of `keys`, when every label that is due before it is in them.
   *
   * Transactions are decided on in the order in which they come here: one that finds labels due has those
   * behind it wait, or some of a batch would be decided on before earlier ones of it. So the order of the log
   * is the one that a replay by the rule of `label-schedule.ts` has.
   */
  async whenDelivered<T>(
    eventTimeMs: number,
    keys: readonly NamedKey[],
    work: (held: HeldStates) => Promise<T>,
  ): Promise<T> {
    const { due, cache } = this.parts
    const before = this.turn
    let end = (): void => undefined
    this.turn = new Promise((resolve) => {
      end = resolve
    })
    try {
      // Meanwhile, not in its turn; a failure comes again below.
      const brought = cache.bring(keys).catch(() => undefined)
      await before
      await brought
      if (due.isDue(eventTimeMs)) await this.deliver(eventTimeMs)
      // Not awaited: the next one may begin as soon as this one has its place.
      return work(cache.find(keys) ?? (await cache.bring(keys)))
    } finally {
      end()
    }
  }

  /**
   * A transaction was decided on as record `sequence`: the clock moves, and where those without a label
   * become genuine, it will.
   *
   * @returns what is kept of it beside its receipt
   */
  arrived(transactionId: string, entities: LabelledEntities, sequence: number): Receipt | undefined {
    const watch = this.watched.get(transactionId)
    if (watch !== undefined) watch.isDecided = true
    const { due, decider } = this.parts
    const { settings } = decider().models.champion
    const { eventTimeMs } = entities
    const clockMs = due.arrived(eventTimeMs)
    if (settings.unlabelled !== 'genuine_after_delay' || due.isStored(sequence)) return undefined
    if (decider().labelKeysOf(entities).length === 0) return undefined
    const dueMs = Math.max(clockMs, eventTimeMs + settings.limits.user.labelDelayMs)
    const label = decidedDueLabel(dueMs, sequence, {
      ...entities,
      transactionId,
      isFraud: false,
      origin: 'delay',
    })
    due.add(label)
    return dueReceipt(label)
  }

  /** The label that waited for a transaction which was just decided on, with these states. */
  applyWaiting(transactionId: string, entities: LabelledEntities, { items, states }: HeldStates): void {
    const waiting = this.parts.waiting.find(transactionId)
    if (waiting === undefined) return
    const { isFraud, receivedAtMs } = waiting
    const isApplied = this.parts.decider().engineer.applyLabel(states, {
      transactionToken: tokenOf(transactionId),
      eventTimeMs: entities.eventTimeMs,
      isFraud,
    })
    this.parts.waiting.take(transactionId)
    this.appendByItself(
      labelId(transactionId),
      labelEntryOf(waiting, entities, receivedAtMs, isApplied),
      items,
    ).then(
      () => this.parts.waiting.forget(transactionId),
      () => undefined,
    )
  }

  /**
   * After a replay of the log: applies labels that had waited for transactions of its last records. Such a
   * label stands behind its transaction, and the process may have ended between the two. One that was
   * replaced by a label which says whose it is waits no more, though the store may still have its receipt.
   */
  async settleWaiting(): Promise<void> {
    const { waiting, receipts, cache, decider } = this.parts
    for (const transactionId of waiting.transactionIds()) {
      const decision = await receipts.find<DecisionReceipt>(decisionId(transactionId))
      if (decision === undefined) {
        const told = await this.receiptOf(historyLabelId(tokenOf(transactionId)))
        if (told !== undefined && isBefore(waiting.find(transactionId), told)) waiting.forget(transactionId)
        continue
      }
      const entities = entitiesOfFeedback(decision, { transactionId, isFraud: null }, decider().entitiesOf)!
      const isTold = (await this.receiptOf(labelId(transactionId))) !== undefined
      if (isTold) waiting.forget(transactionId)
      else this.applyWaiting(transactionId, entities, await cache.bring(decider().labelKeysOf(entities)))
    }
  }

  /** While others decide: passes over labels that they have delivered, or it is done all at once. */
  async passTold(): Promise<void> {
    const { due } = this.parts
    for (;;) {
      const batch = await due.due(Number.NEGATIVE_INFINITY, DELIVERED_AT_ONCE)
      for (const label of batch) {
        if ((await this.toldOf(label)) === undefined) return
        due.take()
        due.delivered(label)
      }
      if (batch.length < DELIVERED_AT_ONCE) return
      await nextTurn()
    }
  }

  /**
   * Whether a receipt of a transaction of this time may still be asked for by a label. One transaction that
   * is stamped ahead does not end the time of all others: the clock of the server bounds theirs.
   */
  isNeeded(eventTimeMs: number | undefined): boolean {
    const { due, decider, world } = this.parts
    const clockMs = Math.min(due.clockMs, world.now())
    return eventTimeMs !== undefined && eventTimeMs > clockMs - labelLifeMs(decider().engineer)
  }

  /** Undefined when the transaction was decided on meanwhile: then everything is otherwise. */
  private async tryFeedback(
    feedback: Feedback,
    watch: Watch,
    isStale: IsStale | undefined,
  ): Promise<FeedbackOutcome | undefined> {
    const { receipts, cache, waiting, decider, world, throwIfUnavailable } = this.parts
    throwIfUnavailable()
    const { transactionId, isFraud } = feedback
    const decision = await receipts.find<DecisionReceipt>(decisionId(transactionId))
    const entities = entitiesOfFeedback(decision, feedback, decider().entitiesOf)
    const id = decision === undefined ? historyLabelId(tokenOf(transactionId)) : labelId(transactionId)
    const latest = await this.latestOf(transactionId, id)
    if (latest?.isFraud === isFraud) {
      await (receipts.pending(id) ?? receipts.pending(waitingId(transactionId)))?.durable
      // It may have been one whose record failed since it was looked at.
      throwIfUnavailable()
      return 'unchanged'
    }
    const { items, states } = await cache.bring(entities === undefined ? [] : decider().labelKeysOf(entities))
    throwIfUnavailable()
    assertFresh(isStale)
    if (decision === undefined && watch.isDecided) return undefined
    const meanwhile = receipts.pending(id) ?? receipts.pending(waitingId(transactionId))
    const before = (meanwhile?.receipt as LabelReceipt | undefined) ?? latest
    if (meanwhile !== undefined && before?.isFraud === isFraud) {
      await meanwhile.durable
      return 'unchanged'
    }
    const known = knownBy(before)
    const told = applyTold(decider().engineer, states, feedback, entities, known, world.now(), decision)
    const { isApplied } = told
    const isWaiting = !isApplied && decision === undefined && this.mayCome(entities?.eventTimeMs)
    if (isWaiting) this.assertRoom(transactionId)
    const label: LabelEntry = { ...told, ...(isWaiting && { isWaiting }) }
    this.told++
    if (isWaiting) {
      const receipt = waitingReceiptOf(label)
      waiting.keep(receipt)
      await this.append(waitingId(transactionId), label, [], receipt)
      return 'waiting'
    }
    waiting.take(transactionId)
    await this.append(id, label, isApplied ? items : [], labelReceiptOf(label))
    waiting.forget(transactionId)
    return isApplied ? 'applied' : 'late'
  }

  private assertRoom(transactionId: string): void {
    const { waiting, settings } = this.parts
    if (waiting.size < settings.waitingLabels || waiting.find(transactionId) !== undefined) return
    throw new VigiaError('FEEDBACK_WAITING_FULL', { id: transactionId, allowed: settings.waitingLabels })
  }

  /** Whether a transaction of this time, or of a time that nobody says, may still be sent. */
  private mayCome(eventTimeMs: number | undefined): boolean {
    return eventTimeMs === undefined || this.isNeeded(eventTimeMs)
  }

  /** What was told last of a transaction whose labels have receipts `id`. */
  private async latestOf(transactionId: string, id: string): Promise<LabelReceipt | undefined> {
    const found = this.parts.waiting.find(transactionId) ?? (await this.receiptOf(id))
    // A label of a transaction that was decided on when it was told, or of versions that knew no other id.
    return found ?? (await this.receiptOf(labelId(transactionId)))
  }

  /** The receipt of a label, durable or not. */
  private async receiptOf(id: string): Promise<LabelReceipt | undefined> {
    return (await this.labelOf(id))?.receipt
  }

  private async labelOf(id: string): Promise<ToldLabel | undefined> {
    const pending = this.parts.receipts.pending(id)
    if (pending !== undefined) return pending as ToldLabel
    const stored = await this.parts.store.findReceipt(id)
    return stored && { receipt: decodeReceipt<LabelReceipt>(stored), durable: Promise.resolve() }
  }

  /** Applies every label that is due before a transaction of this time, unless something else was told. */
  private async deliver(eventTimeMs: number): Promise<void> {
    const { due, cache, decider, throwIfUnavailable } = this.parts
    for (;;) {
      const batch = await due.due(eventTimeMs, DELIVERED_AT_ONCE)
      if (batch.length === 0) return
      const { told } = this
      const toldOf = await Promise.all(batch.map((label) => this.toldOf(label)))
      const keys = batch.map(({ label }) => decider().labelKeysOf(label))
      await cache.bring(keys.flat())
      throwIfUnavailable()
      if (told !== this.told) continue
      for (const [i, label] of batch.entries()) {
        due.take()
        this.deliveredBy(label, toldOf[i]?.durable ?? this.deliverOne(label, cache.find(keys[i]!)!))
      }
      if (batch.length < DELIVERED_AT_ONCE) continue
      // A backlog waits for the disk, or it would lie in memory; a few labels go with their transaction.
      // Those that were told otherwise wait for nothing: others have their turn too.
      await this.delivering
      await nextTurn()
    }
  }

  /**
   * The store may forget a due label once the record that stands for it is durable, and those of all before
   * it.
   */
  private deliveredBy(label: DueLabel, durable: Promise<unknown>): void {
    const delivering = Promise.all([this.delivering, durable]).then(() => this.parts.due.delivered(label))
    this.delivering = delivering
    delivering.catch(() => {
      // Recovery finds in the store what the log does not have.
      if (this.delivering === delivering) this.delivering = Promise.resolve()
    })
  }

  private deliverOne({ id: due, label }: DueLabel, { items, states }: HeldStates): Promise<unknown> {
    const { decider, world } = this.parts
    const transactionToken = tokenOfLabel({ ...label, receivedAtMs: 0, isApplied: false })
    const { transactionId, eventTimeMs, isFraud, known } = label
    const isApplied = decider().engineer.applyLabel(states, { transactionToken, eventTimeMs, isFraud, known })
    const id = transactionId === '' ? historyLabelId(transactionToken) : labelId(transactionId)
    const layout = label.origin === 'history' ? { layout: decider().models.champion.layoutKey } : {}
    const entry: LabelEntry = { ...label, ...layout, receivedAtMs: world.now(), isApplied, due }
    return this.appendByItself(id, entry, isApplied ? items : [])
  }

  /** What was told of the transaction of a due label, or this one when it was delivered before. */
  private async toldOf({ id, label }: DueLabel): Promise<ToldLabel | undefined> {
    const { transactionId, transactionToken = tokenOf(transactionId) } = label
    const told =
      (transactionId === '' ? undefined : await this.labelOf(labelId(transactionId))) ??
      (await this.labelOf(historyLabelId(transactionToken)))
    // States of another layout that decided meanwhile know the same label by another time.
    const { due = id, isFraud } = told?.receipt ?? { isFraud: undefined }
    return due >= id || isFraud === label.isFraud ? told : undefined
  }

  private appendByItself(id: string, label: LabelEntry, items: readonly HeldState[]): Promise<unknown> {
    this.parts.answers.delivered(label.isFraud)
    return this.append(id, label, items, labelReceiptOf(label))
  }

  private append(
    id: string,
    label: LabelEntry,
    items: readonly HeldState[],
    receipt: LabelReceipt,
  ): Promise<unknown> {
    const sequence = this.parts.frontier.next()
    return this.parts.append(id, sequence, encodeLabel(sequence, label), items, receipt)
  }
}
