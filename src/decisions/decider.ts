import { cleanTransaction, foldCategories } from '../dataset/cleaning.ts'
import { type EntityStates, FeatureEngineer } from '../features/feature-engineer.ts'
import { separateBlocks } from '../features/state/entity-state.ts'
import { readTransaction } from '../features/transaction-event.ts'
import type { Reason } from '../model/explain/reasons.ts'
import { entityIdOf } from '../transaction/entities.ts'
import type { EntityKind, StandardKind } from '../transaction/entity-kind.ts'
import { tokenOf } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Decided } from './decided.ts'
import { transactionHash } from './decision-receipt.ts'
import type { Entities, NamedKey } from './entities.ts'
import type { LoadedModel } from './loaded-model.ts'
import { copyStates, createStateWatch, type StateUpdate, type TransactionTiming } from './state-updates.ts'

/** The models in service. */
export interface ServingModels {
  readonly champion: LoadedModel
  /**
   * Decides for a share (0 to 1) of the users, always the same ones; of transactions where there are none.
   */
  readonly canary?: { readonly model: LoadedModel; readonly share: number }
  /**
   * Scores everything, decides nothing. One of another layout than the champion's is scored where states of
   * its layout follow the log (`src/branches/`), a moment later.
   */
  readonly shadow?: LoadedModel
}

/** All of them. */
export const modelsOf = ({ champion, canary, shadow }: ServingModels): LoadedModel[] => [
  champion,
  ...(canary === undefined ? [] : [canary.model]),
  ...(shadow === undefined ? [] : [shadow]),
]

/** What the models say of one transaction. One object is filled again by each call. */
export interface Scored {
  /** The model that decides. */
  model: LoadedModel
  role: Decided['role']
  /** Calibrated probability of fraud, in [0, 1]. */
  probability: number
  /** All features that the deciding model's settings compute, valid until the next call. */
  vector: Float64Array
  /** Strongest first; undefined when none were asked for. */
  reasons: readonly Reason[] | undefined
  /** What the shadow would have decided: an object of its own for each call. */
  shadow: ShadowScore | undefined
  timing: TransactionTiming
  /** How the states took it in, where that is not as usual. */
  updates: readonly StateUpdate[]
}

/** What a shadow would have decided. */
export interface ShadowScore {
  readonly model: LoadedModel
  readonly probability: number
  readonly isFlagged: boolean
}

/**
 * Clean, read, emit, score, calibrate, decide, advance: the part of a prediction that touches no store and
 * waits for nothing.
 */
export interface Decider {
  readonly models: ServingModels
  /** Reads, emits and advances with the champion's features and layouts. */
  readonly engineer: FeatureEngineer
  /** Whose a transaction is, by the champion's cleaning. */
  entitiesOf(transaction: Transaction): Entities
  /**
   * Of the contents of a transaction, as the champion's cleaning has its categories: one that is sent again
   * with a category in other letters is the same one.
   */
  hashOf(transaction: Transaction): number
  /** The states that a transaction of these needs. */
  keysOf(entities: Entities): NamedKey[]
  /** Of these, the ones that learn labels. */
  labelKeysOf(entities: Entities): NamedKey[]
  /**
   * Scores and advances `states`; undefined when the user's state knows the transaction already, and then
   * nothing has changed.
   *
   * @param reasonCount how many reasons to give; 0 for none
   * @param isTooOld whether the states must stay as they are
   */
  decide(
    transaction: Transaction,
    states: EntityStates,
    reasonCount: number,
    isTooOld: boolean,
  ): Scored | undefined
  /**
   * Reasons for a vector of all features that the model of `key` computes; empty when it is not in service.
   */
  explain(key: string, vector: ArrayLike<number>, top: number): readonly Reason[]
}

/** Users are hashed into 10,000 buckets; the canary gets the first ones. */
const BUCKETS = 10_000

/** A decider over these models, each with an engine of its own. */
export const createDecider = (models: ServingModels): Decider => {
  const champion = createModelEngine(models.champion)
  const canary = models.canary && createModelEngine(models.canary.model)
  const shadow = models.shadow && createModelEngine(models.shadow)
  const shadowHere = models.shadow && isOfLayout(models.shadow, models.champion) ? shadow : undefined
  const canaryBuckets = (models.canary?.share ?? 0) * BUCKETS
  const { engineer } = champion
  const scored: Scored = {
    model: models.champion,
    role: 'champion',
    probability: 0.5,
    vector: champion.vector,
    reasons: undefined,
    shadow: undefined,
    timing: 'in_order',
    updates: [],
  }
  const keysOf = (entities: Entities): NamedKey[] => keysOfEntities(engineer, entities)
  const ownTokens = createOwnTokens(models.champion)
  return {
    models,
    engineer,
    entitiesOf: (transaction) => {
      const { userId, merchantId, deviceId } = transaction
      return { userId, merchantId, deviceId, own: ownTokens(transaction) }
    },
    hashOf: (transaction) => transactionHash(foldCategories(transaction, models.champion.cleaning)),
    keysOf,
    labelKeysOf: (entities) =>
      keysOf(entities).filter(({ kind }) => engineer.keeperOf(kind)!.layout.labelField >= 0),
    decide: (transaction, kept, reasonCount, isTooOld) => {
      const isCanarys =
        canary !== undefined && bucketOf(transaction.userId ?? transaction.transactionId) < canaryBuckets
      const deciding = isCanarys ? canary : champion
      const { event } = deciding.engineer
      readTransaction(event, cleanTransaction(transaction, deciding.model.cleaning))
      const { user } = kept
      if (user !== undefined && deciding.engineer.keeperOf('user')?.hasSeen(user, event.transactionToken))
        return undefined
      const states = isTooOld ? copyStates(deciding.engineer, kept) : kept
      const watch = deciding.watch(states, event.eventTimeMs)
      // Before the deciding engine advances the states.
      scored.shadow = shadowHere && shadowScore(shadowHere, transaction, states)
      deciding.engineer.createAllFeatures(states, deciding.vector)
      scored.model = deciding.model
      scored.role = isCanarys ? 'canary' : 'champion'
      scored.probability = deciding.score()
      scored.vector = deciding.vector
      scored.reasons = reasonCount > 0 ? deciding.explain(deciding.vector, reasonCount) : undefined
      scored.timing = isTooOld ? 'too_old' : watch.timing
      scored.updates = isTooOld ? [] : watch.updates()
      return scored
    },
    explain: (key, vector, top) => {
      const engine = [champion, canary, shadow].find((candidate) => candidate?.model.key === key)
      return engine === undefined ? [] : engine.explain(vector, top)
    },
  }
}

const bucketOf = (userId: string): number => tokenOf(`canary ${userId}`) % BUCKETS

const keysOfEntities = (engineer: FeatureEngineer, entities: Entities): NamedKey[] => {
  const keys: NamedKey[] = []
  const { userId, merchantId, deviceId, own = {} } = entities
  const standard: Readonly<Record<StandardKind, string | undefined>> = {
    user: userId,
    merchant: merchantId,
    device: deviceId,
  }
  for (const source of engineer.kinds) {
    const id = standard[source as StandardKind]
    const token = id === undefined ? own[source] : tokenOf(id)
    if (token !== undefined) keys.push({ kind: engineer.keeperOf(source)!.layout.kind, token, source })
  }
  return keys
}

/** Tokens of the bank's own entities that a transaction names; undefined when the model knows none. */
const createOwnTokens = ({
  settings,
  // Whose a transaction is says nothing of its amount: a label may carry one without a rate.
  cleaning: { amounts: _, ...cleaning },
}: LoadedModel): ((transaction: Transaction) => Entities['own']) => {
  const { entities } = settings.options
  if (entities.length === 0) return () => undefined
  const ids = entities.map((entity) => [entity.name, entityIdOf(entity)] as const)
  return (transaction) => {
    const cleaned = cleanTransaction(transaction, cleaning)
    const tokens: Record<EntityKind, number> = {}
    for (const [kind, idOf] of ids) {
      const id = idOf(cleaned)
      if (id !== undefined) tokens[kind] = tokenOf(id)
    }
    return tokens
  }
}

/** Whether a model goes on from the states of another one. */
export const isOfLayout = (model: LoadedModel, { layoutKey, statesKey }: LoadedModel): boolean =>
  model.layoutKey === layoutKey || model.statesKey === statesKey

/** Scores transactions by states of the model's own layout, which stay as they are. */
export const createShadowScorer = (
  model: LoadedModel,
): ((transaction: Transaction, states: EntityStates) => ShadowScore) => {
  const engine = createModelEngine(model)
  return (transaction, states) => shadowScore(engine, transaction, states)
}

/**
 * Each model cleans by itself: they agree on fields and on what names entities, as their states demand, but
 * not on other attributes.
 */
const shadowScore = (shadow: ModelEngine, transaction: Transaction, states: EntityStates): ShadowScore => {
  readTransaction(shadow.engineer.event, cleanTransaction(transaction, shadow.model.cleaning))
  shadow.engineer.readFeatures(states, shadow.vector)
  const probability = shadow.score()
  return { model: shadow.model, probability, isFlagged: shadow.model.scorer.isFlagged(probability) }
}

/** A model with a feature engine and buffers of its own. */
interface ModelEngine {
  readonly model: LoadedModel
  readonly engineer: FeatureEngineer
  readonly watch: ReturnType<typeof createStateWatch>
  /** All features that the model's settings compute. */
  readonly vector: Float64Array
  /** The calibrated probability for what `vector` holds. */
  score(): number
  /** The reasons for a vector of all features. */
  explain(all: ArrayLike<number>, top: number): readonly Reason[]
}

const createModelEngine = (model: LoadedModel): ModelEngine => {
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
    watch: createStateWatch(engineer),
    vector,
    score: () => {
      choose(vector)
      return scorer.scoreOne(input)
    },
    explain: (all, top) => {
      choose(all)
      return explainer.reasonsOne(input, top)
    },
  }
}
