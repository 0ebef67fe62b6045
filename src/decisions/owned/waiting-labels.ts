import type { StateStore } from '../../ports/state-store.ts'
import { decodeReceipt, type WaitingReceipt, waitingId } from '../decision-receipt.ts'

/** Receipts of waiting labels that are read at a time. */
const READ_AT_ONCE = 1000
const PREFIX = 'waiting/'

/**
 * The labels whose transaction has not come, or is remembered no more: each is in the log already, and is
 * applied when its transaction is decided on.
 *
 * It owns which labels wait. It does not own their receipts, by which they survive the process.
 */
export class WaitingLabels {
  private readonly store: Pick<StateStore, 'sweepReceipts'>
  /** By the id of its receipt. */
  private readonly waiting = new Map<string, WaitingReceipt>()
  /** Those whose transaction has come, and whose record is not durable yet. */
  private readonly taken = new Set<string>()

  private readonly expired: (isFraud: boolean | null) => void

  /** @param expired is told of each label that has waited too long */
  constructor(store: Pick<StateStore, 'sweepReceipts'>, expired: (isFraud: boolean | null) => void) {
    this.store = store
    this.expired = expired
  }

  get size(): number {
    return this.waiting.size
  }

  /** Begins with what the store has, before the log is replayed. */
  async reopen(): Promise<void> {
    this.waiting.clear()
    this.taken.clear()
    let after: string | undefined = PREFIX
    while (after !== undefined) {
      const last: string | undefined = await this.store.sweepReceipts(after, READ_AT_ONCE, (id, bytes) => {
        if (isWaitingLabel(id)) this.waiting.set(id, decodeReceipt<WaitingReceipt>(bytes))
        return false
      })
      after = last !== undefined && isWaitingLabel(last) ? last : undefined
    }
  }

  /** The latest label that waits for this transaction. */
  find(transactionId: string): WaitingReceipt | undefined {
    if (this.waiting.size === 0) return undefined
    const id = waitingId(transactionId)
    return this.taken.has(id) ? undefined : this.waiting.get(id)
  }

  /** A label waits; it replaces an earlier one of the same transaction. */
  keep(receipt: WaitingReceipt): void {
    this.waiting.set(waitingId(receipt.transactionId), receipt)
  }

  /** Its transaction has come: it waits no more, but its receipt is needed until `forget`. */
  take(transactionId: string): void {
    this.taken.add(waitingId(transactionId))
  }

  /** The record by which it is applied is durable. */
  forget(transactionId: string): void {
    const id = waitingId(transactionId)
    this.waiting.delete(id)
    this.taken.delete(id)
  }

  /**
   * Whether the store need not keep this receipt: the label was applied, or has waited since before
   * `keptSinceMs`; then it waits no more.
   */
  isOver(id: string, keptSinceMs: number): boolean {
    const waiting = this.waiting.get(id)
    if (waiting === undefined) return true
    if (waiting.receivedAtMs >= keptSinceMs || this.taken.has(id)) return false
    this.waiting.delete(id)
    this.expired(waiting.isFraud)
    return true
  }

  /** The transactions that labels wait for. */
  transactionIds(): readonly string[] {
    return [...this.waiting.values()].map(({ transactionId }) => transactionId)
  }
}

/** Whether a receipt is that of a label that waits for its transaction. */
export const isWaitingLabel = (id: string): boolean => id.startsWith(PREFIX)
