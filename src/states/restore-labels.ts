import { createDecider, type Decider } from '../decisions/decider.ts'
import { encodeReceipt, waitingId } from '../decisions/decision-receipt.ts'
import { waitingReceiptOf } from '../decisions/labels.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import type { LabelEntry } from '../decisions/log/log-record.ts'
import { encodeSequenced } from '../decisions/shared/sequenced-receipt.ts'
import { decodeDueLabel, genuineText, historyEntry } from '../decisions/shared/shared-due-label.ts'
import type { DueLabelEntry, SharedStateStore } from '../ports/state-store.ts'
import { DECIDED_LABEL, LABEL_PLACE_DIGITS } from '../ports/state-store.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { pendingLabelsOf } from './pending-due-labels.ts'

export interface LabelsAgainOptions {
  readonly store: Pick<SharedStateStore, 'putBackLabels'>
  readonly model: LoadedModel
  /** Folder of the states that the log began with; undefined: it began with none. */
  readonly from: string | undefined
  /** How long labels wait, in milliseconds. */
  readonly waitingLifeMs: number
  readonly world: { now(): number }
}

/** Entries written at a time. */
const BATCH = 1000

interface Waiting {
  readonly sequence: number
  readonly label: LabelEntry
}

/**
 * Makes again from a log which labels waited for their transaction or their time, and the clock, and puts
 * them back. Law 17 and 18 of `SharedStateStore` say what becomes of them.
 */
export class LabelsAgain {
  private readonly options: LabelsAgainOptions
  private readonly decider: Decider
  private clockMs = Number.NEGATIVE_INFINITY
  /** By the transaction; those of the history by `DueLabel.id`. */
  private readonly due = new Map<string, DueLabelEntry>()
  private readonly waiting = new Map<string, Waiting>()

  constructor(options: LabelsAgainOptions) {
    this.options = options
    this.decider = createDecider({ champion: options.model })
    if (options.from === undefined) return
    const { clockMs, labels } = pendingLabelsOf(options.from, options.model)
    this.clockMs = clockMs
    let index = 0
    for (const { dueMs, label } of labels) {
      const entry = historyEntry(dueMs, index++, label)
      this.due.set(decodeDueLabel(entry).id, entry)
    }
  }

  decision(sequence: number, transaction: Transaction): void {
    const { transactionId, eventTimeMs } = transaction
    const entities = this.decider.entitiesOf(transaction)
    const { settings } = this.options.model
    this.clockMs = Math.max(this.clockMs, eventTimeMs)
    const place = `${DECIDED_LABEL}${String(sequence).padStart(LABEL_PLACE_DIGITS, '0')}`
    const text = `${place}${genuineText(transactionId, { ...entities, eventTimeMs })}`
    const waited = this.waiting.get(transactionId)
    this.waiting.delete(transactionId)
    if (waited !== undefined) {
      const receipt = JSON.stringify(waitingReceiptOf(waited.label))
      this.due.set(transactionId, { dueMs: Number.NEGATIVE_INFINITY, text: `${text}\n${receipt}` })
    } else if (
      settings.unlabelled === 'genuine_after_delay' &&
      this.decider.labelKeysOf(entities).length > 0
    ) {
      const dueMs = Math.max(this.clockMs, eventTimeMs + settings.limits.user.labelDelayMs)
      this.due.set(transactionId, { dueMs, text })
    }
  }

  /** One that a history had and that was told otherwise stays: its receipt says so when it is due. */
  label(sequence: number, label: LabelEntry): void {
    const { transactionId, isWaiting, due = '' } = label
    if (isWaiting) this.waiting.set(transactionId, { sequence, label })
    else {
      this.waiting.delete(transactionId)
      this.due.delete(transactionId === '' ? due : transactionId)
    }
  }

  async putBack(): Promise<void> {
    const { store, waitingLifeMs, world } = this.options
    const { clockMs } = this
    const waiting = [...this.waiting.values()].flatMap(({ sequence, label }) => {
      const untilMs = label.receivedAtMs + waitingLifeMs
      const receipt = encodeReceipt(waitingReceiptOf(label))
      const bytes = encodeSequenced(receipt, sequence)
      const lifeMs = untilMs - world.now()
      return lifeMs <= 0 ? [] : [{ id: waitingId(label.transactionId), bytes, untilMs, lifeMs }]
    })
    const due = [...this.due.values()]
    await store.putBackLabels({ clockMs, due: [], waiting })
    for (let i = 0; i < due.length; i += BATCH)
      await store.putBackLabels({ clockMs, due: due.slice(i, i + BATCH), waiting: [] })
  }
}
