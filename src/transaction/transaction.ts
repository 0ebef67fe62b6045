import { type Static, Type } from 'typebox'

/** Text of an identifier or a category: never empty, at most 256 UTF-16 units, no control characters. */
const text = (description: string) =>
  Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000-\\u001f\\u007f]+$', description })

/**
 * One card transaction as every part of Vigía knows it.
 *
 * Missing optional fields are absent, never empty text. Money is an integer of the currency's minor units;
 * instants are whole milliseconds since 1970-01-01T00:00:00Z.
 */
export const TransactionSchema = Type.Object(
  {
    transactionId: text('Unique name of the transaction; a repeated one is the same transaction sent again.'),
    userId: text('The card holder or account.'),
    eventTimeMs: Type.Integer({
      minimum: 0,
      maximum: 253402300799999,
      description: 'When it happened, epoch milliseconds (UTC).',
    }),
    amountMinor: Type.Integer({
      minimum: 1,
      maximum: 99_999_999_999,
      description:
        'Amount in minor units (cents): 12.34 is 1234. Below a billion in major units, so that sums over a window or a life stay exact integers (below 2^53) for at least 90,000 transactions of the largest amount.',
    }),
    currency: Type.Optional(text('ISO 4217 code.')),
    merchantId: Type.Optional(text('The merchant or terminal.')),
    merchantCategory: Type.Optional(text('What the merchant sells.')),
    transactionType: Type.Optional(text('Purchase, withdrawal, transfer, ...')),
    deviceId: Type.Optional(text('The device or card instance used.')),
    deviceType: Type.Optional(text('Mobile, web, terminal, ...')),
    location: Type.Optional(text('Name of the place.')),
    latitude: Type.Optional(Type.Number({ minimum: -90, maximum: 90, description: 'Degrees north.' })),
    longitude: Type.Optional(Type.Number({ minimum: -180, maximum: 180, description: 'Degrees east.' })),
  },
  { additionalProperties: false },
)

export type Transaction = Static<typeof TransactionSchema>

/**
 * What became known about a transaction, and when. `knownAtMs` is the instant from which a feature may use
 * it: the column `labelled_at`, or the event time plus `labels.delay`.
 */
export interface Label {
  readonly transactionId: string
  readonly userId: string
  readonly merchantId?: string
  readonly deviceId?: string
  readonly eventTimeMs: number
  readonly isFraud: boolean
  readonly knownAtMs: number
}
