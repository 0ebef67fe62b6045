import type { EntityStates, FeatureEngineer } from '../../features/feature-engineer.ts'
import { decodeState, encodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import type { EntityKey, Receipt, StateStore } from '../../ports/state-store.ts'
import { ENTITY_KINDS, type EntityKind } from '../../transaction/entity-kind.ts'

/**
 * A state in memory. `applied` is the sequence number of the last log record in it; it is stored with the
 * state, in its first 8 bytes.
 */
export interface HeldState {
  readonly key: EntityKey
  readonly state: EntityState
  /** Version in the store; 0 when it has none. */
  version: number
  applied: number
  /** First record that the store's copy lacks; 0 when it lacks none. */
  unsavedFrom: number
  /** The same of records that came while it was being saved. */
  cameWhileSaving: number
  isSaving: boolean
  /** What it counts for in memory. */
  bytes: number
  /** Touched since the last sweep: it stays. */
  isRecent: boolean
}

/**
 * The states of one process that owns its store. They live in memory, where a decision reads and advances
 * them, and are saved behind it: the log is what makes a decision durable, the store only shortens its
 * replay.
 *
 * 1. A state is saved only after every record in it is durable in the log.
 * 2. Every stored state names the last record in it, so that a replay applies each record to each state
 *    exactly once.
 * 3. `savedThrough` never passes a record that some stored state lacks.
 */
export interface OwnedStates {
  /**
   * Brings the states of `keys` into memory. They are there until this turn of the event loop ends: ask
   * `held` again after waiting for anything but promises.
   */
  load(keys: readonly EntityKey[]): Promise<void>
  /** The state in memory, undefined when it is not there. */
  held(key: EntityKey): HeldState | undefined
  /** Record `sequence` is now in this state. */
  advanced(held: HeldState, sequence: number): void
  /**
   * Saves states that have waited longest: those whose first unsaved record is at most `through`, `most` of
   * them, one save at a time.
   *
   * @returns whether there may be more
   */
  save(
    through: number,
    durable: number,
    receipts: readonly Receipt[],
    savedThrough: number,
    most: number,
  ): Promise<boolean>
  /** Forgets what the log may not have: every state that is not saved. */
  discardUnsaved(): void
  /** First record that some stored state lacks; Infinity when none does. */
  firstUnsaved(): number
  counts(): { readonly states: number; readonly bytes: number; readonly unsaved: number }
}

/** Bytes of one save, however many states: about a millisecond of copying. */
const MOST_BYTES = 2 << 20
const APPLIED_BYTES = 8

/** Id of the receipt that says how far the log is in the store. */
export const SAVED_THROUGH = 'log/saved-through'
/** Id of the receipt that says which record is the last that a stored state can have. */
export const STORED_UP_TO = 'log/stored-up-to'

export const createOwnedStates = (
  engineer: () => FeatureEngineer,
  store: StateStore,
  cacheBytes: number,
  fail: (reason: string) => Error,
): OwnedStates => {
  const held: Record<EntityKind, Map<number, HeldState>> = {
    user: new Map(),
    merchant: new Map(),
    device: new Map(),
  }
  /** In the order of their first unsaved records. */
  const unsaved = new Set<HeldState>()
  /** Those that came into it since a save began; undefined while none is on its way. */
  let addedWhileSaving: HeldState[] | undefined
  let bytes = 0
  let isEvicting = false
  let isAllUnsaved = false
  const forget = (item: HeldState): void => {
    held[item.key.kind].delete(item.key.token)
    bytes -= item.bytes
  }

  const weigh = (item: HeldState): void => {
    const now = item.state.data.byteLength
    bytes += now - item.bytes
    item.bytes = now
  }

  /**
   * Forgets saved states until a tenth of the room is free: first those that nobody has asked for since the
   * last time.
   */
  const evict = (): void => {
    isEvicting = false
    for (let round = 0; round < 2; round++) {
      for (const kind of ENTITY_KINDS) {
        for (const item of held[kind].values()) {
          if (bytes <= cacheBytes * 0.9) return
          if (item.isRecent) item.isRecent = false
          else if (item.unsavedFrom === 0 && !item.isSaving) forget(item)
        }
      }
    }
    // The rest waits for being saved: to look again before would cost every decision a walk through all of
    // it.
    isAllUnsaved = true
  }
  /**
   * Evicts in a turn of its own: in this one somebody may have been given states that he has not used yet.
   */
  const makeRoom = (): void => {
    if (bytes <= cacheBytes || isEvicting || isAllUnsaved) return
    isEvicting = true
    setImmediate(evict)
  }

  return {
    load: async (keys) => {
      const missing = keys.filter(({ kind, token }) => !held[kind].has(token))
      if (missing.length === 0) return
      const stored = await store.load(missing)
      // Before, not after: what is brought now must still be there when its turn comes.
      makeRoom()
      for (let i = 0; i < missing.length; i++) {
        const key = missing[i]!
        // Somebody else may have brought it meanwhile, and advanced it.
        if (held[key.kind].has(key.token)) continue
        const keeper = engineer().keeperOf(key.kind)!
        const found = stored[i]
        const item: HeldState = {
          key,
          state:
            found === undefined
              ? keeper.create()
              : decodeState(
                  keeper.layout,
                  separateBlocks,
                  found.bytes.subarray(APPLIED_BYTES),
                  `${key.kind} ${key.token.toString(16)}`,
                ),
          version: found?.version ?? 0,
          applied: found === undefined ? 0 : appliedOf(found.bytes),
          unsavedFrom: 0,
          cameWhileSaving: 0,
          isSaving: false,
          bytes: 0,
          isRecent: true,
        }
        held[key.kind].set(key.token, item)
        weigh(item)
      }
    },
    held: ({ kind, token }) => {
      const item = held[kind].get(token)
      if (item !== undefined) item.isRecent = true
      return item
    },
    advanced: (item, sequence) => {
      item.applied = sequence
      weigh(item)
      if (item.isSaving && item.cameWhileSaving === 0) item.cameWhileSaving = sequence
      if (item.unsavedFrom !== 0) return
      item.unsavedFrom = sequence
      unsaved.add(item)
      addedWhileSaving?.push(item)
    },
    save: async (through, durable, receipts, savedThrough, most) => {
      isAllUnsaved = false
      const batch: HeldState[] = []
      const applied: number[] = []
      const changes = []
      let size = 0
      for (const item of unsaved) {
        if (item.unsavedFrom > through) break
        if (item.applied > durable) continue
        const layout = engineer().keeperOf(item.key.kind)!.layout
        const encoded = withApplied(encodeState(layout, item.state), item.applied)
        batch.push(item)
        applied.push(item.applied)
        changes.push({ key: item.key, bytes: encoded, expected: item.version })
        size += encoded.length
        item.isSaving = true
        item.cameWhileSaving = 0
        if (batch.length >= most || size >= MOST_BYTES) break
      }
      if (batch.length === 0 && receipts.length === 0) return false
      const rest = firstOf(unsaved, new Set(batch))
      const mark = Math.min(savedThrough, rest - 1, durable)
      let isSaved = false
      const late: HeldState[] = []
      addedWhileSaving = late
      try {
        isSaved = await store.save(changes, [
          ...receipts,
          { id: SAVED_THROUGH, bytes: encodeMark(mark) },
          { id: STORED_UP_TO, bytes: encodeMark(durable) },
        ])
      } finally {
        addedWhileSaving = undefined
        for (const item of batch) {
          item.isSaving = false
          if (!isSaved) continue
          item.version++
          unsaved.delete(item)
          item.unsavedFrom = item.cameWhileSaving
          if (item.unsavedFrom !== 0) late.push(item)
        }
        // Those of the batch that have changed again belong between the ones that came meanwhile.
        late.sort((a, b) => a.unsavedFrom - b.unsavedFrom)
        for (const item of late) {
          unsaved.delete(item)
          unsaved.add(item)
        }
      }
      isAllUnsaved = false
      makeRoom()
      if (!isSaved) throw fail('another process has written the states of this store')
      return batch.length >= most || size >= MOST_BYTES
    },
    discardUnsaved: () => {
      for (const item of unsaved) forget(item)
      unsaved.clear()
    },
    firstUnsaved: () => firstOf(unsaved, NONE),
    counts: () => ({
      states: ENTITY_KINDS.reduce((sum, kind) => sum + held[kind].size, 0),
      bytes,
      unsaved: unsaved.size,
    }),
  }
}

/** The states of `keys` as the engine takes them, or undefined when one is not in memory. */
export const heldStates = (
  owned: OwnedStates,
  keys: readonly EntityKey[],
): { readonly items: readonly HeldState[]; readonly states: EntityStates } | undefined => {
  const items: HeldState[] = []
  const states: { user: EntityState; merchant: EntityState | undefined; device: EntityState | undefined } = {
    user: undefined as unknown as EntityState,
    merchant: undefined,
    device: undefined,
  }
  for (const key of keys) {
    const item = owned.held(key)
    if (item === undefined) return undefined
    items.push(item)
    states[key.kind] = item.state
  }
  return { items, states }
}

/**
 * A stored state: the sequence number of the last log record in it (8 bytes, little-endian double), then the
 * state.
 */
export const withApplied = (state: Uint8Array, applied: number): Uint8Array => {
  const bytes = new Uint8Array(APPLIED_BYTES + state.length)
  new DataView(bytes.buffer).setFloat64(0, applied, true)
  bytes.set(state, APPLIED_BYTES)
  return bytes
}

export const appliedOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(0, true)

/** The state in what `withApplied` made. */
export const stateOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(APPLIED_BYTES)

const encodeMark = (mark: number): Uint8Array => new TextEncoder().encode(String(mark))

export const decodeMark = (bytes: Uint8Array | undefined): number =>
  bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes))

const firstOf = (items: ReadonlySet<HeldState>, except: ReadonlySet<HeldState>): number => {
  for (const item of items) if (!except.has(item)) return item.unsavedFrom
  return Number.POSITIVE_INFINITY
}

const NONE: ReadonlySet<HeldState> = new Set()
