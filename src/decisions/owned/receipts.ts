import type { Receipt, StateStore } from '../../ports/state-store.ts'
import type { DecisionReceipt } from '../decided.ts'
import { decodeReceipt, encodeReceipt, type LabelReceipt } from '../decision-receipt.ts'
import { invariantBroken } from '../invariant-broken.ts'

/** A decision or label whose receipt is not in the store yet. */
export interface UnsavedReceipt {
  /** Number of its record. */
  readonly sequence: number
  readonly receipt: DecisionReceipt | LabelReceipt
  /** Resolves when the record is durable; the receipt knows its place then. */
  readonly durable: Promise<DecisionReceipt | LabelReceipt>
  /** What the store gets together with it: the label that its transaction will have when none is told. */
  readonly beside?: Receipt | undefined
}

/** Receipts that go to the store in one save. */
export interface ReceiptBatch {
  readonly receipts: readonly Receipt[]
  /** What is saved together with them. */
  readonly beside: readonly Receipt[]
  /**
   * Once these are stored, all receipts of records up to this number are, inclusive; Infinity: all of them.
   */
  readonly through: number
  /** What `receipts` were made from, in the same order. */
  readonly unsaved: readonly UnsavedReceipt[]
}

/**
 * The receipt of an id, wherever it is: unsaved in memory, or in the store. A receipt makes a repeated
 * request harmless; elsewhere its id is called an idempotency key.
 *
 * It owns the unsaved receipts, in the order of their records. It does not own the stored ones, nor when they
 * are saved: the saver asks for batches and settles them.
 */
export class Receipts {
  private readonly store: Pick<StateStore, 'findReceipt'>
  /** By id, in the order of sequence numbers. */
  private readonly unsaved = new Map<string, UnsavedReceipt>()
  /** By id, numbers of records whose receipts were replaced by later ones before the store had them. */
  private readonly replaced = new Map<string, readonly number[]>()
  /** Number of the latest unsaved record. */
  private latest = 0

  constructor(store: Pick<StateStore, 'findReceipt'>) {
    this.store = store
  }

  /** Unsaved ones. */
  get waiting(): number {
    return this.unsaved.size
  }

  pending(id: string): UnsavedReceipt | undefined {
    return this.unsaved.get(id)
  }

  /** The receipt of `id` once its record is durable; undefined when there is none, or no longer. */
  async find<T extends DecisionReceipt | LabelReceipt>(id: string): Promise<T | undefined> {
    const pending = this.unsaved.get(id)
    if (pending !== undefined) return (await pending.durable) as T
    const stored = await this.store.findReceipt(id)
    return stored && decodeReceipt<T>(stored)
  }

  /** Adds the receipt of the latest record; it replaces an earlier one of the same id. */
  add(id: string, unsaved: UnsavedReceipt): void {
    if (unsaved.sequence <= this.latest)
      throw invariantBroken(`receipt of record ${unsaved.sequence} comes after that of ${this.latest}`)
    this.latest = unsaved.sequence
    const before = this.unsaved.get(id)
    if (before !== undefined) this.replaced.set(id, [...(this.replaced.get(id) ?? []), before.sequence])
    // First, or it would keep the place of the one that it replaces.
    this.unsaved.delete(id)
    this.unsaved.set(id, unsaved)
  }

  /** The oldest receipts: of durable records up to number `last`, inclusive; at most `most` of them. */
  batch(last: number, most: number): ReceiptBatch {
    const receipts: Receipt[] = []
    const beside: Receipt[] = []
    const unsaved: UnsavedReceipt[] = []
    for (const [id, entry] of this.unsaved) {
      const isLeft = entry.receipt.position === undefined || entry.sequence > last
      if (isLeft || receipts.length >= most)
        return {
          receipts,
          beside,
          through: Math.min(entry.sequence, this.firstReplaced(unsaved)) - 1,
          unsaved,
        }
      receipts.push({ id, bytes: encodeReceipt(entry.receipt) })
      if (entry.beside !== undefined) beside.push(entry.beside)
      unsaved.push(entry)
    }
    return { receipts, beside, through: Number.POSITIVE_INFINITY, unsaved }
  }

  /** The batch is in the store. What was replaced meanwhile stays unsaved. */
  settle({ receipts, unsaved }: ReceiptBatch): void {
    for (let i = 0; i < receipts.length; i++) {
      const { id } = receipts[i]!
      const saved = unsaved[i]!
      if (this.unsaved.get(id) === saved) this.unsaved.delete(id)
      const later = this.replaced.get(id)?.filter((sequence) => sequence > saved.sequence) ?? []
      if (later.length > 0) this.replaced.set(id, later)
      else this.replaced.delete(id)
    }
  }

  /**
   * First record whose receipt the store will have neither itself nor by a later one of its id, when it has
   * those of `saved`: should the log lose the later one, it must be made again from the log.
   */
  private firstReplaced(saved: readonly UnsavedReceipt[]): number {
    let first = Number.POSITIVE_INFINITY
    if (this.replaced.size === 0) return first
    const isSaved = new Set(saved)
    for (const [id, [sequence]] of this.replaced)
      if (!isSaved.has(this.unsaved.get(id)!)) first = Math.min(first, sequence!)
    return first
  }

  /** Forgets the unsaved ones: they are made again from the log. */
  clear(): void {
    this.unsaved.clear()
    this.replaced.clear()
    this.latest = 0
  }

  /** Resolves when every record is durable, or was refused by the log. */
  async allSettled(): Promise<void> {
    await Promise.allSettled([...this.unsaved.values()].map(({ durable }) => durable))
  }
}
