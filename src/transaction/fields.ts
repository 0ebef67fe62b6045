import { MOST_MINOR } from './amount-rules.ts'

/**
 * Every field of a transaction, once. From this table follow the reader and the writer of requests, the
 * columns of prepared data and of the archive, the settings of a source, the schemas of the API, the
 * categories that are cleaned and checked, and the hash by which a transaction is known again.
 *
 * A new field goes to the end of the table: the columns of files stand in its order.
 */

/** Longest text, in UTF-16 units. */
export const LONGEST_TEXT = 256
/** Latest instant of a transaction: 9999-12-31T23:59:59.999Z, epoch milliseconds. */
export const LATEST_TIME_MS = 253402300799999
/** Largest latitude north and south, degrees. */
export const LARGEST_LATITUDE = 90
/** Largest longitude east and west, degrees. */
export const LARGEST_LONGITUDE = 180

interface FieldWords {
  /** In the code. Numbers carry their unit: `amountMinor`. */
  readonly name: string
  /** In requests, answers and the settings of a source. */
  readonly wire: string
  /** In the prepared dataset and the archive. */
  readonly column: string
  /** Whether every transaction has it. */
  readonly required: boolean
  /** Every transaction of a bank has it, unless the bank's source says that it has none at all. */
  readonly expected?: boolean
  /** What it means: a sentence for people who send it, map it or read it. How it is written is its kind's. */
  readonly says: string
}

/**
 * Text of 1 to `LONGEST_TEXT` UTF-16 units without control characters. An `id` names one of many and stays as
 * it is; a `category` names one of few and is folded by cleaning; a `place` is folded too, and may be any.
 */
interface TextField extends FieldWords {
  readonly kind: 'id' | 'category' | 'place'
  /** As a request writes it. */
  readonly example: string
}

/**
 * A number: an instant in epoch milliseconds (`time`), whole minor units of a currency (`amount`), or degrees
 * (`coordinate`).
 */
interface NumberField extends FieldWords {
  readonly kind: 'time' | 'amount' | 'coordinate'
  /** The least and the largest value, both allowed, in the unit of `name`. */
  readonly bounds: readonly [least: number, largest: number]
  /** As a request writes it: time as ISO 8601 text, an amount in units of its currency. */
  readonly example: string | number
}

export const TRANSACTION_FIELDS = [
  {
    name: 'transactionId',
    wire: 'transaction_id',
    column: 'transaction_id',
    kind: 'id',
    required: true,
    says: 'Unique name of the transaction; a repeated one is the same transaction sent again.',
    example: 'tx-2026-000001',
  },
  {
    name: 'userId',
    wire: 'user_id',
    column: 'user_id',
    kind: 'id',
    required: false,
    expected: true,
    says: 'The card holder or account.',
    example: 'user-1042',
  },
  {
    name: 'eventTimeMs',
    wire: 'timestamp',
    column: 'event_time_ms',
    kind: 'time',
    required: true,
    bounds: [0, LATEST_TIME_MS],
    says: 'When it happened.',
    example: '2026-03-14T09:26:53.589Z',
  },
  {
    name: 'amountMinor',
    wire: 'amount',
    column: 'amount_minor',
    kind: 'amount',
    required: true,
    bounds: [-MOST_MINOR, MOST_MINOR],
    says: 'How much was paid; below 0, how much was given back.',
    example: 42.5,
  },
  {
    name: 'currency',
    wire: 'currency',
    column: 'currency',
    kind: 'category',
    required: false,
    says: 'ISO 4217 code.',
    example: 'EUR',
  },
  {
    name: 'merchantId',
    wire: 'merchant_id',
    column: 'merchant_id',
    kind: 'id',
    required: false,
    says: 'The merchant or terminal.',
    example: 'merchant-77',
  },
  {
    name: 'merchantCategory',
    wire: 'merchant_category',
    column: 'merchant_category',
    kind: 'category',
    required: false,
    says: 'What the merchant sells.',
    example: 'grocery',
  },
  {
    name: 'transactionType',
    wire: 'transaction_type',
    column: 'transaction_type',
    kind: 'category',
    required: false,
    says: 'Purchase, withdrawal, transfer, ...',
    example: 'purchase',
  },
  {
    name: 'deviceId',
    wire: 'device_id',
    column: 'device_id',
    kind: 'id',
    required: false,
    says: 'The device or card instance used.',
    example: 'device-9',
  },
  {
    name: 'deviceType',
    wire: 'device_type',
    column: 'device_type',
    kind: 'category',
    required: false,
    says: 'Mobile, web, terminal, ...',
    example: 'mobile',
  },
  {
    name: 'location',
    wire: 'location',
    column: 'location',
    kind: 'place',
    required: false,
    says: 'Name of the place.',
    example: 'Madrid',
  },
  {
    name: 'latitude',
    wire: 'latitude',
    column: 'latitude',
    kind: 'coordinate',
    required: false,
    bounds: [-LARGEST_LATITUDE, LARGEST_LATITUDE],
    says: 'Degrees north.',
    example: 40.4168,
  },
  {
    name: 'longitude',
    wire: 'longitude',
    column: 'longitude',
    kind: 'coordinate',
    required: false,
    bounds: [-LARGEST_LONGITUDE, LARGEST_LONGITUDE],
    says: 'Degrees east.',
    example: -3.7038,
  },
  {
    name: 'reverses',
    wire: 'reverses',
    column: 'reverses',
    kind: 'id',
    required: false,
    says: 'The transaction_id of the original, of a refund or reversal that names it.',
    example: 'tx-2026-000000',
  },
] as const satisfies readonly (TextField | NumberField)[]

/**
 * What a source may say of a transaction beside its fields. A request has none of it: a label comes later.
 */
export const LABEL_FIELDS = [
  {
    wire: 'is_fraud',
    column: 'is_fraud',
    kind: 'label',
    required: false,
    says: 'Label: 0, 1, true or false; missing while unknown.',
  },
  {
    wire: 'labelled_at',
    column: 'labelled_at_ms',
    kind: 'label-time',
    required: false,
    says: 'When the label became known, written like timestamp.',
  },
  {
    wire: 'fraud_pattern',
    column: 'fraud_pattern',
    kind: 'pattern',
    required: false,
    says: 'Name of the fraud pattern, for analysis only: never a feature.',
  },
] as const satisfies readonly (Omit<FieldWords, 'name'> & { readonly kind: string })[]

/** Fields that a source has or switches off. */
export const EXPECTED_FIELDS = TRANSACTION_FIELDS.filter(
  (field): field is Extract<TransactionField, { readonly expected: true }> => 'expected' in field,
)

/** Everything that a source may map, in the order in which it is read. */
export const SOURCE_FIELDS = [...TRANSACTION_FIELDS, ...LABEL_FIELDS] as const

/** One row of the table. */
export type TransactionField = (typeof TRANSACTION_FIELDS)[number]
export type FieldKind = TransactionField['kind']
/** The rows of a kind. */
export type FieldOfKind<K extends FieldKind> = Extract<TransactionField, { readonly kind: K }>
export type CategoryField = FieldOfKind<'category' | 'place'>

/** A field as the code names it. */
export type FieldName = TransactionField['name']
/** A field as requests name it. */
export type RequestField = TransactionField['wire']
/** A field as the settings of a source name it: those of requests, and the label's. */
export type SourceField = (typeof SOURCE_FIELDS)[number]['wire']

/** Text fields that cleaning writes in one form. */
export const CATEGORY_FIELDS: readonly CategoryField[] = TRANSACTION_FIELDS.filter(
  (field): field is CategoryField => field.kind === 'category' || field.kind === 'place',
)

/** Whether fields of that kind hold text; the others hold numbers. */
export const isTextKind = (kind: FieldKind): kind is TextField['kind'] =>
  kind === 'id' || kind === 'category' || kind === 'place'
