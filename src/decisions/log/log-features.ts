import { cleanTransaction, type FittedCleaning } from '../../dataset/cleaning.ts'
import { type EntityStates, FeatureEngineer } from '../../features/feature-engineer.ts'
import { featureSettingsOfModel } from '../../features/feature-settings.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { decodeState } from '../../features/state/encoding.ts'
import { type EntityState, separateBlocks } from '../../features/state/entity-state.ts'
import type { StateLayout } from '../../features/state/layout.ts'
import { readTransaction } from '../../features/transaction-event.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import { NO_TOKEN, tokenOf } from '../../transaction/token.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { type LabelEntry, tokenOfLabel } from './log-record.ts'
import type { ModelDocument } from './model-document.ts'

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
   */
  createAllFeatures(model: ModelDocument, transaction: Transaction): Float64Array | undefined
  applyLabel(label: LabelEntry): void
  /** Tokens of the entities that `transaction` names, by kind, as the first model cleans it. */
  tokensOf(transaction: Transaction): Readonly<Record<EntityKind, number>>
  /** The states of a kind that anything was asked of, by token. */
  statesOf(kind: EntityKind): ReadonlyMap<number, EntityState>
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
  return {
    kinds,
    layoutOf: (kind) => leading.engineer.keeperOf(kind)!.layout,
    statesOf: (kind) => live.get(kind)!,
    tokensOf: (transaction) => {
      const { engineer } = leading
      // Whose a transaction is says nothing of its amount, which may lack a rate.
      const { amounts: _, ...cleaning } = leading.cleaning
      readTransaction(engineer.event, cleanTransaction(transaction, cleaning))
      return Object.fromEntries(sources.map((source) => [source, engineer.entityToken(source)]))
    },
    createAllFeatures: (model, transaction) => {
      const engine = engines.get(model.key) ?? engineOf(model)
      engines.set(model.key, engine)
      const { engineer, cleaning, vector } = engine
      readTransaction(engineer.event, cleanTransaction(transaction, cleaning))
      const states = statesFor((kind) => engineer.entityToken(kind))
      return engineer.createAllFeatures(states, vector) === 'repeated' ? undefined : vector
    },
    applyLabel: (label) => {
      const { eventTimeMs, isFraud } = label
      if (eventTimeMs === undefined) return
      leading.engineer.applyLabel(statesFor(tokensOfLabel(label)), {
        transactionToken: tokenOfLabel(label),
        eventTimeMs,
        isFraud,
      })
    },
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
