import type { FeatureSource } from '../features/feature.ts'
import { FeatureEngineer } from '../features/feature-engineer.ts'
import type { FeatureSettings } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { type EntityState, separateBlocks } from '../features/state/entity-state.ts'
import type { StateLayout } from '../features/state/layout.ts'
import { FIRST_CAPACITY } from '../features/state/state-keeper.ts'
import { createStepLayout, mostSteps } from '../features/state/steps/step-layout.ts'
import { readTransaction } from '../features/transaction-event.ts'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { SAMPLED_VALUES } from '../foundation/value-sample.ts'
import type { Attribute, AttributeValue } from '../transaction/attributes.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'
import { NO_TOKEN } from '../transaction/token.ts'
import type { Transaction } from '../transaction/transaction.ts'

/** What the features of one source cost. */
export interface SourceCost {
  /** `transaction`, or a kind of entity. */
  readonly source: FeatureSource
  readonly features: number
  /** Of one entity; absent for the transaction itself, which keeps none, and where it is another's. */
  readonly state?: StateCost
  /** Whose states these features read: the other side of the entity, which tells of them. */
  readonly stateOf?: FeatureSource
  /** Reading, computing and advancing, for one transaction on this machine. */
  readonly microseconds: number
}

/** Bytes of one entity's state. */
export interface StateCost {
  /** Of a new one. */
  readonly first: number
  /** Of each further transaction that a window can still count. */
  readonly perTransaction: number
  /** Of each further value that is remembered, in all dimensions together; 0: none are. */
  readonly perValue: number
  /** At the bounds of `features.state` and `entities`. */
  readonly most: number
  /** At most so many more, once the ring is full: of the steps beyond it, and of samples of values. */
  readonly beyond: number
}

/** What the time is measured on. */
export const COST_TRANSACTIONS = 20_000
export const COST_ENTITIES = 400
export const COST_DAYS = 30

const WORD_BYTES = 8
/** Words of a remembered value: token, count, latest use. */
const VALUE_WORDS = 3

/**
 * What each source of features costs: bytes as layouts have them, time as it is measured here on invented
 * transactions (20,000 in 30 days, of 400 entities of each kind), after a round that is not counted.
 *
 * @param monotonicMs milliseconds since some moment, in fractions
 * @param count how many transactions the time is measured on (default: 20,000)
 */
export const costOfFeatures = (
  settings: FeatureSettings,
  fitted: FittedFeatures,
  monotonicMs: () => number,
  count = COST_TRANSACTIONS,
): readonly SourceCost[] => {
  const transactions = inventTransactions(settings.options.attributes, count)
  const engineer = new FeatureEngineer(settings, fitted, separateBlocks)
  // The first round is for the compiler.
  play(engineer, transactions, monotonicMs)
  const milliseconds = play(engineer, transactions, monotonicMs)
  const { layouts } = engineer.plan
  return engineer.parts.map(({ source, columns }, p) => {
    const layout = layouts[source]
    const first = engineer.kinds.find((kind) => layouts[kind] === layout)
    return {
      source,
      features: columns.length,
      ...(layout !== undefined && (first === source ? { state: stateCost(layout) } : { stateOf: first! })),
      microseconds: (milliseconds[p]! * 1000) / transactions.length,
    }
  })
}

/** @returns what each part took for all transactions together, milliseconds */
const play = (
  engineer: FeatureEngineer,
  transactions: readonly Transaction[],
  monotonicMs: () => number,
): Float64Array => {
  const out = new Float64Array(engineer.featureNames.length)
  const took = new Float64Array(engineer.parts.length)
  const states = new Map<StateLayout | undefined, Map<number, EntityState>>(
    engineer.kinds.map((kind) => [engineer.plan.layouts[kind], new Map()]),
  )
  for (const transaction of transactions) {
    const start = monotonicMs()
    readTransaction(engineer.event, transaction)
    // The first part is the transaction itself.
    took[0]! += monotonicMs() - start
    for (const [p, part] of engineer.parts.entries()) {
      const held = states.get(engineer.plan.layouts[part.source])
      const state = held && stateIn(held, engineer, part.source)
      const began = monotonicMs()
      part.createFeatures(engineer.event, state, out, 0)
      took[p]! += monotonicMs() - began
    }
  }
  return took
}

/** The state of the entity of `kind` that the event names; undefined when it names none. */
const stateIn = (
  states: Map<number, EntityState>,
  engineer: FeatureEngineer,
  kind: EntityKind,
): EntityState | undefined => {
  const token = engineer.entityToken(kind)
  if (token === NO_TOKEN) return undefined
  const known = states.get(token)
  if (known !== undefined) return known
  const state = engineer.keeperOf(kind)!.create()
  states.set(token, state)
  return state
}

const stateCost = (layout: StateLayout): StateCost => {
  const { ringAt, fieldCount, limits, needs } = layout
  const steps = createStepLayout(layout)
  const samples = needs.dimensions.length + steps.distinct.length
  const tables = needs.dimensions.length * VALUE_WORDS
  return {
    first: WORD_BYTES * (ringAt + (fieldCount + tables) * FIRST_CAPACITY),
    perTransaction: WORD_BYTES * fieldCount,
    perValue: WORD_BYTES * tables,
    most: WORD_BYTES * (ringAt + fieldCount * limits.ringEvents + tables * limits.dimensionValues),
    beyond: WORD_BYTES * (mostSteps(layout) * steps.words + samples * 2 * SAMPLED_VALUES),
  }
}

/** In the order of time, with something in every field and attribute. */
const inventTransactions = (attributes: readonly Attribute[], count: number): readonly Transaction[] => {
  const random = createRandom('what features cost')
  const stepMs = Math.floor((COST_DAYS * DAY_MS) / count)
  const one = (of: string): string => `${of}${random.integer(COST_ENTITIES)}`
  return Array.from({ length: count }, (_, n): Transaction => {
    const eventTimeMs = Date.UTC(2026, 0, 1) + n * stepMs
    const values: Readonly<Record<Attribute['kind'], () => AttributeValue>> = {
      number: () => random.integer(100_000) / 100,
      boolean: () => random.integer(2) === 1,
      time: () => eventTimeMs - random.integer(1000) * DAY_MS,
      category: () => one('c'),
      text: () => one('t'),
    }
    return {
      transactionId: `t${n}`,
      userId: one('u'),
      merchantId: one('m'),
      deviceId: one('d'),
      eventTimeMs,
      amountMinor: 1 + random.integer(100_000),
      currency: 'EUR',
      merchantCategory: `g${random.integer(20)}`,
      transactionType: `y${random.integer(5)}`,
      deviceType: `k${random.integer(3)}`,
      location: `l${random.integer(50)}`,
      latitude: random.integer(180) - 90,
      longitude: random.integer(360) - 180,
      attributes: Object.fromEntries(attributes.map(({ name, kind }) => [name, values[kind]()])),
    }
  })
}
