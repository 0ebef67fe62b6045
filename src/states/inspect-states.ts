import type { LoadedModel } from '../decisions/loaded-model.ts'
import { appliedOf, stateOf } from '../decisions/states/stored-state.ts'
import { VigiaError } from '../errors.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { decodeState } from '../features/state/encoding.ts'
import { separateBlocks } from '../features/state/entity-state.ts'
import { lifetimeMs } from '../features/state/expiry.ts'
import { HEADER, type StateLayout } from '../features/state/layout.ts'
import { stepMsOf } from '../features/state/steps/step-layout.ts'
import { isExactAt } from '../features/state/timing.ts'
import type { StateStore } from '../ports/state-store.ts'
import { type ByKind, byKind, type EntityKind, stateKindsOf } from '../transaction/entity-kind.ts'
import { tokenOf } from '../transaction/token.ts'

/** The state of one entity, for people. */
export interface StateSummary {
  readonly kind: EntityKind
  readonly bytes: number
  readonly version: number
  /** Last log record in it; 0 when it comes from training, or from a shared store. */
  readonly appliedSequence: number
  /** Transactions that windows still look at. */
  readonly transactionsInRing: number
  /** Epoch milliseconds; null without a transaction. */
  readonly lastEventTimeMs: number | null
  /** Whether all windows at the last transaction are exact: the ring has what is in them. */
  readonly exact: boolean
  /** Steps that count what has left the full ring, and their length in milliseconds. */
  readonly steps: number
  readonly stepMs: number
  /**
   * When it expires, milliseconds after its last transaction, where states do; null: never, features count
   * over its life.
   */
  readonly expiresAfterMs: number | null
  /** Transactions that left the full ring while windows needed them, came late, came too late to count. */
  readonly truncated: number
  readonly late: number
  readonly tooLate: number
}

/**
 * The state of the entity with this id; undefined when the store has none.
 *
 * @throws CLI_INVALID_ARGUMENT for a kind of which the model keeps no states
 */
export const summarizeState = async (
  store: StateStore,
  model: LoadedModel,
  kind: EntityKind,
  id: string,
): Promise<StateSummary | undefined> => {
  const { layouts } = planFeatures(model.settings)
  const kept = stateKindsOf(model.settings.options.entities).filter((one) => layouts[one] !== undefined)
  const layout = kept.includes(kind) ? layouts[kind] : undefined
  if (layout === undefined)
    throw new VigiaError('CLI_INVALID_ARGUMENT', {
      command: 'state',
      reason: `the model keeps no states of "${kind}"; it keeps them of ${kept.join(', ')}`,
    })
  const [found] = await store.load([{ kind, token: tokenOf(id) }])
  if (found === undefined) return undefined
  return summaryOf(layout, kind, found.bytes, found.version, id)
}

/** A state that cannot be used, and why. */
export interface BrokenState {
  readonly kind: EntityKind
  readonly token: string
  readonly reason: string
}

export interface VerifiedStates {
  readonly counts: ByKind<number>
  readonly bytes: ByKind<number>
  readonly broken: readonly BrokenState[]
}

/** Decodes every state by the layouts of `model`. */
export const verifyStates = async (
  store: StateStore,
  model: LoadedModel,
  tell: (done: number) => void,
): Promise<VerifiedStates> => {
  const { layouts } = planFeatures(model.settings)
  const kinds = Object.keys(await store.count())
  const counts = new Map(kinds.map((kind) => [kind, 0]))
  const bytes = new Map(kinds.map((kind) => [kind, 0]))
  const broken: BrokenState[] = []
  let done = 0
  for (const kind of kinds) {
    const layout = layouts[kind]
    for await (const entry of store.entries(kind)) {
      counts.set(kind, counts.get(kind)! + 1)
      bytes.set(kind, bytes.get(kind)! + entry.bytes.length)
      const token = entry.token.toString(16)
      try {
        if (layout === undefined) throw new Error(`the model keeps no states of ${kind}s`)
        summaryOf(layout, kind, entry.bytes, entry.version, token)
      } catch (error) {
        broken.push({ kind, token, reason: error instanceof Error ? error.message : String(error) })
      }
      tell(++done)
    }
  }
  const all = (of: ReadonlyMap<EntityKind, number>) => byKind(kinds, (kind) => of.get(kind)!)
  return { counts: all(counts), bytes: all(bytes), broken }
}

/** @throws FEATURES_STATE_INCOMPATIBLE, FEATURES_STATE_CORRUPT */
const summaryOf = (
  layout: StateLayout,
  kind: EntityKind,
  stored: Uint8Array,
  version: number,
  id: string,
): StateSummary => {
  if (stored.length < 16)
    throw new VigiaError('FEATURES_STATE_CORRUPT', { entity: `${kind} ${id}`, reason: 'it has no header' })
  const state = decodeState(layout, separateBlocks, stateOf(stored), `${kind} ${id}`)
  const { data, base, past } = state
  const word = (at: number): number => data[base + at]!
  const last = word(HEADER.watermark)
  return {
    kind,
    bytes: stored.length,
    version,
    appliedSequence: appliedOf(stored),
    transactionsInRing: word(HEADER.next) - word(HEADER.first),
    lastEventTimeMs: Number.isFinite(last) ? last : null,
    exact: isExactAt(layout, state, last),
    steps: past?.steps ?? 0,
    stepMs: stepMsOf(layout),
    expiresAfterMs: Number.isFinite(lifetimeMs(layout)) ? lifetimeMs(layout) : null,
    truncated: word(HEADER.truncated),
    late: word(HEADER.late),
    tooLate: word(HEADER.tooLate),
  }
}
