import { VigiaError } from '../../errors.ts'
import type { EntityStates, FeatureEngineer } from '../../features/feature-engineer.ts'
import { decodeState, encodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import type {
  CommitDemands,
  CommittedLabels,
  EntityKey,
  SharedStateStore,
  StateChange,
  StoredState,
} from '../../ports/state-store.ts'
import type { NamedKey } from '../entities.ts'
import { isUnused, UNUSED_LIFE_MS } from '../states/ended-states.ts'
import { stateOf, withApplied } from '../states/stored-state.ts'
import { createEntityLocks } from './entity-locks.ts'

/** What a piece of work came to, before it is committed. */
export interface Work<T> {
  readonly result: T
  readonly receipt: Uint8Array
  readonly entry: Uint8Array
  /** Id of the receipt where the states say which; that of the request when left out. */
  readonly id?: string
  /** How long the receipt lives, in milliseconds; as long as others when left out. */
  readonly receiptLifeMs?: number
  readonly demands?: CommitDemands
}

/** What is to be committed. */
export interface CommitRequest<T> {
  /** The states that it needs. */
  readonly keys: readonly NamedKey[]
  /** Of its receipt. */
  readonly id: string
  /** For people, when it fails. */
  readonly subject: string
  /**
   * Decides on the states and may advance them; undefined: there is nothing to commit. Called once an
   * attempt.
   */
  readonly work: (states: EntityStates) => Work<T> | undefined
}

/**
 * `done`: committed under this number. `repeated`: it was done before, here is that receipt. `declined`:
 * `work` had nothing to commit, and it was not done before. `due`, `otherwise`, `full`: as `CommitOutcome`
 * has them.
 */
export type Committed<T> =
  | ({ readonly kind: 'done'; readonly result: T; readonly sequence: number } & CommittedLabels)
  | { readonly kind: 'repeated'; readonly receipt: Uint8Array }
  | { readonly kind: 'declined' | 'due' | 'otherwise' | 'full' }

export interface SharedCommitParts {
  readonly store: SharedStateStore
  /** The engine that decides at the moment; all of them have the same layouts. */
  readonly engineer: () => FeatureEngineer
  /** How long receipts live, in milliseconds. */
  readonly receiptLifeMs: () => number
}

/** Attempts at one transaction before giving up against other processes. */
const ATTEMPTS = 50

/**
 * Commits work on shared states by optimistic concurrency: loads states with their versions, works on them,
 * and writes them only where the versions are still those (compare and set); again until no other process
 * interfered.
 *
 * It owns the locks within this process, where nobody needs to lose a race. It does not own the states, nor
 * the order: the store has both.
 *
 * @throws FEATURES_STATE_CONTENDED when other processes were faster 50 times
 */
export const createSharedCommit = ({ store, engineer, receiptLifeMs }: SharedCommitParts) => {
  const locks = createEntityLocks()

  const attempt = async <T>({ keys, id, work }: CommitRequest<T>): Promise<Committed<T> | 'conflict'> => {
    const stored = await store.load(keys)
    const revived = keys.map((key, i) => revive(engineer(), key, stored[i]))
    const states = Object.fromEntries(keys.map(({ source }, i) => [source, revived[i]]))
    const worked = work(states as unknown as EntityStates)
    if (worked === undefined) {
      const known = await store.findReceipt(id)
      return known === undefined ? { kind: 'declined' } : { kind: 'repeated', receipt: known }
    }
    // Also where nothing has changed: what was said in view of these states holds of no others.
    const changes = keys.map((key, i): StateChange => {
      const bytes = withApplied(encodeState(engineer().keeperOf(key.kind)!.layout, revived[i]!), 0)
      const expected = stored[i]?.version ?? 0
      // A label may ask for a state that no transaction has made.
      return { key, bytes, expected, ...(isUnused(bytes) && { lifeMs: UNUSED_LIFE_MS }) }
    })
    const outcome = await store.commit(
      changes,
      { id: worked.id ?? id, bytes: worked.receipt },
      worked.entry,
      worked.receiptLifeMs ?? receiptLifeMs(),
      worked.demands,
    )
    if (outcome.outcome === 'conflict') return 'conflict'
    if (outcome.outcome === 'repeated') return { kind: 'repeated', receipt: outcome.receipt }
    if (outcome.outcome !== 'committed') return { kind: outcome.outcome }
    const { sequence, waitingLabels, expiredLabels, isLabelDue } = outcome
    return { kind: 'done', result: worked.result, sequence, waitingLabels, expiredLabels, isLabelDue }
  }

  return async <T>(request: CommitRequest<T>): Promise<Committed<T>> => {
    const release = await locks.acquire(request.keys)
    try {
      for (let attempts = 0; attempts < ATTEMPTS; attempts++) {
        const outcome = await attempt(request)
        if (outcome !== 'conflict') return outcome
      }
    } finally {
      release()
    }
    throw new VigiaError('FEATURES_STATE_CONTENDED', { subject: request.subject, attempts: ATTEMPTS })
  }
}

const revive = (
  engineer: FeatureEngineer,
  { kind, token }: EntityKey,
  stored: StoredState | undefined,
): EntityState => {
  const keeper = engineer.keeperOf(kind)!
  return stored === undefined
    ? keeper.create()
    : decodeState(keeper.layout, separateBlocks, stateOf(stored.bytes), `${kind} ${token.toString(16)}`)
}
