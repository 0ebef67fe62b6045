import fc from 'fast-check'
import type { AggregateFeature } from '../../src/features/aggregates/aggregate-feature.ts'
import type { DerivedFeature } from '../../src/features/derived/derived-feature.ts'
import type { FeatureSettings } from '../../src/features/feature-settings.ts'
import { type FittedFeatures, VOCABULARY_FIELDS } from '../../src/features/fitted-features.ts'
import type { StateLimits } from '../../src/features/state/layout.ts'
import { type AmountRules, DEFAULT_AMOUNTS, featureAmounts } from '../../src/transaction/amount-rules.ts'
import type { Attribute, AttributeValues } from '../../src/transaction/attributes.ts'
import type { Entity } from '../../src/transaction/entities.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import type { LogEntry } from './naive-features.ts'

const SECOND_MS = 1000
/** Ties, and sums that fall exactly on the edges of windows and of the label delay. */
const GAPS_SECONDS: readonly number[] = [0, 0, 1, 3, 7, 10, 20, 30, 60, 90]
const START_MS = Date.UTC(2026, 2, 27, 8, 59)

/**
 * Small windows, so that short histories cross every edge: gaps between transactions are sums of these
 * numbers.
 */
export const smallSettings = (
  bounds: Partial<StateLimits> = {},
  amounts: AmountRules = DEFAULT_AMOUNTS,
): FeatureSettings => {
  const limits: StateLimits = {
    ringEvents: 1024,
    dimensionValues: 64,
    latenessMs: 20 * SECOND_MS,
    labelDelayMs: 30 * SECOND_MS,
    ...bounds,
  }
  return {
    timeZone: 'UTC',
    amounts,
    options: {
      windows: ['10s', '60s', '90s'],
      riskWindows: ['10s', '60s'],
      businessHours: { from: 9, to: 18 },
      night: { from: 0, to: 7 },
      categories: VOCABULARY_FIELDS,
      attributes: ATTRIBUTES,
      amounts: featureAmounts(amounts),
      entities: ENTITIES,
      standardEntities: STANDARD_ENTITIES,
      derived: DERIVED,
      aggregates: AGGREGATES,
      reversals: true,
    },
    windowMs: new Map([
      ['10s', 10 * SECOND_MS],
      ['60s', 60 * SECOND_MS],
      ['90s', 90 * SECOND_MS],
    ]),
    limits: {
      user: limits,
      merchant: limits,
      device: limits,
      ...Object.fromEntries(ENTITIES.map(({ name }) => [name, limits])),
    } as FeatureSettings['limits'],
    include: [],
    exclude: [],
    amountBands: 3,
    vocabularySize: 2,
  }
}

/** One that a text names, one that a place and a category name together, and one that has two sides. */
export const ENTITIES: readonly Entity[] = [
  {
    name: 'note',
    id: ['note'],
    word: 'note',
    features: ['counts', 'amounts', 'spread', 'maximum', 'refunds', 'life', 'time', 'risk'],
    windows: ['10s', '60s'],
    riskWindows: ['10s'],
    distinct: ['user', 'corner'],
    habits: ['device', 'category'],
    transactions: 1024,
  },
  {
    name: 'corner',
    id: ['location', 'browser'],
    word: 'corner of the web',
    features: ['counts', 'risk', 'run'],
    windows: ['90s'],
    riskWindows: ['60s'],
    distinct: [],
    habits: ['note'],
    transactions: 1024,
  },
  ...(['sender', 'receiver'] as const).map(
    (is): Entity => ({
      name: `account_${is}`,
      id: [is === 'sender' ? 'payer' : 'payee'],
      side: {
        of: 'account',
        is,
        other: is === 'sender' ? 'account_receiver' : 'account_sender',
        otherId: [is === 'sender' ? 'payee' : 'payer'],
      },
      word: is === 'sender' ? 'sending account' : 'receiving account',
      features: ['flow', 'fan', 'counterparty', 'life', 'time', 'risk'],
      windows: ['10s', '90s'],
      riskWindows: ['10s'],
      distinct: ['device'],
      habits: [],
      transactions: 1024,
    }),
  ),
]

/** What is asked of users and devices beside their families. */
export const STANDARD_ENTITIES: readonly Entity[] = [
  {
    name: 'user',
    id: ['user_id'],
    word: 'user',
    features: [],
    windows: ['10s', '90s'],
    riskWindows: [],
    distinct: ['corner'],
    habits: ['note'],
    transactions: 1024,
  },
]

/** Of each type of variable something. */
export const DERIVED: readonly DerivedFeature[] = [
  { name: 'amount_to_balance', expression: 'amount / (balance - 12)', unit: 'ratio' },
  { name: 'days_since_sign_up', expression: 'math.floor((timestamp - signed_up) / 86400)', unit: 'days' },
  {
    name: 'is_early_transfer',
    expression: 'hour < 9 && transaction_type in ["transfer", "cash"] || weekday == 5',
  },
  { name: 'is_plain', expression: 'has(is_vip) ? !is_vip && !has(note) : browser != "lynx"' },
]

/** Of each kind of attribute what can be computed, over entities of every sort. */
export const AGGREGATES: readonly AggregateFeature[] = [
  { name: 'any_vip', of: 'is_vip', by: 'device', compute: 'maximum', windows: ['60s'] },
  { name: 'balance_change', of: 'balance', by: 'user', compute: 'change', windows: [] },
  { name: 'balance_high', of: 'balance', by: 'merchant', compute: 'maximum', windows: ['10s', '90s'] },
  { name: 'balance_levels', of: 'balance', by: 'note', compute: 'distinct', windows: ['10s', '60s'] },
  { name: 'balance_mean', of: 'balance', by: 'user', compute: 'mean', windows: ['10s', '60s'] },
  { name: 'balance_sum', of: 'balance', by: 'note', compute: 'sum', windows: ['90s'], decimals: 2 },
  { name: 'browser_change', of: 'browser', by: 'user', compute: 'change', windows: [] },
  { name: 'browser_last', of: 'browser', by: 'merchant', compute: 'last', windows: [] },
  { name: 'browser_use', of: 'browser', by: 'merchant', compute: 'share', windows: ['10s', '60s', '90s'] },
  { name: 'notes', of: 'note', by: 'user', compute: 'distinct', windows: ['60s'] },
  { name: 'sign_up_last', of: 'signed_up', by: 'corner', compute: 'last', windows: [] },
  { name: 'sign_up_mean', of: 'signed_up', by: 'merchant', compute: 'mean', windows: ['60s'] },
  { name: 'vip_share', of: 'is_vip', by: 'user', compute: 'mean', windows: ['60s'] },
]

/** One of each kind. */
export const ATTRIBUTES: readonly Attribute[] = [
  { name: 'balance', kind: 'number', unit: 'currency' },
  { name: 'browser', kind: 'category' },
  { name: 'is_vip', kind: 'boolean' },
  { name: 'signed_up', kind: 'time' },
  { name: 'note', kind: 'text' },
  { name: 'payer', kind: 'text' },
  { name: 'payee', kind: 'text' },
]

export const SMALL_FIT: FittedFeatures = {
  amountBandEdgesMinor: [500, 2000],
  vocabularies: {
    merchant_category: [
      { value: 'food', share: 0.5 },
      { value: 'travel', share: 0.25 },
    ],
    transaction_type: [{ value: 'purchase', share: 0.75 }],
    device_type: [{ value: 'mobile', share: 0.4 }],
    currency: [{ value: 'EUR', share: 0.75 }],
    location: [
      { value: 'place1', share: 0.5 },
      { value: 'place3', share: 0.25 },
    ],
    browser: [{ value: 'firefox', share: 0.5 }],
  },
  attributes: ATTRIBUTES,
  reversals: true,
  entities: [...STANDARD_ENTITIES, ...ENTITIES],
}

/**
 * Logs of up to `length` entries about two users, two merchants and two devices. Most transactions move the
 * clock on by nothing, a second, or exactly a window or the label delay; some are late by up to and beyond
 * the allowed lateness; some come twice; some amounts are 0, and some are refunds. Labels come for any
 * earlier transaction, early or late, more than once, may change, and may be taken
 * back.
 */
export const randomLog = (length: number, values = 3, gapsSeconds = GAPS_SECONDS): fc.Arbitrary<LogEntry[]> =>
  fc
    .array(fc.oneof({ weight: 4, arbitrary: transactionStep(values, gapsSeconds) }, labelStep, repeatStep), {
      maxLength: length,
      size: 'max',
    })
    .map((steps) => {
      const log: LogEntry[] = []
      const transactions: Transaction[] = []
      let clockMs = START_MS
      for (const step of steps) {
        if ('fields' in step) {
          clockMs += step.advanceSeconds * SECOND_MS
          const eventTimeMs = clockMs - step.lateSeconds * SECOND_MS
          const transaction: Transaction = {
            ...step.fields,
            eventTimeMs,
            transactionId: `t${transactions.length}`,
          }
          transactions.push(transaction)
          log.push({ transaction })
        } else if (transactions.length > 0) {
          const earlier = transactions[Math.max(0, transactions.length - 1 - step.back)]!
          log.push('isFraud' in step ? { labelOf: earlier, isFraud: step.isFraud } : { transaction: earlier })
        }
      }
      return log
    })

const one = (prefix: string, count: number) => fc.integer({ min: 1, max: count }).map((n) => `${prefix}${n}`)
const coordinate = (limit: number) => fc.integer({ min: -limit, max: limit })

const attributeValues: fc.Arbitrary<AttributeValues> = fc.record(
  {
    balance: fc
      .oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.integer({ min: -9999, max: 9999 }).map((cents) => cents / 100),
        fc.constantFrom(0.1, 0.2, -0.3, 1e15, -1e15, 5e-7, 1e300),
      )
      .map((n) => n + 0),
    browser: fc.constantFrom('firefox', 'lynx'),
    is_vip: fc.boolean(),
    signed_up: fc.integer({ min: -30_610_224_000_000, max: START_MS + 1e9 }),
    note: fc.constantFrom('a', 'b'),
    payer: fc.constantFrom('x', 'y', 'z'),
    payee: fc.constantFrom('x', 'y', 'z'),
  },
  { requiredKeys: [] },
)

const fieldsOf = (values: number) =>
  fc.record(
    {
      userId: one('user', 2),
      amountMinor: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 1, max: 3000 }) },
        { weight: 2, arbitrary: fc.constantFrom(1000, 2000, 100_000_000, 99_999_999_999) },
        { weight: 1, arbitrary: fc.constant(0) },
        { weight: 2, arbitrary: fc.integer({ min: -3000, max: -1 }) },
        { weight: 1, arbitrary: fc.constantFrom(-1000, -99_999_999_999) },
      ),
      merchantId: one('merchant', values),
      merchantCategory: fc.constantFrom('food', 'travel', 'games'),
      transactionType: fc.constantFrom('purchase', 'transfer'),
      deviceId: one('device', values),
      deviceType: fc.constantFrom('mobile', 'web'),
      location: one('place', values),
      latitude: coordinate(90),
      longitude: coordinate(180),
      currency: fc.constantFrom('EUR', 'USD'),
      // Earlier ones, ones of other users, ones that are still to come, and itself.
      reverses: fc.integer({ min: 0, max: 40 }).map((n) => `t${n}`),
      attributes: attributeValues,
    },
    { requiredKeys: ['userId', 'amountMinor'] },
  )

const transactionStep = (values: number, gapsSeconds: readonly number[]) =>
  fc.record({
    fields: fieldsOf(values),
    advanceSeconds: fc.constantFrom(...gapsSeconds),
    lateSeconds: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constantFrom(1, 3, 10, 20, 21, 50)),
  })
const labelStep = fc.record({
  back: fc.integer({ min: 0, max: 8 }),
  isFraud: fc.constantFrom(true, false, null),
})
const repeatStep = fc.record({ back: fc.integer({ min: 0, max: 12 }) })
