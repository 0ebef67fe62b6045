import type { EntityStates } from '../../features/feature-engineer.ts'
import type { EntityState } from '../../features/state/entity-state.ts'
import type { EntityKey } from '../../ports/state-store.ts'

/** A state in memory. Sequence numbers are those of log records, inclusive. */
export interface HeldState {
  readonly key: EntityKey
  readonly state: EntityState
  /** Version in the store; 0 when it has none. */
  version: number
  /** Last record in it. It is stored with the state. */
  applied: number
  /** First record that the store's copy lacks; 0 when it lacks none. */
  unsavedFrom: number
  /** The same of records that came while it was being saved. */
  cameWhileSaving: number
  isSaving: boolean
  /** What it counts for in memory. */
  bytes: number
  /** Used since memory was last cleared of unused states: it stays. */
  isRecent: boolean
}

/** The states of one transaction or label, all in memory: one by one, and as the engine takes them. */
export interface HeldStates {
  readonly items: readonly HeldState[]
  readonly states: EntityStates
}
