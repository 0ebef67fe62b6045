import { decodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import type { StateLayout } from '../../features/state/layout.ts'
import type { LogEntry } from './log-record.ts'

/** A record of a repaired state. */
export type Repaired = Extract<LogEntry, { readonly kind: 'repair' }>

/** What keeps the states of a kind. */
export interface RepairedKeeper {
  readonly layout: StateLayout
  create(): EntityState
}

/**
 * Makes `state` the repaired one; without words, that of an entity which was never seen: it has expired.
 *
 * @throws FEATURES_STATE_INCOMPATIBLE, FEATURES_STATE_CORRUPT
 */
export const takeRepaired = (
  keeper: RepairedKeeper,
  state: EntityState,
  { repair, words }: Repaired,
): void => {
  if (words.length === 0) {
    state.become(keeper.create())
    return
  }
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  const entity = `${repair.kind} ${repair.token.toString(16)}`
  state.become(decodeState(keeper.layout, separateBlocks, bytes, entity))
}
