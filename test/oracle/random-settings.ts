import fc from 'fast-check'
import { type AggregateFeature, COMPUTED } from '../../src/features/aggregates/aggregate-feature.ts'
import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import { splitEntities } from '../../src/features/feature-settings.ts'
import { type FittedFeatures, VOCABULARY_FIELDS } from '../../src/features/fitted-features.ts'
import { type BaseCurrency, DEFAULT_AMOUNTS } from '../../src/transaction/amount-rules.ts'
import type { Attribute } from '../../src/transaction/attributes.ts'
import type { Entity, EntityFeature } from '../../src/transaction/entities.ts'
import { ENTITY_KINDS } from '../../src/transaction/entity-kind.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import { RATE_DECIMALS } from './naive-base-amount.ts'
import type { LogEntry } from './naive-features.ts'
import { randomExpression } from './random-expressions.ts'
import { ATTRIBUTES, SMALL_FIT, smallSettings } from './random-histories.ts'

/** What a bank may have declared: entities, attributes, categories, users or none. */
export interface Configuration {
  readonly settings: FeatureSettings
  readonly fitted: FittedFeatures
}

const WINDOWS = ['10s', '60s', '90s'] as const
const FEATURES: readonly EntityFeature[] = [
  'counts',
  'amounts',
  'spread',
  'maximum',
  'life',
  'time',
  'risk',
  'run',
]
const SIDE_FEATURES: readonly EntityFeature[] = ['flow', 'fan', 'counterparty']
const NAMES = ['alpha', 'beta', 'gamma', 'delta'] as const
const SIDES = ['hub_sender', 'hub_receiver'] as const
const ID_PARTS = ['user_id', 'merchant_id', 'location', 'browser', 'note', 'payer', 'payee'] as const

const some = <T>(all: readonly T[], least = 0) =>
  fc.subarray([...all], { minLength: least, maxLength: all.length })

const isSide = (name: string): boolean => (SIDES as readonly string[]).includes(name)

const entity = (name: string, others: readonly string[]): fc.Arbitrary<Entity> =>
  fc.record({
    name: fc.constant(name),
    id: fc.shuffledSubarray([...ID_PARTS], { minLength: 1, maxLength: 2 }),
    word: fc.constant(`word of ${name}`),
    features: some(isSide(name) ? [...FEATURES, ...SIDE_FEATURES] : FEATURES),
    windows: some(WINDOWS, 1),
    riskWindows: some(WINDOWS, 1),
    distinct: fc.subarray([...others]),
    habits: fc.subarray([...others]),
    transactions: fc.constant(1024),
  })

/** Up to four entities of any ids, features and windows; each may look at the others. */
const entitiesOf = (own: readonly string[]): fc.Arbitrary<readonly Entity[]> => {
  const dimensions = ['user', 'merchant', 'category', 'location', 'device', ...own]
  const standard = fc.constantFrom('user', 'merchant', 'device').chain((name) => entity(name, own))
  return fc
    .tuple(
      ...own.map((name) =>
        entity(
          name,
          dimensions.filter((other) => other !== name),
        ),
      ),
      fc.option(standard, { nil: undefined }),
    )
    .map((all) =>
      (all as readonly (Entity | undefined)[])
        .filter((one) => one !== undefined)
        .map((one) => (own.includes(one.name) ? one : { ...one, id: [`${one.name}_id`], features: [] }))
        .map(withSide),
    )
}

/** Both sides are named by one part each, and share states that fit both. */
const withSide = (one: Entity): Entity => {
  if (!isSide(one.name)) return one
  const is = one.name === 'hub_sender' ? 'sender' : 'receiver'
  const other = is === 'sender' ? 'hub_receiver' : 'hub_sender'
  const idOf = (name: string): readonly string[] => [name === 'hub_sender' ? 'payer' : 'payee']
  return {
    ...one,
    id: idOf(one.name),
    side: { of: 'hub', is, other, otherId: idOf(other) },
    distinct: one.distinct.filter((name) => !isSide(name)),
    habits: one.habits.filter((name) => !isSide(name)),
  }
}

/** Up to six aggregates of any of the attributes over any of the entities. */
const aggregatesOf = (
  attributes: readonly Attribute[],
  kinds: readonly string[],
): fc.Arbitrary<readonly AggregateFeature[]> => {
  if (attributes.length === 0) return fc.constant([])
  const one = fc.constantFrom(...attributes).chain(({ name: of, kind }) =>
    fc.record({
      of: fc.constant(of),
      by: fc.constantFrom(...kinds),
      compute: fc.constantFrom(...COMPUTED[kind]),
      windows: some(WINDOWS, 1),
      decimals: fc.option(fc.constantFrom(0, 2, 12), { nil: undefined }),
    }),
  )
  return fc.array(one, { maxLength: 6 }).map((all) =>
    all.map(({ windows, decimals, ...aggregate }, i) => {
      const { of, compute } = aggregate
      const isNumber = attributes.find(({ name }) => name === of)?.kind === 'number'
      return {
        ...aggregate,
        name: `aggregate_${i}`,
        windows: compute === 'last' || compute === 'change' ? [] : windows,
        ...(decimals !== undefined && isNumber && { decimals }),
      }
    }),
  )
}

const BASE: fc.Arbitrary<BaseCurrency> = fc.record({
  currency: fc.constant('EUR'),
  rate: fc.constant('rate_to_base'),
  decimals: fc.constantFrom(0, 2, 3),
  largestMinor: fc.constant(99_999_999_999),
})

/** The same log with rates where amounts are of another currency than the base, and no amount beyond it. */
export const withRates = (
  log: readonly LogEntry[],
  { amounts: { base } }: FeatureSettings,
  rates: readonly number[],
): LogEntry[] => {
  if (base === undefined) return [...log]
  const rated = (transaction: Transaction): Transaction => {
    const { transactionId, currency, attributes, amountMinor } = transaction
    const rate = rates[Number(transactionId.slice(1)) % rates.length]!
    const isRated = currency !== base.currency || rate > 1
    return {
      ...transaction,
      amountMinor: (amountMinor % 1e9) + 0,
      ...(isRated && { attributes: { ...attributes, [base.rate]: rate } }),
    }
  }
  return log.map((entry) =>
    'transaction' in entry
      ? { transaction: rated(entry.transaction) }
      : { ...entry, labelOf: rated(entry.labelOf) },
  )
}

/** Halves and what is not quite one among them. */
export const RATES = fc.array(
  fc.oneof(
    fc.integer({ min: 1, max: 3_000_000 }).map((millionths) => millionths / 10 ** RATE_DECIMALS),
    fc.constantFrom(0.5, 0.05, 1, 1.005, 0.000001),
  ),
  { minLength: 1, maxLength: 5 },
)

/** Any configuration that `smallSettings` and `SMALL_FIT` allow. */
export const randomConfiguration: fc.Arbitrary<Configuration> = fc
  .record({
    entities: fc
      .tuple(fc.subarray([...NAMES]), fc.boolean())
      .chain(([names, hasSides]) => entitiesOf(hasSides ? [...names, ...SIDES] : names)),
    attributes: fc.shuffledSubarray([...ATTRIBUTES]),
    categories: some(VOCABULARY_FIELDS),
    withoutUsers: fc.boolean(),
    reversals: fc.boolean(),
    base: fc.option(BASE, { nil: undefined }),
    ringEvents: fc.constantFrom(8, 1024),
  })
  .chain((chosen) =>
    fc
      .record({
        expressions: fc.array(randomExpression(chosen.attributes), { maxLength: 3 }),
        aggregates: aggregatesOf(chosen.attributes, [
          ...ENTITY_KINDS.filter((kind) => !(chosen.withoutUsers && kind === 'user')),
          ...splitEntities(chosen.entities).entities.map(({ name }) => name),
        ]),
      })
      .map(({ expressions, aggregates }) => ({
        ...chosen,
        aggregates,
        derived: expressions.map((expression, i) => ({ name: `derived_${i}`, expression })),
      })),
  )
  .map(
    ({
      entities,
      attributes,
      categories,
      derived,
      aggregates,
      withoutUsers,
      reversals,
      base,
      ringEvents,
    }) => {
      const amounts = base === undefined ? DEFAULT_AMOUNTS : { ...DEFAULT_AMOUNTS, decimals: 4, base }
      const small = smallSettings({ ringEvents }, amounts)
      const own = splitEntities(entities)
      const known = [...categories, ...attributes.map(({ name }) => name)]
      const vocabularies = Object.fromEntries(
        Object.entries(SMALL_FIT.vocabularies).filter(([name]) => known.includes(name)),
      )
      return {
        settings: {
          ...small,
          ...(withoutUsers && { withoutUsers }),
          options: { ...small.options, categories, attributes, derived, aggregates, reversals, ...own },
          limits: {
            ...small.limits,
            ...Object.fromEntries(own.entities.map(({ name }) => [name, small.limits.user])),
          },
        },
        fitted: { ...SMALL_FIT, vocabularies, attributes },
      }
    },
  )
