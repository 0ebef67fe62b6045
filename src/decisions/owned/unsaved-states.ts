import { VigiaError } from '../../errors.ts'
import type { FeatureEngineer } from '../../features/feature-engineer.ts'
import { encodeState } from '../../features/state/encoding.ts'
import { HEADER } from '../../features/state/layout.ts'
import type { StateChange, StateRemoval, StateStore } from '../../ports/state-store.ts'
import { invariantBroken } from '../invariant-broken.ts'
import { withApplied } from '../states/stored-state.ts'
import { type Frontier, frontierReceipts } from './frontier.ts'
import type { HeldState } from './held-state.ts'
import type { ReceiptBatch } from './receipts.ts'
import type { StateCache } from './state-cache.ts'

export interface UnsavedStatesParts {
  readonly store: Pick<StateStore, 'save'>
  readonly cache: StateCache
  readonly frontier: Frontier
  /** The engine that decides at the moment; all of them have the same layouts. */
  readonly engineer: () => FeatureEngineer
}

/** One save. */
export interface SaveRequest {
  /** States are saved whose first unsaved record is at most this one, inclusive. */
  readonly dueThrough: number
  readonly receipts: ReceiptBatch
  /** At most so many states. */
  readonly mostStates: number
}

/** States on their way to the store. */
interface StateBatch {
  readonly items: readonly HeldState[]
  readonly changes: readonly StateChange[]
  /** Those of `items` that the store loses. */
  readonly removed: readonly StateRemoval[]
  /** Ended because it is large enough: there may be more. */
  readonly isFull: boolean
}

/** Bytes of one save, however many states: about a millisecond of copying. */
const MOST_BYTES = 2 << 20

/**
 * States in memory that the store has not, or has older ones of. The log is what makes a decision durable (a
 * write-ahead log); the store only shortens its replay.
 *
 * It owns which states are unsaved, and since which record. It does not own the states (the cache does), nor
 * when they are saved (the saver does).
 *
 * 1. A state is saved only after every record in it is durable in the log.
 * 2. Every stored state names the last record in it, so that a replay applies each record to each state
 *    exactly once.
 * 3. `savedThrough` never passes a record that some stored state lacks.
 */
export class UnsavedStates {
  private readonly parts: UnsavedStatesParts
  /** In the order of their first unsaved records. */
  private readonly unsaved = new Set<HeldState>()
  /** Those that were added since a save began; undefined while none is on its way. */
  private addedWhileSaving: HeldState[] | undefined

  constructor(parts: UnsavedStatesParts) {
    this.parts = parts
  }

  get size(): number {
    return this.unsaved.size
  }

  /** Record `sequence` is now in this state. */
  advanced(item: HeldState, sequence: number): void {
    if (sequence < item.applied)
      throw invariantBroken(
        `record ${sequence} comes after ${item.applied} in the state of a ${item.key.kind}`,
      )
    item.applied = sequence
    this.parts.cache.weigh(item)
    if (item.isSaving && item.cameWhileSaving === 0) item.cameWhileSaving = sequence
    if (item.unsavedFrom !== 0) return
    item.unsavedFrom = sequence
    this.unsaved.add(item)
    this.addedWhileSaving?.push(item)
  }

  /**
   * The next save takes this state, which was never used since it was put in the place of an expired one, out
   * of the store. It counts as changed by the next record, whichever that is: until then nothing is lacking.
   */
  leave(item: HeldState): void {
    if (item.unsavedFrom !== 0) return
    item.unsavedFrom = this.parts.frontier.given + 1
    this.unsaved.add(item)
    this.addedWhileSaving?.push(item)
  }

  /**
   * Saves the states that have waited longest, with receipts and frontier, as one write. One save at a time.
   *
   * @returns whether there may be more
   * @throws SERVING_STORE_FAILED when another process has written states of this store
   */
  async save({ dueThrough, receipts, mostStates }: SaveRequest): Promise<boolean> {
    const { store, cache, frontier } = this.parts
    if (this.addedWhileSaving !== undefined) throw invariantBroken('one save at a time')
    cache.lookAgain()
    const batch = this.batch(dueThrough, mostStates)
    if (batch.items.length === 0 && receipts.receipts.length === 0) return false
    const stored = frontier.afterSave(receipts.through, this.firstBeside(batch.items) - 1)
    for (const item of batch.items) {
      item.isSaving = true
      item.cameWhileSaving = 0
    }
    this.addedWhileSaving = []
    let isSaved = false
    try {
      isSaved = await store.save(
        batch.changes,
        [...receipts.receipts, ...receipts.beside, ...frontierReceipts(stored)],
        batch.removed,
      )
    } finally {
      this.settle(batch, isSaved, this.addedWhileSaving)
      this.addedWhileSaving = undefined
    }
    cache.lookAgain()
    cache.makeRoom()
    if (!isSaved)
      throw new VigiaError('SERVING_STORE_FAILED', {
        store: 'state store',
        reason: 'another process has written the states of this store',
      })
    frontier.saved(stored)
    return batch.isFull
  }

  /** Forgets every state that is not saved: the log may not have what is in it. */
  discard(): void {
    for (const item of this.unsaved) this.parts.cache.forget(item)
    this.unsaved.clear()
  }

  private batch(dueThrough: number, mostStates: number): StateBatch {
    const { frontier, engineer } = this.parts
    const { durable } = frontier
    const items: HeldState[] = []
    const changes: StateChange[] = []
    const removed: StateRemoval[] = []
    let bytes = 0
    for (const item of this.unsaved) {
      if (item.unsavedFrom > dueThrough) break
      if (item.applied > durable) continue
      if (this.mayLeave(item)) {
        items.push(item)
        removed.push({ key: item.key, expected: item.version })
        continue
      }
      const { layout } = engineer().keeperOf(item.key.kind)!
      const encoded = withApplied(encodeState(layout, item.state), item.applied)
      items.push(item)
      changes.push({ key: item.key, bytes: encoded, expected: item.version })
      bytes += encoded.length
      if (items.length >= mostStates || bytes >= MOST_BYTES) return { items, changes, removed, isFull: true }
    }
    return { items, changes, removed, isFull: false }
  }

  /** One that `leave` was called for, unless it has been used since. */
  private mayLeave({ state, applied, version }: HeldState): boolean {
    const isUnused = state.data[state.base + HEADER.next] === 0
    return isUnused && version > 0 && applied <= this.parts.frontier.savedThrough
  }

  /** First record that some stored state lacks when those of `batch` are saved; Infinity when none does. */
  private firstBeside(batch: readonly HeldState[]): number {
    const saved = new Set(batch)
    for (const item of this.unsaved) if (!saved.has(item)) return item.unsavedFrom
    return Number.POSITIVE_INFINITY
  }

  /** A save has ended: what it saved is unsaved only from what came meanwhile. */
  private settle({ items, removed }: StateBatch, isSaved: boolean, added: HeldState[]): void {
    const gone = new Set(removed.map(({ key }) => key))
    for (const item of items) {
      item.isSaving = false
      if (!isSaved) continue
      item.version = gone.has(item.key) ? 0 : item.version + 1
      this.unsaved.delete(item)
      item.unsavedFrom = item.cameWhileSaving
      if (item.unsavedFrom !== 0) added.push(item)
      else if (item.version === 0) this.parts.cache.forget(item)
    }
    // Those of the batch that have changed again belong between the ones that came meanwhile.
    added.sort((a, b) => a.unsavedFrom - b.unsavedFrom)
    for (const item of added) {
      this.unsaved.delete(item)
      this.unsaved.add(item)
    }
  }
}
