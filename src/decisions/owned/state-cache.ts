import { VigiaError } from '../../errors.ts'
import type { EntityStates, FeatureEngineer } from '../../features/feature-engineer.ts'
import { decodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import type { EntityKey, StateStore, StoredState } from '../../ports/state-store.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import type { NamedKey } from '../entities.ts'
import { appliedOf, stateOf } from '../states/stored-state.ts'
import type { HeldState, HeldStates } from './held-state.ts'

export interface StateCacheParts {
  readonly store: Pick<StateStore, 'load'>
  /** The engine that decides at the moment; all of them have the same layouts. */
  readonly engineer: () => FeatureEngineer
  /** Most bytes of states in memory, saved or not; a decision that brings some more may pass it once. */
  readonly cacheBytes: number
  /** Most states in memory, whatever their size; no bound of its own when left out. */
  readonly mostStates?: number | undefined
  /** Last number that this process has given to a record, inclusive. */
  readonly given: () => number
}

/**
 * What a state takes beside its block: its objects and places in maps (480 bytes) and what the allocator of
 * its block adds, 640 together, measured as resident memory of 100,000 of them with blocks of 128 to 8000
 * bytes; and the garbage that V8 lets stand beside its objects.
 */
const ENTRY_BYTES = 760
/** Share of the room beyond which saved states are evicted. The rest is for those that are not saved. */
const ROOM_SHARE = 0.8
/** The same share when enough was evicted. */
const FULL_SHARE = 0.72

/**
 * The states in memory of one process that owns its store: a decision reads and advances them here.
 *
 * It owns which states are in memory, and their weight. It does not own which of them are saved
 * (`UnsavedStates` does): it evicts none that are not.
 */
export class StateCache {
  private readonly parts: StateCacheParts
  private readonly held = new Map<EntityKind, Map<number, HeldState>>()
  private heldBytes = 0
  /** What each state counts for beside its block. */
  private readonly entryBytes: number
  private isEvicting = false
  /** The last look found too few saved states to evict; there is nothing to find before the next save. */
  private isAllUnsaved = false

  constructor(parts: StateCacheParts) {
    this.parts = parts
    const { cacheBytes, mostStates = Number.POSITIVE_INFINITY } = parts
    // Where objects are what is short, each counts for its share of the room.
    this.entryBytes = Math.max(ENTRY_BYTES, cacheBytes / mostStates)
  }

  get bytes(): number {
    return this.heldBytes
  }

  /** More than what is kept when it can be evicted. */
  get isBeyondRoom(): boolean {
    return this.heldBytes > this.parts.cacheBytes * ROOM_SHARE
  }

  /** More than its room, and nothing can be evicted: what is in memory waits for being saved. */
  get isFull(): boolean {
    return this.isAllUnsaved && this.isBeyondRoom
  }

  /** So much more than its room that nothing more may come before something was saved. */
  get isOverfull(): boolean {
    return this.isAllUnsaved && this.heldBytes > this.parts.cacheBytes
  }

  get size(): number {
    let size = 0
    for (const states of this.held.values()) size += states.size
    return size
  }

  /**
   * The states of `keys`, all in memory at the moment that the caller goes on. They are there until this turn
   * of the event loop ends: ask again after waiting for anything but promises.
   */
  async bring(keys: readonly NamedKey[]): Promise<HeldStates> {
    for (;;) {
      await this.load(keys)
      const found = this.find(keys)
      if (found !== undefined) return found
    }
  }

  /** What `item` weighs has changed. */
  weigh(item: HeldState): void {
    const { data, links, past } = item.state
    const bytes = data.byteLength + (links?.byteLength ?? 0) + (past?.byteLength ?? 0) + this.entryBytes
    this.heldBytes += bytes - item.bytes
    item.bytes = bytes
  }

  forget(item: HeldState): void {
    this.heldOf(item.key.kind).delete(item.key.token)
    this.heldBytes -= item.bytes
  }

  /** States are about to be saved, or have been: it may pay to look for some to evict again. */
  lookAgain(): void {
    this.isAllUnsaved = false
  }

  /**
   * Evicts in a turn of its own: in this one somebody may have been given states that he has not used yet.
   */
  makeRoom(): void {
    if (!this.isBeyondRoom || this.isEvicting || this.isAllUnsaved) return
    this.isEvicting = true
    setImmediate(() => this.evict())
  }

  private heldOf(kind: EntityKind): Map<number, HeldState> {
    const known = this.held.get(kind)
    if (known !== undefined) return known
    const added = new Map<number, HeldState>()
    this.held.set(kind, added)
    return added
  }

  private async load(keys: readonly EntityKey[]): Promise<void> {
    const missing = keys.filter(({ kind, token }) => !this.heldOf(kind).has(token))
    if (missing.length === 0) return
    const stored = await this.parts.store.load(missing)
    // Before, not after: what is brought now must still be there when its turn comes.
    this.makeRoom()
    for (const [i, key] of missing.entries()) {
      // Another request may have brought it meanwhile, and advanced it.
      if (this.heldOf(key.kind).has(key.token)) continue
      const item = this.revive(key, stored[i])
      this.heldOf(key.kind).set(key.token, item)
      this.weigh(item)
    }
  }

  private revive(key: EntityKey, stored: StoredState | undefined): HeldState {
    const keeper = this.parts.engineer().keeperOf(key.kind)!
    const entity = `${key.kind} ${key.token.toString(16)}`
    const applied = stored === undefined ? 0 : appliedOf(stored.bytes)
    // As when this process stood still, and has not noticed yet that another one has its folders.
    if (applied > this.parts.given())
      throw new VigiaError('SERVING_STORE_FAILED', {
        store: 'state store',
        reason: `another process has written the state of ${entity}`,
      })
    return {
      key: { kind: key.kind, token: key.token },
      state:
        stored === undefined
          ? keeper.create()
          : decodeState(keeper.layout, separateBlocks, stateOf(stored.bytes), entity),
      version: stored?.version ?? 0,
      applied,
      unsavedFrom: 0,
      cameWhileSaving: 0,
      isSaving: false,
      bytes: 0,
      isRecent: true,
    }
  }

  /** The states of `keys`, until this turn of the event loop ends; undefined when one is not in memory. */
  find(keys: readonly NamedKey[]): HeldStates | undefined {
    const items: HeldState[] = []
    const states: Record<EntityKind, EntityState | undefined> = {
      user: undefined,
      merchant: undefined,
      device: undefined,
    }
    for (const { kind, token, source } of keys) {
      const item = this.heldOf(kind).get(token)
      if (item === undefined) return undefined
      item.isRecent = true
      items.push(item)
      states[source] = item.state
    }
    return { items, states: states as unknown as EntityStates }
  }

  /** Forgets saved states until there is room: first those that nobody has used since the last time. */
  private evict(): void {
    this.isEvicting = false
    for (let round = 0; round < 2; round++) {
      for (const states of this.held.values()) {
        for (const item of states.values()) {
          if (this.heldBytes <= this.parts.cacheBytes * FULL_SHARE) return
          if (item.isRecent) item.isRecent = false
          else if (item.unsavedFrom === 0 && !item.isSaving) this.forget(item)
        }
      }
    }
    // The rest waits for being saved: to look again before would cost every decision a walk through all of
    // it.
    this.isAllUnsaved = true
  }
}
