import { cleanTransaction, type FittedCleaning } from '../../dataset/cleaning.ts'
import { type EntityStates, FeatureEngineer } from '../../features/feature-engineer.ts'
import { featureSettingsOfModel } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { decodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import type { StateLayout } from '../../features/state/layout.ts'
import { readTransaction } from '../../features/transaction-event.ts'
import type { EntityKey } from '../../ports/state-store.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { NO_TOKEN, tokenOf } from '../../transaction/token.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import type { Decided } from '../decided.ts'
import { copyStates } from '../state-updates.ts'
import { type LabelEntry, tokenOfLabel } from './log-record.ts'
import type { ModelDocument } from './model-document.ts'
import { type Repaired, takeRepaired } from './repaired-state.ts'

/** The stored bytes of a state before the first record of a log; undefined for an entity without history. */
export type StartState = (kind: EntityKind, token: number) => Uint8Array | undefined

/**
 * The features of a log, computed again: hand it the decisions and labels in the order logged.
 *
 * It owns states of its own, one map in memory. It knows nothing of stores, receipts, durability or answers:
 * what these do wrong, it does not repeat.
 */
export interface LogFeatures {
  /**
   * The vector of all features that `model` computes for `transaction`, valid until the next call; undefined
   * when the user's state remembers the transaction, and then nothing has changed.
   *
   * @param timing as it was decided on: `too_old` moves no state
   */
  createAllFeatures(
    model: ModelDocument,
    transaction: Transaction,
    timing: Decided['timing'],
  ): Float64Array | undefined
  applyLabel(label: LabelEntry): void
  /** Puts a repaired state in the place of what there is. */
  repair(repaired: Repaired): void
  /** Tokens of the entities that `transaction` names, by kind, as the first model cleans it. */
  tokensOf(transaction: Transaction): Readonly<Record<EntityKind, number>>
  /** Names of the states that `transaction` advances. */
  keysOf(transaction: Transaction): readonly EntityKey[]
  /** The states of a kind that anything was asked of, by token. */
  statesOf(kind: EntityKind): ReadonlyMap<number, EntityState>
  /** The state of that name; one of nobody seen so far when it has no history. */
  stateOf(key: EntityKey): EntityState
  /** Kinds of states. */
  readonly kinds: readonly EntityKind[]
  layoutOf(kind: EntityKind): StateLayout
}

/** @param first the model of the first decision: its layouts are those of the states */
export const createLogFeatures = (first: ModelDocument, startState: StartState): LogFeatures => {
  const leading = engineOf(first)
  const engines = new Map([[first.key, leading]])
  const sources = leading.engineer.kinds
  const statesKind = (source: EntityKind) => leading.engineer.keeperOf(source)!.layout.kind
  const kinds = [...new Set(sources.map(statesKind))]
  const live = new Map(kinds.map((kind) => [kind, new Map<number, EntityState>()]))
  const stateOf = (kind: EntityKind, token: number): EntityState | undefined => {
    const keeper = leading.engineer.keeperOf(kind)!
    if (token === NO_TOKEN) return undefined
    const known = live.get(kind)!.get(token)
    if (known !== undefined) return known
    const bytes = startState(kind, token)
    const state =
      bytes === undefined
        ? keeper.create()
        : decodeState(keeper.layout, separateBlocks, bytes, `${kind} ${token.toString(16)}`)
    live.get(kind)!.set(token, state)
    return state
  }
  const statesFor = (tokenOfKind: (kind: EntityKind) => number): EntityStates =>
    Object.fromEntries(
      sources.map((source) => [source, stateOf(statesKind(source), tokenOfKind(source))]),
    ) as unknown as EntityStates
  const tokensOf = (transaction: Transaction): Readonly<Record<EntityKind, number>> => {
    const { engineer } = leading
    // Whose a transaction is says nothing of its amount, which may lack a rate.
    const { amounts: _, ...cleaning } = leading.cleaning
    readTransaction(engineer.event, cleanTransaction(transaction, cleaning))
    return Object.fromEntries(sources.map((source) => [source, engineer.entityToken(source)]))
  }
  return {
    kinds,
    layoutOf: (kind) => leading.engineer.keeperOf(kind)!.layout,
    statesOf: (kind) => live.get(kind)!,
    stateOf: ({ kind, token }) => stateOf(kind, token)!,
    tokensOf,
    keysOf: (transaction) =>
      Object.entries(tokensOf(transaction))
        .filter(([, token]) => token !== NO_TOKEN)
        .map(([source, token]) => ({ kind: statesKind(source), token })),
    createAllFeatures: (model, transaction, timing) => {
      const engine = engines.get(model.key) ?? engineOf(model)
      engines.set(model.key, engine)
      const { engineer, cleaning, vector } = engine
      readTransaction(engineer.event, cleanTransaction(transaction, cleaning))
      const kept = statesFor((kind) => engineer.entityToken(kind))
      const states = timing === 'too_old' ? copyStates(engineer, kept) : kept
      return engineer.createAllFeatures(states, vector) === 'repeated' ? undefined : vector
    },
    repair: (repaired) => {
      const { kind, token } = repaired.repair
      if (!kinds.includes(kind)) return
      takeRepaired(leading.engineer.keeperOf(kind)!, stateOf(kind, token)!, repaired)
    },
    applyLabel: (label) => {
      const { eventTimeMs, isFraud, known } = label
      if (eventTimeMs === undefined) return
      leading.engineer.applyLabel(statesFor(tokensOfLabel(label)), {
        transactionToken: tokenOfLabel(label),
        eventTimeMs,
        isFraud,
        known,
      })
    },
  }
}

/** A label of the history has tokens alone, of every kind. */
const tokensOfLabel = ({ userId, merchantId, deviceId, own = {} }: LabelEntry) => {
  const names: Readonly<Record<EntityKind, string | undefined>> = {
    user: userId,
    merchant: merchantId,
    device: deviceId,
  }
  return (kind: EntityKind): number => {
    const name = names[kind]
    return name === undefined ? (own[kind] ?? NO_TOKEN) : tokenOf(name)
  }
}

interface Engine {
  readonly engineer: FeatureEngineer
  readonly cleaning: FittedCleaning
  readonly vector: Float64Array
}

const engineOf = (document: ModelDocument): Engine => {
  const fitted = document.fitted as { features: FittedFeatures; cleaning: FittedCleaning }
  const settings = featureSettingsOfModel(
    document.featureSettings as Parameters<typeof featureSettingsOfModel>[0],
    fitted.features,
  )
  const engineer = new FeatureEngineer(settings, fitted.features, separateBlocks)
  return { engineer, cleaning: fitted.cleaning, vector: new Float64Array(engineer.featureNames.length) }
}
