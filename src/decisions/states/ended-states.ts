import type { FeatureEngineer } from '../../features/feature-engineer.ts'
import { lifetimeMs } from '../../features/state/expiry.ts'
import { HEADER, type StateLayout } from '../../features/state/layout.ts'
import { DAY_MS } from '../../foundation/days.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { stateOf } from './stored-state.ts'

/** Layouts of the kinds of states that end when their entity is not seen for long (`lifetimeMs`). */
export const endingLayouts = (
  engineer: Pick<FeatureEngineer, 'kinds' | 'keeperOf'>,
): ReadonlyMap<EntityKind, StateLayout> => {
  const layouts = engineer.kinds.map((kind) => engineer.keeperOf(kind)!.layout)
  return new Map(
    layouts.filter((layout) => Number.isFinite(lifetimeMs(layout))).map((layout) => [layout.kind, layout]),
  )
}

/**
 * How long the state of an entity that was never seen, or has expired, stays in a shared store, in
 * milliseconds: whoever has read another one before and writes in this time finds another version, and reads
 * again. After it there is none, which is the same.
 */
export const UNUSED_LIFE_MS = DAY_MS

/** Bytes of the number before a state, and of its header as far as it is read here. */
export const ENDED_HEAD_BYTES = 8 * (2 + Math.max(HEADER.watermark, HEADER.next))

/** Time of the latest transaction in a stored state, of which the first bytes suffice; epoch milliseconds. */
export const watermarkOf = (bytes: Uint8Array): number => storedWord(bytes, HEADER.watermark)

/** Whether it is the state of an entity that was never seen, or has expired. */
export const isUnused = (bytes: Uint8Array): boolean => storedWord(bytes, HEADER.next) === 0

/** A word of the header of a stored state. */
const storedWord = (bytes: Uint8Array, word: number): number => {
  const state = stateOf(bytes)
  return new DataView(state.buffer, state.byteOffset).getFloat64(word * 8, true)
}

/** The words of the record by which a state ends: none (`RepairEntry`). */
export const NO_WORDS = new Float64Array(0)
