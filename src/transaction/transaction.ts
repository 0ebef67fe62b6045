import { type Static, type TInteger, type TNumber, type TOptional, type TString, Type } from 'typebox'
import type { AttributeValues } from './attributes.ts'
import {
  type FieldKind,
  type FieldName,
  LONGEST_TEXT,
  TRANSACTION_FIELDS,
  type TransactionField,
} from './fields.ts'

type SchemaOfKind<K extends FieldKind> = K extends 'time' | 'amount'
  ? TInteger
  : K extends 'coordinate'
    ? TNumber
    : TString
type SchemaOf<F extends TransactionField> = F['required'] extends true
  ? SchemaOfKind<F['kind']>
  : TOptional<SchemaOfKind<F['kind']>>
type FieldSchemas = { [F in TransactionField as F['name']]: SchemaOf<F> }

/** How a kind of field stands in the code, after what the field means. */
const UNITS: Readonly<Record<FieldKind, string>> = {
  id: '',
  category: '',
  place: '',
  time: ' Epoch milliseconds (UTC).',
  amount:
    ' In minor units of the currency (cents): 12.34 is 1234. Below 0 for a refund. At most 15 digits, so that every amount is the shortest decimal of a double; the rules of amounts set a lower bound, so that sums over a window stay exact integers (below 2^53).',
  coordinate: '',
}

const schemaOf = (field: TransactionField) => {
  const description = `${field.says}${UNITS[field.kind]}`
  switch (field.kind) {
    case 'time':
    case 'amount':
      return Type.Integer({ minimum: field.bounds[0], maximum: field.bounds[1], description })
    case 'coordinate':
      return Type.Number({ minimum: field.bounds[0], maximum: field.bounds[1], description })
    default:
      return Type.String({
        minLength: 1,
        maxLength: LONGEST_TEXT,
        pattern: '^[^\\u0000-\\u001f\\u007f]+$',
        description,
      })
  }
}

const FieldsSchema = Type.Object(
  Object.fromEntries(
    TRANSACTION_FIELDS.map((field) => [
      field.name,
      field.required ? schemaOf(field) : Type.Optional(schemaOf(field)),
    ]),
  ) as { [Name in FieldName]: FieldSchemas[Name] },
)

const AttributesSchema = Type.Unsafe<AttributeValues>(
  Type.Record(Type.String(), Type.Union([Type.Number(), Type.String(), Type.Boolean()]), {
    description: 'Attributes of the bank, by name. A time is epoch milliseconds.',
  }),
)

/**
 * One card transaction as every part of Vigía knows it: the fields of `TRANSACTION_FIELDS` by their names,
 * and the attributes that the bank has beside them.
 *
 * Missing optional fields are absent, never empty text. Money is an integer of the currency's minor units;
 * instants are whole milliseconds since 1970-01-01T00:00:00Z. Text is never empty and has no control
 * characters.
 */
export const TransactionSchema = Type.Object(
  {
    ...FieldsSchema.properties,
    attributes: Type.Optional(AttributesSchema),
    lookedUp: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Names of those attributes that were not sent, but looked up in a table beside the transactions.',
      }),
    ),
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
  /** Absent where the bank knows no users. */
  readonly userId?: string
  readonly merchantId?: string
  readonly deviceId?: string
  readonly eventTimeMs: number
  readonly isFraud: boolean
  readonly knownAtMs: number
}
