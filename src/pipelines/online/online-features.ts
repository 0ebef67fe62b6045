import { VigiaError } from '../../errors.ts'
import { type EntityStates, FeatureEngineer, type Outcome } from '../../features/feature-engineer.ts'
import type { FeatureSettings } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { decodeState, encodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import { readTransaction } from '../../features/transaction-event.ts'
import type { EntityKey, StateStore, StoredState } from '../../ports/state-store.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { tokenOf } from '../../transaction/token.ts'
import type { Label, Transaction } from '../../transaction/transaction.ts'

/** Attempts at one transaction before giving up against other writers of the same states. */
const ATTEMPTS = 50

/** Features of one transaction, in the order of `featureNames`; absent when it is a repeated one. */
export interface OnlineResult {
  readonly outcome: Outcome
  readonly vector?: Float64Array
}

/** Computes features one transaction at a time on stored states: the serving side of the engine. */
export interface OnlineFeatures {
  readonly featureNames: readonly string[]
  /**
   * Reads the states of the transaction's entities, computes its features, and stores the advanced states, or
   * does it all again when somebody else advanced one of them meanwhile.
   *
   * @throws FEATURES_STATE_CONTENDED after 50 attempts
   */
  createAllFeatures(transaction: Transaction): Promise<OnlineResult>
  /** Tells the states what became known of a transaction. @returns whether any state still had it */
  applyLabel(label: Omit<Label, 'knownAtMs'>): Promise<boolean>
}

export const createOnlineFeatures = (
  settings: FeatureSettings,
  fitted: FittedFeatures,
  store: StateStore,
): OnlineFeatures => {
  const engineer = new FeatureEngineer(settings, fitted, separateBlocks)

  /** Loads the states of `keys`, lets `work` change them, stores them; again until nobody interfered. */
  const withStates = async <T>(
    keys: readonly EntityKey[],
    subject: string,
    work: (states: Map<EntityKind, EntityState>) => { readonly result: T; readonly changed: boolean },
  ): Promise<T> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const stored = await store.load(keys)
      const states = new Map(keys.map((key, i) => [key.kind, revive(engineer, key, stored[i])]))
      const { result, changed } = work(states)
      if (!changed) return result
      const saved = await store.save(
        keys.map((key, i) => ({
          key,
          bytes: encodeState(engineer.keeperOf(key.kind)!.layout, states.get(key.kind)!),
          expected: stored[i]?.version ?? 0,
        })),
      )
      if (saved) return result
    }
    throw new VigiaError('FEATURES_STATE_CONTENDED', { subject, attempts: ATTEMPTS })
  }

  const keysOf = (entities: {
    userId: string
    merchantId?: string | undefined
    deviceId?: string | undefined
  }): EntityKey[] => {
    const ids = { user: entities.userId, merchant: entities.merchantId, device: entities.deviceId }
    return (Object.keys(ids) as EntityKind[])
      .filter((kind) => ids[kind] !== undefined && engineer.keeperOf(kind) !== undefined)
      .map((kind) => ({ kind, token: tokenOf(ids[kind]) }))
  }

  const keepsLabels = ({ kind }: EntityKey): boolean => engineer.keeperOf(kind)!.layout.labelField >= 0

  return {
    featureNames: engineer.featureNames,
    createAllFeatures: (transaction) =>
      withStates(keysOf(transaction), transaction.transactionId, (states) => {
        readTransaction(engineer.event, transaction)
        const vector = new Float64Array(engineer.featureNames.length)
        const outcome = engineer.createAllFeatures(statesOf(states), vector)
        const isNew = outcome === 'created'
        return { result: isNew ? { outcome, vector } : { outcome }, changed: isNew }
      }),
    applyLabel: (label) =>
      // Only states that keep labels: storing another again would get in the way of those who advance it.
      withStates(keysOf(label).filter(keepsLabels), label.transactionId, (states) => {
        const found = engineer.applyLabel(statesOf(states), {
          transactionToken: tokenOf(label.transactionId),
          eventTimeMs: label.eventTimeMs,
          isFraud: label.isFraud,
        })
        return { result: found, changed: found }
      }),
  }
}

const revive = (
  engineer: FeatureEngineer,
  { kind, token }: EntityKey,
  stored: StoredState | undefined,
): EntityState => {
  const keeper = engineer.keeperOf(kind)!
  if (stored === undefined) return keeper.create()
  return decodeState(keeper.layout, separateBlocks, stored.bytes, `${kind} ${token.toString(16)}`)
}

const statesOf = (states: ReadonlyMap<EntityKind, EntityState>): EntityStates => ({
  user: states.get('user')!,
  merchant: states.get('merchant'),
  device: states.get('device'),
})
