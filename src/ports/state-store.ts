import type { EntityKind } from '../transaction/entity-kind.ts'

/** Names one state: the kind of entity and the token of its id (`tokenOf`). */
export interface EntityKey {
  readonly kind: EntityKind
  readonly token: number
}

/** A state as it is stored, and the version by which a later write proves that it saw this one. */
export interface StoredState {
  readonly bytes: Uint8Array
  /** 1 for the first write of a key, then one more with each. */
  readonly version: number
}

/** One write: `expected` is the version that was read, 0 for a key that had no state. */
export interface StateChange {
  readonly key: EntityKey
  readonly bytes: Uint8Array
  readonly expected: number
}

/**
 * Where entity states live between transactions.
 *
 * Laws, which `test/contracts/state-store-contract.ts` holds every implementation to:
 * 1. `load` answers in the order of its keys, undefined where there is no state, with bytes that later writes do not change.
 * 2. `save` writes all changes or none, and none when any key's version is not the expected one.
 * 3. Of saves that expect the same version of one key, exactly one succeeds, whoever makes them.
 */
export interface StateStore {
  load(keys: readonly EntityKey[]): Promise<readonly (StoredState | undefined)[]>
  /** @returns whether the changes were written; if not, load again and repeat the work. */
  save(changes: readonly StateChange[]): Promise<boolean>
  close(): Promise<void>
}
