import { encodeState } from '../../features/state/encoding.ts'
import { HEADER } from '../../features/state/layout.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import type { LogFeatures } from '../log/log-features.ts'

/**
 * All states of a kind after a replay, by token, as `encodeState` writes them: `stored`, those that it began
 * with, where it asked for nothing.
 *
 * @param kind one that `features` keeps
 */
export const encodedStates = (
  features: LogFeatures,
  kind: EntityKind,
  stored: ReadonlyMap<number, Uint8Array>,
): ReadonlyMap<number, Uint8Array> => {
  const layout = features.layoutOf(kind)
  const all = new Map(stored)
  for (const [token, state] of features.statesOf(kind)) {
    if (state.data[state.base + HEADER.next]! > 0) all.set(token, encodeState(layout, state))
    // One that has expired. Or a label has asked for a state that no transaction has made.
    else all.delete(token)
  }
  return all
}
