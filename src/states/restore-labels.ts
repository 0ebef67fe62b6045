import type { DecisionEntry } from '../decisions/decided.ts'
import { createDecider, type Decider } from '../decisions/decider.ts'
import { encodeReceipt, waitingId } from '../decisions/decision-receipt.ts'
import { waitingReceiptOf } from '../decisions/labels.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import type { LabelEntry } from '../decisions/log/log-record.ts'
import { encodeSequenced } from '../decisions/shared/sequenced-receipt.ts'
import { decodeDueLabel, genuineText, historyEntry } from '../decisions/shared/shared-due-label.ts'
import type { DueLabelEntry, SharedStateStore } from '../ports/state-store.ts'
import { DECIDED_LABEL, HISTORY_LABEL, LABEL_PLACE_DIGITS } from '../ports/state-store.ts'
import { labelsInSnapshot, linesOfLabels, type WaitingLabel } from './labels-in-snapshot.ts'
import { pendingLabelsOf } from './pending-due-labels.ts'

export interface LabelsAgainOptions {
  readonly model: LoadedModel
  /** How long labels wait, in milliseconds. */
  readonly waitingLifeMs: number
}

/** Entries written at a time. */
const BATCH = 1000

/**
 * Makes again from logs which labels wait for their transaction or their time, and the clock. Law 17 and 18
 * of `SharedStateStore` say what becomes of them.
 */
export class LabelsAgain {
  private readonly options: LabelsAgainOptions
  private readonly decider: Decider
  private clock = Number.NEGATIVE_INFINITY
  /** Latest time at which anything was decided or told, by the clocks of the servers. */
  private atMs = Number.NEGATIVE_INFINITY
  /** By the transaction; those of the history by `DueLabel.id`. */
  private readonly due = new Map<string, DueLabelEntry>()
  private readonly waiting = new Map<string, WaitingLabel>()

  constructor(options: LabelsAgainOptions) {
    this.options = options
    this.decider = createDecider({ champion: options.model })
  }

  /** Latest time of a transaction, epoch milliseconds; -Infinity without any. */
  get clockMs(): number {
    return this.clock
  }

  /** Begins with the labels that were not due when a history ended. @param folder of its states */
  beginWithHistory(folder: string): void {
    const { clockMs, labels } = pendingLabelsOf(folder, this.options.model)
    this.clock = clockMs
    let index = 0
    for (const { dueMs, label } of labels) this.addDue(historyEntry(dueMs, index++, label))
  }

  /** Begins with those of a snapshot. @param file its receipts @param clockMs null: it had no decision */
  async beginWithSnapshot(file: string, clockMs: number | null): Promise<void> {
    this.clock = clockMs ?? Number.NEGATIVE_INFINITY
    for await (const label of labelsInSnapshot(file))
      if (label.kind === 'due') this.addDue(label.entry)
      else this.waiting.set(label.receipt.transactionId, label)
  }

  private addDue(entry: DueLabelEntry): void {
    const { id, label } = decodeDueLabel(entry)
    this.due.set(label.transactionId === '' ? id : label.transactionId, entry)
  }

  decision(sequence: number, { transaction, decidedAtMs }: DecisionEntry): void {
    const { transactionId, eventTimeMs } = transaction
    const entities = this.decider.entitiesOf(transaction)
    const { settings } = this.options.model
    this.clock = Math.max(this.clock, eventTimeMs)
    this.atMs = Math.max(this.atMs, decidedAtMs)
    const place = `${DECIDED_LABEL}${String(sequence).padStart(LABEL_PLACE_DIGITS, '0')}`
    const text = `${place}${genuineText(transactionId, { ...entities, eventTimeMs })}`
    const waited = this.waiting.get(transactionId)
    this.waiting.delete(transactionId)
    if (waited !== undefined && this.untilMs(waited) > decidedAtMs)
      this.due.set(transactionId, {
        dueMs: Number.NEGATIVE_INFINITY,
        text: `${text}\n${JSON.stringify(waited.receipt)}`,
      })
    else if (settings.unlabelled === 'genuine_after_delay' && this.decider.labelKeysOf(entities).length > 0) {
      const dueMs = Math.max(this.clock, eventTimeMs + settings.limits.user.labelDelayMs)
      this.due.set(transactionId, { dueMs, text })
    }
  }

  /** One that a history had and that was told otherwise stays: its receipt says so when it is due. */
  label(sequence: number, label: LabelEntry): void {
    const { transactionId, isWaiting, receivedAtMs, due = '' } = label
    this.atMs = Math.max(this.atMs, receivedAtMs)
    if (isWaiting) this.waiting.set(transactionId, { sequence, receipt: waitingReceiptOf(label) })
    else {
      this.waiting.delete(transactionId)
      this.due.delete(transactionId === '' ? due : transactionId)
    }
  }

  /** Puts them into a store that has none. */
  async putBack(store: Pick<SharedStateStore, 'putBackLabels'>, nowMs: number): Promise<void> {
    const { clockMs } = this
    const waiting = [...this.waiting.values()].flatMap((label) => {
      const { sequence, receipt } = label
      const untilMs = this.untilMs(label)
      const bytes = encodeSequenced(encodeReceipt(receipt), sequence)
      const lifeMs = untilMs - nowMs
      return lifeMs <= 0 ? [] : [{ id: waitingId(receipt.transactionId), bytes, untilMs, lifeMs }]
    })
    const due = this.openDue()
    await store.putBackLabels({ clockMs, due: [], waiting })
    for (let i = 0; i < due.length; i += BATCH)
      await store.putBackLabels({ clockMs, due: due.slice(i, i + BATCH), waiting: [] })
  }

  /** The lines of a snapshot; without labels that had waited too long when the last record was written. */
  lines(): readonly Uint8Array[] {
    const waiting = [...this.waiting.values()].filter((label) => this.untilMs(label) > this.atMs)
    return linesOfLabels(this.openDue(), waiting)
  }

  /**
   * Those that are not delivered. The archive does not say which label of a history a record is: all that
   * were due by the clock were delivered, or told otherwise, before the decision that moved it (law 17).
   */
  private openDue(): readonly DueLabelEntry[] {
    return [...this.due.values()].filter(
      ({ dueMs, text }) => !text.startsWith(HISTORY_LABEL) || dueMs > this.clock,
    )
  }

  private untilMs({ receipt }: WaitingLabel): number {
    return receipt.receivedAtMs + this.options.waitingLifeMs
  }
}
