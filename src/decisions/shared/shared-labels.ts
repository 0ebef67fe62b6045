import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import type { CommittedLabels, DueLabelsFound, SharedStateStore } from '../../ports/state-store.ts'
import { tokenOf } from '../../transaction/token.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import type { Answers } from '../answers.ts'
import type { DecisionReceipt } from '../decided.ts'
import type { Decider } from '../decider.ts'
import {
  decisionId,
  encodeReceipt,
  historyLabelId,
  type LabelReceipt,
  labelId,
  waitingId,
} from '../decision-receipt.ts'
import type { DecisionSettings } from '../decisions.ts'
import type { Entities } from '../entities.ts'
import type { Feedback, FeedbackOutcome, InferenceObserver } from '../inference-pipeline.ts'
import {
  applyTold,
  entitiesOfFeedback,
  knownBy,
  labelLifeMs,
  labelReceiptOf,
  waitingReceiptOf,
} from '../labels.ts'
import { encodeLabel, type LabelEntry, tokenOfLabel } from '../log/log-record.ts'
import { assertFresh, type IsStale } from '../reading.ts'
import { createEntityLocks } from './entity-locks.ts'
import { decodeSequenced } from './sequenced-receipt.ts'
import type { createSharedCommit, Work } from './shared-commit.ts'
import { decodeDueLabel, deliveredEntry, genuineText, type SharedDueLabel } from './shared-due-label.ts'

export interface SharedLabelsParts {
  readonly store: Pick<SharedStateStore, 'findReceipt' | 'dueLabels' | 'removeDueLabel'>
  readonly commit: ReturnType<typeof createSharedCommit>
  readonly decider: () => Decider
  readonly answers: Answers
  readonly observer: Pick<InferenceObserver, 'labelled'>
  readonly settings: Pick<DecisionSettings, 'waitingLabels' | 'waitingLifeMs'>
  readonly world: Pick<World, 'now'>
}

/** Due labels that are asked for at a time. */
const DELIVERED_AT_ONCE = 64

/**
 * Labels of processes that share their states: told ones, those that wait for their transaction, and those
 * that are due by the clock. Each is one commit, and one record of a log.
 *
 * It owns what becomes of a label. It does not own which are due or wait: the store has the clock and both
 * lists, and refuses a transaction while a label is due before it. So whoever comes to that transaction
 * delivers the label, and of several who do one commit counts.
 */
export class SharedLabels {
  private readonly parts: SharedLabelsParts
  /** Of the labels that are under way in this process, by transaction. */
  private readonly locks = createEntityLocks()
  /** Ends when what this process delivers is delivered: it would only race itself. */
  private delivering: Promise<void> = Promise.resolve()
  private known = 0

  constructor(parts: SharedLabelsParts) {
    this.parts = parts
  }

  /** Labels that waited when this process committed last, or asked what is due. */
  get waiting(): number {
    return this.known
  }

  /** Sees how many labels wait, before the first commit says it. */
  async look(): Promise<void> {
    await this.dueLabels(undefined, 1)
  }

  async applyFeedback(feedback: Feedback, isStale: IsStale | undefined): Promise<FeedbackOutcome> {
    // One after the other: each is told in view of the one before.
    const release = await this.locks.acquire([{ kind: 'label', token: tokenOf(feedback.transactionId) }])
    try {
      for (;;) {
        const outcome = await this.tryFeedback(feedback, isStale)
        if (outcome !== undefined) return this.parts.answers.labelled(outcome, feedback)
      }
    } finally {
      release()
    }
  }

  /** What the commit of a decision demands. */
  arrivalOf(transaction: Transaction, entities: Entities): NonNullable<Work<unknown>['demands']> {
    const { decider } = this.parts
    const { transactionId, eventTimeMs } = transaction
    const { settings } = decider().models.champion
    const isGenuineLater =
      settings.unlabelled === 'genuine_after_delay' && decider().labelKeysOf(entities).length > 0
    return {
      labels: {
        kind: 'arrival',
        eventTimeMs,
        dueMs: isGenuineLater ? eventTimeMs + settings.limits.user.labelDelayMs : undefined,
        label: genuineText(transactionId, { ...entities, eventTimeMs }),
        waitingId: waitingId(transactionId),
      },
    }
  }

  /** A commit has come through; a label that waited for its transaction is applied now. */
  async committed({ waitingLabels, expiredLabels, isLabelDue }: CommittedLabels): Promise<void> {
    this.known = waitingLabels
    // Nobody remembers what they said.
    for (let i = 0; i < expiredLabels; i++) this.parts.observer.labelled('expired', null)
    if (isLabelDue) await this.deliver(undefined)
  }

  /**
   * Delivers every label that is due before a transaction of this time; undefined: those that had waited for
   * a transaction which has come. Another process may be at it too.
   */
  async deliver(eventTimeMs: number | undefined): Promise<void> {
    const first = await this.dueLabels(eventTimeMs, 1)
    if (first.labels.length === 0) return
    const before = this.delivering
    this.delivering = before.then(() => this.deliverAll(eventTimeMs))
    const own = this.delivering
    this.delivering = own.catch(() => undefined)
    await own
  }

  private async dueLabels(eventTimeMs: number | undefined, most: number): Promise<DueLabelsFound> {
    const found = await this.parts.store.dueLabels(eventTimeMs, most)
    this.known = found.waitingLabels
    return found
  }

  private async deliverAll(eventTimeMs: number | undefined): Promise<void> {
    for (;;) {
      const { labels } = await this.dueLabels(eventTimeMs, DELIVERED_AT_ONCE)
      if (labels.length === 0) return
      for (const entry of labels) if (!(await this.deliverOne(decodeDueLabel(entry)))) break
    }
  }

  /** @returns whether it is delivered, or need not be; if not, the store has another first one by now */
  private async deliverOne(due: SharedDueLabel): Promise<boolean> {
    const { store, decider, commit, world, answers } = this.parts
    const { label, text, waited } = due
    const token = tokenOfLabel({ ...label, receivedAtMs: 0, isApplied: false })
    const id = label.transactionId === '' ? historyLabelId(token) : labelId(label.transactionId)
    const own = await store.findReceipt(id)
    const told = own ?? (await store.findReceipt(historyLabelId(token)))
    if (told !== undefined && isTold(due, decodeSequenced<LabelReceipt>(told).receipt)) {
      await store.removeDueLabel(text)
      return true
    }
    const committed = await commit({
      keys: decider().labelKeysOf(label),
      id,
      subject: label.transactionId,
      work: (states) => {
        const { eventTimeMs, known } = label
        const isFraud = waited === undefined ? label.isFraud : waited.isFraud
        const isApplied = decider().engineer.applyLabel(states, {
          transactionToken: token,
          eventTimeMs,
          isFraud,
          known,
        })
        const entry = deliveredEntry(due, world.now(), isApplied)
        return workOf(entry, { replaces: own, labels: { kind: 'delivery', text } })
      },
    })
    if (committed.kind !== 'done') return false
    answers.delivered(committed.result.isFraud)
    return true
  }

  /** Undefined when something about the transaction is otherwise than it was when we looked. */
  private async tryFeedback(
    feedback: Feedback,
    isStale: IsStale | undefined,
  ): Promise<FeedbackOutcome | undefined> {
    const { store, decider, commit, settings, world } = this.parts
    const { transactionId, isFraud } = feedback
    // What waited for a transaction that has come was told before this.
    await this.deliver(undefined)
    const found = await store.findReceipt(decisionId(transactionId))
    const decision = found && decodeSequenced<DecisionReceipt>(found).receipt
    const id = decision === undefined ? historyLabelId(tokenOf(transactionId)) : labelId(transactionId)
    const [waiting, own, byName] = await Promise.all(
      [waitingId(transactionId), id, labelId(transactionId)].map((each) => store.findReceipt(each)),
    )
    const latest = waiting ?? own ?? byName
    const before = latest && decodeSequenced<LabelReceipt>(latest).receipt
    if (before?.isFraud === isFraud) return 'unchanged'
    const entities = entitiesOfFeedback(decision, feedback, decider().entitiesOf)
    const mayCome = decision === undefined && (await this.mayCome(entities?.eventTimeMs))
    const committed = await commit({
      keys: entities === undefined ? [] : decider().labelKeysOf(entities),
      id,
      subject: transactionId,
      work: (states) => {
        assertFresh(isStale)
        const known = knownBy(before)
        const { engineer } = decider()
        const label = applyTold(engineer, states, feedback, entities, known, world.now(), decision)
        if (!label.isApplied && mayCome) return this.waitingWork(label, waiting)
        const ended =
          waiting === undefined ? undefined : ({ kind: 'told', waitingId: waitingId(transactionId) } as const)
        return workOf(label, { replaces: own, ...(ended !== undefined && { labels: ended }) })
      },
    })
    if (committed.kind === 'full')
      throw new VigiaError('FEEDBACK_WAITING_FULL', { id: transactionId, allowed: settings.waitingLabels })
    if (committed.kind !== 'done') return undefined
    await this.committed(committed)
    const { isApplied, isWaiting } = committed.result
    if (isWaiting === true) return 'waiting'
    return isApplied ? 'applied' : 'late'
  }

  private waitingWork(label: LabelEntry, replaces: Uint8Array | undefined): Work<LabelEntry> {
    const { settings, world } = this.parts
    const { transactionId } = label
    const nowMs = world.now()
    const waits: LabelEntry = { ...label, isWaiting: true }
    return {
      result: waits,
      id: waitingId(transactionId),
      receiptLifeMs: settings.waitingLifeMs,
      receipt: encodeReceipt(waitingReceiptOf(waits)),
      entry: encodeLabel(0, waits).slice(),
      demands: {
        replaces,
        labels: {
          kind: 'wait',
          decisionId: decisionId(transactionId),
          nowMs,
          untilMs: nowMs + settings.waitingLifeMs,
          most: settings.waitingLabels,
        },
      },
    }
  }

  /** Whether a transaction of this time, or of a time that nobody says, may still be sent. */
  private async mayCome(eventTimeMs: number | undefined): Promise<boolean> {
    if (eventTimeMs === undefined) return true
    const { decider, world } = this.parts
    const { clockMs } = await this.dueLabels(undefined, 1)
    return eventTimeMs > Math.min(clockMs, world.now()) - labelLifeMs(decider().engineer)
  }
}

const workOf = (label: LabelEntry, demands: NonNullable<Work<LabelEntry>['demands']>): Work<LabelEntry> => ({
  result: label,
  receipt: encodeReceipt(labelReceiptOf(label)),
  entry: encodeLabel(0, label).slice(),
  demands,
})

/** Whether something was told of the transaction of a due label, or this one was delivered before. */
const isTold = ({ id, waited }: SharedDueLabel, { due }: LabelReceipt): boolean =>
  due === undefined || waited !== undefined || due >= id
