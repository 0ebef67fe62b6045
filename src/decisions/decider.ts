import { cleanTransaction } from '../dataset/cleaning.ts'
import { type EntityStates, FeatureEngineer } from '../features/feature-engineer.ts'
import { separateBlocks } from '../features/state/entity-state.ts'
import { readTransaction } from '../features/transaction-event.ts'
import type { Reason } from '../model/explain/reasons.ts'
import type { RiskLevel } from '../model/scorer.ts'
import type { EntityKey } from '../ports/state-store.ts'
import { ENTITY_KINDS } from '../transaction/entity-kind.ts'
import { tokenOf } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { LoadedModel } from './loaded-model.ts'

/** The models in service. */
export interface ServingModels {
  readonly champion: LoadedModel
  /** Decides for a share (0 to 1) of the users, always the same ones. */
  readonly canary?: { readonly model: LoadedModel; readonly share: number }
  /** Scores everything, decides nothing. */
  readonly shadow?: LoadedModel
}

/** What one transaction came to. One object is filled again by each call. */
export interface Decision {
  model: LoadedModel
  role: 'champion' | 'canary'
  probability: number
  isFlagged: boolean
  riskLevel: RiskLevel
  /** All features that the deciding model's settings compute, valid until the next call. */
  vector: Float64Array
  shadow:
    | { readonly model: LoadedModel; readonly probability: number; readonly isFlagged: boolean }
    | undefined
}

/**
 * Clean, read, emit, score, calibrate, decide, advance: the part of a prediction that touches no store and
 * waits for nothing.
 */
export interface Decider {
  readonly models: ServingModels
  /** Reads, emits and advances with the champion's features and layouts. */
  readonly engineer: FeatureEngineer
  /** The states that a transaction needs. */
  keysOf(entities: Entities): EntityKey[]
  /** Of these, the ones that learn labels. */
  labelKeysOf(entities: Entities): EntityKey[]
  /**
   * Decides and advances `states`; undefined when the user's state knows the transaction already, and then
   * nothing has changed.
   */
  decide(transaction: Transaction, states: EntityStates): Decision | undefined
  /**
   * Reasons for a vector of all features that the model of `key` computes; empty when it is not in service.
   */
  explain(key: string, vector: ArrayLike<number>, top: number): readonly Reason[]
}

/** Whose transaction it is. */
export interface Entities {
  readonly userId: string
  readonly merchantId?: string | undefined
  readonly deviceId?: string | undefined
}

/** Users are dealt into so many equal lots; a canary gets the first of them. */
const LOTS = 10_000

export const createDecider = (models: ServingModels): Decider => {
  const champion = createSeat(models.champion)
  const canary = models.canary && createSeat(models.canary.model)
  const shadow = models.shadow && createSeat(models.shadow)
  const canaryLots = (models.canary?.share ?? 0) * LOTS
  const { engineer } = champion
  const decision: Decision = {
    model: models.champion,
    role: 'champion',
    probability: 0.5,
    isFlagged: false,
    riskLevel: 'low',
    vector: champion.vector,
    shadow: undefined,
  }
  const keysOf = (entities: Entities): EntityKey[] => {
    const keys: EntityKey[] = []
    for (const kind of ENTITY_KINDS) {
      const id =
        kind === 'user' ? entities.userId : kind === 'merchant' ? entities.merchantId : entities.deviceId
      if (id !== undefined && engineer.keeperOf(kind) !== undefined) keys.push({ kind, token: tokenOf(id) })
    }
    return keys
  }
  return {
    models,
    engineer,
    keysOf,
    labelKeysOf: (entities) =>
      keysOf(entities).filter(({ kind }) => engineer.keeperOf(kind)!.layout.labelField >= 0),
    decide: (transaction, states) => {
      const cleaned = cleanTransaction(transaction, models.champion.cleaning)
      const isCanarys = canary !== undefined && lotOf(transaction.userId) < canaryLots
      const seat = isCanarys ? canary : champion
      readTransaction(seat.engineer.event, cleaned)
      const { engineer: deciding } = seat
      if (deciding.keeperOf('user')?.hasSeen(states.user, deciding.event.transactionToken)) return undefined
      decision.shadow = undefined
      if (shadow !== undefined) {
        // Before the deciding engine advances the states.
        readTransaction(shadow.engineer.event, cleaned)
        shadow.engineer.readFeatures(states, shadow.vector)
        const probability = shadow.score()
        decision.shadow = {
          model: shadow.model,
          probability,
          isFlagged: shadow.model.scorer.isFlagged(probability),
        }
      }
      deciding.createAllFeatures(states, seat.vector)
      const probability = seat.score()
      const { scorer } = seat.model
      decision.model = seat.model
      decision.role = isCanarys ? 'canary' : 'champion'
      decision.probability = probability
      decision.isFlagged = scorer.isFlagged(probability)
      decision.riskLevel = scorer.riskLevel(probability)
      decision.vector = seat.vector
      return decision
    },
    explain: (key, vector, top) => {
      const seat = [champion, canary, shadow].find((candidate) => candidate?.model.key === key)
      return seat === undefined ? [] : seat.explain(vector, top)
    },
  }
}

const lotOf = (userId: string): number => tokenOf(`canary ${userId}`) % LOTS

/** A model with an engine of its own. */
const createSeat = (model: LoadedModel) => {
  const engineer = new FeatureEngineer(model.settings, model.fitted, separateBlocks)
  const { scorer, explainer } = model
  const places = Int32Array.from(scorer.featureNames, (name) => engineer.featureNames.indexOf(name))
  const vector = new Float64Array(engineer.featureNames.length)
  const input = new Float64Array(places.length)
  const choose = (all: ArrayLike<number>): void => {
    for (let f = 0; f < places.length; f++) input[f] = all[places[f]!]!
  }
  return {
    model,
    engineer,
    vector,
    /** The calibrated probability for what `vector` holds. */
    score: (): number => {
      choose(vector)
      return scorer.scoreOne(input)
    },
    explain: (all: ArrayLike<number>, top: number): readonly Reason[] => {
      choose(all)
      return explainer.reasonsOne(input, top)
    },
  }
}
