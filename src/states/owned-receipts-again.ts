import { receiptOf, type ServedModelName } from '../decisions/decided.ts'
import { createDecider, type Decider } from '../decisions/decider.ts'
import { decisionId, encodeReceipt, historyLabelId, labelId } from '../decisions/decision-receipt.ts'
import type { DecisionSettings } from '../decisions/decisions.ts'
import { labelLifeMs, labelReceiptOf } from '../decisions/labels.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { type LabelEntry, tokenOfLabel } from '../decisions/log/log-record.ts'
import { entryOfRecord } from '../decisions/owned/log-replay.ts'
import type { World } from '../foundation/world.ts'
import type { LogPosition, LogRecord } from '../ports/prediction-log.ts'
import type { StateStore } from '../ports/state-store.ts'

export interface OwnedReceiptsAgainOptions {
  readonly store: Pick<StateStore, 'save' | 'findReceipt'>
  readonly model: LoadedModel
  /** The model of a log record's key. */
  readonly nameOf: (key: string) => Promise<ServedModelName>
  readonly settings: Pick<DecisionSettings, 'receiptLifeMs'>
  /** Of the transactions, epoch milliseconds. */
  readonly clockMs: number
  readonly world: Pick<World, 'now'>
}

/** Receipts written at a time. */
const BATCH_RECEIPTS = 1000

/**
 * Makes the receipts of decisions and labels again, from the records of a log that one process writes: those
 * that a server would still keep (`Saver`). A label that waits has another, which a snapshot has.
 */
export class OwnedReceiptsAgain {
  /** Receipts that were made. */
  count = 0
  private readonly options: OwnedReceiptsAgainOptions
  private readonly decider: Decider
  private batch = new Map<string, Uint8Array>()

  constructor(options: OwnedReceiptsAgainOptions) {
    this.options = options
    this.decider = createDecider({ champion: options.model })
  }

  /** Takes the next record. @throws SERVING_STORE_FAILED for one of a kind that is not known */
  async take(record: LogRecord): Promise<void> {
    const entry = entryOfRecord(record)
    if (entry.kind === 'label') return this.takeLabel(entry.label, record.position)
    if (entry.kind !== 'decision') return
    const { transaction, decidedAtMs, model } = entry.decision
    const { transactionId, eventTimeMs } = transaction
    if (!this.isKept(decidedAtMs, eventTimeMs)) return
    const { own } = this.decider.entitiesOf(transaction)
    const hash = this.decider.hashOf(transaction)
    const name = await this.options.nameOf(model)
    const receipt = receiptOf(entry.decision, name, transaction, own, hash, record.sequence)
    receipt.position = record.position
    await this.add(decisionId(transactionId), encodeReceipt(receipt))
  }

  async flush(): Promise<void> {
    const receipts = [...this.batch].map(([id, bytes]) => ({ id, bytes }))
    this.batch = new Map()
    if (receipts.length > 0) await this.options.store.save([], receipts)
  }

  private async takeLabel(label: LabelEntry, position: LogPosition): Promise<void> {
    const { transactionId, isWaiting, receivedAtMs, eventTimeMs } = label
    if (isWaiting === true || !this.isKept(receivedAtMs, eventTimeMs)) return
    const isDecided = transactionId !== '' && (await this.has(decisionId(transactionId)))
    const id = isDecided ? labelId(transactionId) : historyLabelId(tokenOfLabel(label))
    const receipt = labelReceiptOf(label)
    receipt.position = position
    await this.add(id, encodeReceipt(receipt))
  }

  private async has(id: string): Promise<boolean> {
    return this.batch.has(id) || (await this.options.store.findReceipt(id)) !== undefined
  }

  /** As long as a repetition is known, and as long as any window can use a label. */
  private isKept(atMs: number, eventTimeMs: number | undefined): boolean {
    const { settings, clockMs, world } = this.options
    if (atMs >= world.now() - settings.receiptLifeMs) return true
    const bySide = Math.min(clockMs, world.now()) - labelLifeMs(this.decider.engineer)
    return eventTimeMs !== undefined && eventTimeMs > bySide
  }

  private async add(id: string, bytes: Uint8Array): Promise<void> {
    this.count++
    this.batch.set(id, bytes)
    if (this.batch.size === BATCH_RECEIPTS) await this.flush()
  }
}
