import { type TSchema, Type } from 'typebox'
import { LARGEST_MINOR, LATEST_MS, LONGEST } from '../../transaction/read-fields.ts'
import { named } from './named.ts'

/** A transaction that every part accepts, for documentation. */
export const EXAMPLE_TRANSACTION = {
  transaction_id: 'tx-2026-000001',
  user_id: 'user-1042',
  timestamp: '2026-03-14T09:26:53.589Z',
  amount: 42.5,
  currency: 'EUR',
  merchant_id: 'merchant-77',
  merchant_category: 'grocery',
  transaction_type: 'purchase',
  device_id: 'device-9',
  device_type: 'mobile',
  location: 'Madrid',
  latitude: 40.4168,
  longitude: -3.7038,
} as const

const TEXT_RULE =
  'At most 256 UTF-16 units, no control characters; a whole number is read as its decimal text.'

/** Text that is not blank and has no control characters. */
export const NAME = '^[^\\x00-\\x1f\\x7f]*[^\\x00-\\x20\\x7f\\xa0][^\\x00-\\x1f\\x7f]*$'

const required = (description: string): TSchema =>
  Type.Unsafe({
    type: ['string', 'integer'],
    pattern: NAME,
    maxLength: LONGEST,
    description: `${description} ${TEXT_RULE}`,
  })

const optional = (description: string): TSchema =>
  Type.Optional(
    Type.Unsafe({
      type: ['string', 'integer', 'null'],
      maxLength: LONGEST,
      description: `${description} ${TEXT_RULE} Null or empty: missing.`,
    }),
  )

const degrees = (description: string, limit: number): TSchema =>
  Type.Optional(
    Type.Unsafe({
      type: ['number', 'string', 'null'],
      minimum: -limit,
      maximum: limit,
      description: `${description}, -${limit} to ${limit}. Null or empty: missing.`,
    }),
  )

export const TransactionBody = named(
  'Transaction',
  Type.Object(
    {
      transaction_id: required(
        'Unique name of the transaction. A repeated one is the same transaction sent again and gets the same answer.',
      ),
      user_id: required('The card holder or account.'),
      timestamp: Type.Unsafe({
        type: ['string', 'integer'],
        minimum: 0,
        maximum: LATEST_MS,
        minLength: 1,
        description:
          'When it happened, from 1970 to 9999: ISO 8601 with a zone (Z, +01, +0100 or +01:00), or whole epoch milliseconds. Digits beyond milliseconds are cut off.',
      }),
      amount: Type.Unsafe({
        type: ['number', 'string'],
        exclusiveMinimum: 0,
        maximum: LARGEST_MINOR / 100,
        minLength: 1,
        description:
          'In units of the currency, above 0 and below a billion, with at most two decimals; a number or decimal text. Read exactly.',
      }),
      currency: optional('ISO 4217 code.'),
      merchant_id: optional('The merchant or terminal.'),
      merchant_category: optional('What the merchant sells.'),
      transaction_type: optional('Purchase, withdrawal, transfer, ...'),
      device_id: optional('The device or card instance used.'),
      device_type: optional('Mobile, web, terminal, ...'),
      location: optional('Name of the place.'),
      latitude: degrees('Degrees north', 90),
      longitude: degrees('Degrees east', 180),
    },
    { additionalProperties: false, description: 'One card transaction.', examples: [EXAMPLE_TRANSACTION] },
  ),
)

/** A transaction as answers have it. */
export const TransactionAnswer = named(
  'TransactionAnswer',
  Type.Object(
    {
      transaction_id: Type.String(),
      user_id: Type.String(),
      timestamp: Type.String({ description: 'ISO 8601, UTC.' }),
      amount: Type.Number({ description: 'In units of the currency.' }),
      currency: Type.Optional(Type.String()),
      merchant_id: Type.Optional(Type.String()),
      merchant_category: Type.Optional(Type.String()),
      transaction_type: Type.Optional(Type.String()),
      device_id: Type.Optional(Type.String()),
      device_type: Type.Optional(Type.String()),
      location: Type.Optional(Type.String()),
      latitude: Type.Optional(Type.Number()),
      longitude: Type.Optional(Type.Number()),
    },
    {
      description: 'One card transaction, ready to be sent to POST /predict.',
      examples: [EXAMPLE_TRANSACTION],
    },
  ),
)
