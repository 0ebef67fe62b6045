import { type DecisionEntry, receiptOf } from '../decisions/decided.ts'
import { createDecider, type Decider } from '../decisions/decider.ts'
import { decisionId, encodeReceipt, historyLabelId, labelId } from '../decisions/decision-receipt.ts'
import { labelLifeMs, labelReceiptOf } from '../decisions/labels.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { type LabelEntry, tokenOfLabel } from '../decisions/log/log-record.ts'
import type { ModelDocument } from '../decisions/log/model-document.ts'
import { encodeSequenced } from '../decisions/shared/sequenced-receipt.ts'
import type { World } from '../foundation/world.ts'
import type { LivingReceipt, SharedStateStore } from '../ports/state-store.ts'

export interface ReceiptsAgainOptions {
  readonly store: Pick<SharedStateStore, 'putBack'>
  readonly model: LoadedModel
  /** In milliseconds, from the decision or label on. */
  readonly receiptLifeMs: number
  readonly world: Pick<World, 'now'>
}

/** Receipts written at a time. */
const BATCH_RECEIPTS = 1000

/**
 * Makes the receipts of decisions and labels again from their log, and puts them back into the store with
 * what is left of their lives. It owns those that are not written yet.
 */
export class ReceiptsAgain {
  /** Receipts that were put back, or will be by `flush`. */
  count = 0
  private readonly options: ReceiptsAgainOptions
  private readonly decider: Decider
  private batch = new Map<string, LivingReceipt>()

  constructor(options: ReceiptsAgainOptions) {
    this.options = options
    this.decider = createDecider({ champion: options.model })
  }

  async decision(sequence: number, decision: DecisionEntry, { name, version }: ModelDocument): Promise<void> {
    const { transaction, decidedAtMs } = decision
    const { own } = this.decider.entitiesOf(transaction)
    const hash = this.decider.hashOf(transaction)
    const receipt = encodeReceipt(receiptOf(decision, { name, version }, transaction, own, hash, 0))
    await this.add(decisionId(transaction.transactionId), receipt, sequence, decidedAtMs)
  }

  /** A later label of the same transaction replaces it. One that waits has another (`LabelsAgain`). */
  async label(sequence: number, label: LabelEntry): Promise<void> {
    if (label.isWaiting) return
    const { transactionId } = label
    const id = transactionId === '' ? historyLabelId(tokenOfLabel(label)) : labelId(transactionId)
    await this.add(id, encodeReceipt(labelReceiptOf(label)), sequence, label.receivedAtMs)
  }

  async flush(): Promise<void> {
    const receipts = [...this.batch.values()]
    this.batch = new Map()
    await this.options.store.putBack(receipts, [])
  }

  private async add(id: string, receipt: Uint8Array, sequence: number, atMs: number): Promise<void> {
    const { receiptLifeMs, world } = this.options
    const fullMs = Math.max(receiptLifeMs, labelLifeMs(this.decider.engineer))
    const lifeMs = atMs + fullMs - world.now()
    if (lifeMs <= 0) return
    this.count++
    this.batch.set(id, { id, bytes: encodeSequenced(receipt, sequence), lifeMs })
    if (this.batch.size === BATCH_RECEIPTS) await this.flush()
  }
}
