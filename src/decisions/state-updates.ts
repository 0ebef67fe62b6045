import type { EntityStates, FeatureEngineer } from '../features/feature-engineer.ts'
import { decodeState, encodeState } from '../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../features/state/entity-state.ts'
import { isExactAt, type Timing, timingOf, truncatedOf } from '../features/state/timing.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'

/**
 * When a transaction came, as all of its entities see it: the latest of their timings. `too_old`: so far
 * behind the clock of the server that it moved no state.
 */
export type TransactionTiming = Timing | 'too_old'

/** What a person may want to know of how a state took a transaction in. */
export interface StateUpdate {
  /** Kind of the entity. */
  readonly kind: EntityKind
  /**
   * `truncated`: the ring was full, so its oldest transaction left it for its step; `approximate`: a window
   * that the transaction sees counts such steps.
   */
  readonly what: 'late' | 'too_late' | 'truncated' | 'approximate'
}

/** A look at states before a transaction advances them. */
export interface StateWatch {
  readonly timing: Timing
  /** What has become of the states since; empty in the usual case. */
  updates(): readonly StateUpdate[]
}

/** Watches the states of one transaction; made once for an engine, and used for one transaction at a time. */
export const createStateWatch = (
  engineer: FeatureEngineer,
): ((states: EntityStates, eventTimeMs: number) => StateWatch) => {
  const kinds = engineer.kinds.map((source) => ({ source, layout: engineer.keeperOf(source)!.layout }))
  const before = new Float64Array(kinds.length)
  let timings: StateUpdate[] = NO_UPDATES
  let watched: EntityStates
  const watch = {
    timing: 'in_order' as Timing,
    updates: (): readonly StateUpdate[] => {
      let found = timings
      for (let k = 0; k < kinds.length; k++) {
        const state = watched[kinds[k]!.source]
        if (state === undefined || truncatedOf(state) === before[k]) continue
        if (found === NO_UPDATES) found = []
        found.push({ kind: kinds[k]!.layout.kind, what: 'truncated' })
      }
      return found
    },
  }
  return (states, eventTimeMs) => {
    watched = states
    timings = NO_UPDATES
    watch.timing = 'in_order'
    for (let k = 0; k < kinds.length; k++) {
      const { source, layout } = kinds[k]!
      const state = states[source]
      if (state === undefined) continue
      before[k] = truncatedOf(state)
      if (!isExactAt(layout, state, eventTimeMs)) {
        if (timings === NO_UPDATES) timings = []
        timings.push({ kind: layout.kind, what: 'approximate' })
      }
      const timing = timingOf(layout, state, eventTimeMs)
      if (timing === 'in_order') continue
      if (timings === NO_UPDATES) timings = []
      timings.push({ kind: layout.kind, what: timing })
      if (watch.timing !== 'too_late') watch.timing = timing
    }
    return watch
  }
}

const NO_UPDATES: StateUpdate[] = []

/** States that can be advanced without the given ones noticing. */
export const copyStates = (engineer: FeatureEngineer, states: EntityStates): EntityStates =>
  Object.fromEntries(
    engineer.kinds.map((source) => {
      const state = states[source]
      return [source, state && copyOf(engineer, source, state)]
    }),
  ) as unknown as EntityStates

const copyOf = (engineer: FeatureEngineer, source: EntityKind, state: EntityState): EntityState => {
  const { layout } = engineer.keeperOf(source)!
  return decodeState(layout, separateBlocks, encodeState(layout, state), source)
}
