import { type Static, Type } from 'typebox'
import { DURATION_PATTERN, FORGET_PATTERN, WINDOW_PATTERN } from '../../foundation/duration.ts'

const duration = (fallback: string, description: string) =>
  Type.String({ default: fallback, pattern: DURATION_PATTERN, unit: 'duration', description })

const aWindow = (fallback: string, description: string) =>
  Type.String({ default: fallback, pattern: WINDOW_PATTERN, unit: 'duration', description })

const hour = (fallback: number, description: string) =>
  Type.Integer({ default: fallback, minimum: 0, maximum: 24, unit: 'local hour', description })

const hours = (from: number, to: number, description: string) =>
  Type.Object(
    { from: hour(from, 'First hour that belongs to it.'), to: hour(to, 'First hour after it.') },
    { additionalProperties: false, default: {}, description },
  )

const ringEvents = (fallback: number, description: string) =>
  Type.Integer({ default: fallback, minimum: 4, maximum: 1_048_576, unit: 'transactions', description })

/** One entry of `features.derived`; a plain text is its expression. */
const DerivedSchema = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Object(
    {
      expression: Type.String({ minLength: 1 }),
      unit: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
      means: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    },
    { additionalProperties: false },
  ),
])

/** One entry of `features.aggregates`. What is left out is decided where it is read. */
const AggregateSchema = Type.Object(
  {
    of: Type.String({ minLength: 1, description: 'The attribute.' }),
    by: Type.String({
      minLength: 1,
      description: 'The entity over whose transactions: user, merchant, device, or one of `entities`.',
    }),
    compute: Type.Union(
      [
        Type.Literal('mean'),
        Type.Literal('sum'),
        Type.Literal('maximum'),
        Type.Literal('distinct'),
        Type.Literal('share'),
        Type.Literal('last'),
        Type.Literal('change'),
      ],
      { description: 'What is computed of the values.' },
    ),
    windows: Type.Optional(
      Type.Array(Type.String({ pattern: WINDOW_PATTERN, unit: 'duration' }), {
        minItems: 1,
        uniqueItems: true,
        description: 'Windows (t - w, t]; left out: those of the entity. last and change have none.',
      }),
    ),
    decimals: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 12,
        description:
          'Of mean and sum: values are rounded to whole steps of 10^-decimals, whose sums are exact. Default 6.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** What features are computed, and what their states may hold. */
export const FeaturesSchema = Type.Object(
  {
    time_zone: Type.String({
      default: 'UTC',
      unit: 'IANA time zone',
      description:
        'Zone in which hours, weekdays, business hours and nights are told. UTC until you say where your customers live.',
    }),
    business_hours: hours(9, 18, 'Local hours of business, Monday to Friday: from <= hour < to.'),
    night: hours(
      0,
      7,
      'Local hours that count as night: from <= hour < to; 0 to 7 is the benchmark definition hour <= 6.',
    ),
    windows: Type.Array(aWindow('1d', 'A window (t - w, t].'), {
      default: ['1h', '1d', '7d', '30d'],
      minItems: 1,
      uniqueItems: true,
      description:
        'Windows of behaviour, the current transaction included. An hour shows bursts, a month shows habits.',
    }),
    risk_windows: Type.Array(aWindow('7d', 'A window (t - delay - w, t - delay].'), {
      default: ['1d', '7d', '30d'],
      minItems: 1,
      uniqueItems: true,
      description: 'Windows of labelled history, each ending labels.delay before the transaction.',
    }),
    amount_bands: Type.Integer({
      default: 10,
      minimum: 2,
      maximum: 100,
      unit: 'bands',
      description: 'Equally filled bands of amount, fitted on the training rows. Ten are deciles.',
    }),
    vocabulary_size: Type.Integer({
      default: 64,
      minimum: 1,
      maximum: 4096,
      unit: 'values',
      description:
        'Values of a category with a code of their own, commonest first; rarer ones share the code of the unknown. 64 covers merchant category groups.',
    }),
    include: Type.Array(Type.String(), {
      default: [],
      description:
        'Features to compute, by name or whole families as family.*; empty means all. Fewer features need smaller states.',
    }),
    exclude: Type.Array(Type.String(), {
      default: [],
      description: 'Features left out of what include says, by name or as family.*.',
    }),
    derived: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), DerivedSchema, {
        description:
          "Features of the bank's own by name, each an expression of CEL over the fields and attributes of the transaction: `to_limit: amount / credit_limit`, or a mapping of expression, unit (of a number, in the plural) and means (a few words for reasons). The same bits in training and serving; a missing value or a division by zero gives a missing feature. None unless said. See docs/derived-features.md.",
      }),
    ),
    aggregates: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), AggregateSchema, {
        description:
          'Aggregates of attributes over the transactions of an entity, by name: `balance_mean: { of: balance, by: user, compute: mean, windows: [1d, 7d] }` gives balance_mean_1d and balance_mean_7d. of: an attribute; by: user, merchant, device or an entity of the bank; compute: mean, sum, maximum, distinct, share (of the value at hand), last, or change (since the last); windows: left out, those of the entity; decimals: of mean and sum, default 6. Exact, and the same bits in training and serving; a missing value counts nowhere. None unless said. See docs/aggregates.md.',
      }),
    ),
    allowed_lateness: duration(
      '1d',
      'How far behind its entity’s latest transaction one may arrive and still be placed exactly. A day covers terminals that were offline; more costs state.',
    ),
    state: Type.Object(
      {
        user_transactions: ringEvents(
          4096,
          'Most recent transactions kept per user, rounded down to a power of two; beyond it windows count the oldest by whole steps of an hour, which is told (docs/serving.md, hot entities). 4096 in a month is 136 a day.',
        ),
        merchant_transactions: ringEvents(65_536, 'The same per merchant. 65536 in 38 days is 1,700 a day.'),
        device_transactions: ringEvents(4096, 'The same per device.'),
        remembered_values: Type.Integer({
          default: 64,
          minimum: 4,
          maximum: 4096,
          unit: 'values',
          description:
            'Merchants, places, devices and categories remembered per entity, each rounded down to a power of two; at the bound the one unseen longest is forgotten. Habits fit in 64.',
        }),
        forget_after: Type.String({
          default: 'never',
          pattern: FORGET_PATTERN,
          unit: 'duration or never',
          description:
            'Gap after which an entity is begun anew: one whose next transaction comes longer after its last one is to features as if it had never been seen, in training and in service alike. never: what is counted over a life (first seen, known devices, habits) is kept for ever, and so is the state of every entity that was ever seen. Not before the longest window of the entity with the delay of labels and the allowed lateness, whatever is set. 400d forgets those who have been away for a year.',
        }),
      },
      { additionalProperties: false, default: {}, description: 'Bounds of what is kept per entity.' },
    ),
  },
  { additionalProperties: false, description: 'Features and the states they are computed from.' },
)

export type FeaturesSettings = Static<typeof FeaturesSchema>
