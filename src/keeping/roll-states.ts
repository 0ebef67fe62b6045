import type { Decider } from '../decisions/decider.ts'
import type { InferenceObserver } from '../decisions/inference-pipeline.ts'
import { readFrontier } from '../decisions/owned/frontier.ts'
import type { HeldState } from '../decisions/owned/held-state.ts'
import { advanceStates, entryOfRecord, ownLabel } from '../decisions/owned/log-replay.ts'
import { Receipts } from '../decisions/owned/receipts.ts'
import { StateCache } from '../decisions/owned/state-cache.ts'
import type { LayoutOfStates } from '../decisions/states/layout-of-states.ts'
import { stateOf } from '../decisions/states/stored-state.ts'
import { encodeState } from '../features/state/encoding.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'
import type { StatesView } from '../ports/state-store.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'

export interface RollParts {
  /** Of a store that one process owns. */
  readonly view: StatesView
  readonly log: Pick<PredictionLog, 'read'>
  readonly decider: Decider
  readonly observer: InferenceObserver
  /** What of the log these states take in, and how. */
  readonly layout: LayoutOfStates
}

/** States that all have the same records. */
export interface RolledStates {
  /** Number of the last record in them, inclusive. */
  readonly sequence: number
  /** All records up to here, inclusive, have receipts in the view (`Frontier.savedThrough`). */
  readonly savedThrough: number
  /** All states of a kind, ascending by token, as `encodeState` writes them. */
  entries(kind: EntityKind): AsyncGenerator<{ readonly token: number; readonly bytes: Uint8Array }>
}

/**
 * Brings the states of a view to one record: a store is written behind its log, so some of its states have
 * later records than others (`Frontier`), each says which. Those that lack records before the latest of them
 * get these from the log, as a replay at opening gives them.
 *
 * What changes by it is in memory, no more than was decided between two saves; the rest is read as it is
 * asked for.
 */
export const rollStates = async ({
  view,
  log,
  decider,
  observer,
  layout,
}: RollParts): Promise<RolledStates> => {
  const { savedThrough, storedUpTo } = await readFrontier(view)
  const cache = new StateCache({
    store: view,
    engineer: () => decider.engineer,
    cacheBytes: Number.POSITIVE_INFINITY,
    given: () => Number.POSITIVE_INFINITY,
  })
  const rolled = new Map<EntityKind, Map<number, HeldState>>()
  const unsaved = {
    advanced: (item: HeldState, sequence: number): void => {
      item.applied = sequence
      const { kind, token } = item.key
      const ofKind = rolled.get(kind) ?? new Map<number, HeldState>()
      rolled.set(kind, ofKind.set(token, item))
    },
  }
  const parts = { cache, unsaved, observer, layout, decider: () => decider, receipts: new Receipts(view) }
  if (savedThrough < storedUpTo)
    for await (const record of log.read(savedThrough)) {
      if (record.sequence > storedUpTo) break
      const entry = entryOfRecord(record)
      const own = entry.kind === 'label' ? await ownLabel(parts, entry) : entry
      if (own !== undefined) await advanceStates(parts, record.sequence, own)
    }
  return {
    sequence: storedUpTo,
    savedThrough,
    entries: (kind) => {
      const layout = decider.engineer.keeperOf(kind)?.layout
      const later = [...(rolled.get(kind) ?? new Map<number, HeldState>())].sort(([a], [b]) => a - b)
      const encoded = ({ state }: HeldState): Uint8Array => encodeState(layout!, state)
      return mergeAscending(view.entries(kind), later, encoded)
    },
  }
}

/** Stored states with those that are later in their place, and those that no store has yet between them. */
async function* mergeAscending(
  stored: AsyncIterable<{ readonly token: number; readonly bytes: Uint8Array }>,
  later: readonly (readonly [number, HeldState])[],
  encoded: (item: HeldState) => Uint8Array,
): AsyncGenerator<{ readonly token: number; readonly bytes: Uint8Array }> {
  let at = 0
  for await (const { token, bytes } of stored) {
    for (; at < later.length && later[at]![0] < token; at++)
      yield { token: later[at]![0], bytes: encoded(later[at]![1]) }
    if (later[at]?.[0] !== token) yield { token, bytes: stateOf(bytes) }
  }
  for (; at < later.length; at++) yield { token: later[at]![0], bytes: encoded(later[at]![1]) }
}
