import { decodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import type { StateLayout } from '../../features/state/layout.ts'
import type { LogEntry } from './log-record.ts'

/** A record of a repaired state. */
export type Repaired = Extract<LogEntry, { readonly kind: 'repair' }>

/** Makes `state` the repaired one. @throws FEATURES_STATE_INCOMPATIBLE, FEATURES_STATE_CORRUPT */
export const takeRepaired = (layout: StateLayout, state: EntityState, { repair, words }: Repaired): void => {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  const entity = `${repair.kind} ${repair.token.toString(16)}`
  state.become(decodeState(layout, separateBlocks, bytes, entity))
}
