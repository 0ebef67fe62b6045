import { type TSchema, Type } from 'typebox'
import type { BaseCurrency } from '../../transaction/amount-rules.ts'
import { ATTRIBUTE_WRITING, type AttributeKind, isTextAttribute } from '../../transaction/attributes.ts'
import {
  LONGEST_TEXT,
  type RequestField,
  TRANSACTION_FIELDS,
  type TransactionField,
} from '../../transaction/fields.ts'
import { NO_SHAPE, type TransactionShape } from '../../transaction/shape.ts'
import { named } from './named.ts'

/** A transaction that every part accepts, for documentation. */
export const EXAMPLE_TRANSACTION = Object.fromEntries(
  TRANSACTION_FIELDS.map(({ wire, example }) => [wire, example]),
) as { readonly [F in TransactionField as F['wire']]: F['example'] }

const TEXT_RULE = `At most ${LONGEST_TEXT} UTF-16 units, no control characters (tabs and line breaks are blanks); a whole number is read as its decimal text.`

/** Text that is not blank and has no control characters but tabs and line breaks. */
export const NAME =
  '^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]*[^\\x00-\\x20\\x7f\\xa0][^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]*$'

/** What a request may write for a field. Everything optional may be null or empty, which is missing. */
const sent = (field: TransactionField): TSchema => {
  const { says } = field
  const required = isAsked(field)
  const missing = required ? '' : ' Null or empty: missing.'
  const orNull = required ? [] : ['null']
  switch (field.kind) {
    case 'time':
      return Type.Unsafe({
        type: ['string', 'integer', ...orNull],
        minimum: field.bounds[0],
        maximum: field.bounds[1],
        ...(required && { minLength: 1 }),
        description: `${says} From 1970 to 9999: ISO 8601 with a zone (Z, +01, +0100 or +01:00), or whole epoch milliseconds. Digits beyond milliseconds are cut off.${missing}`,
      })
    case 'amount':
      return Type.Unsafe({
        type: ['number', 'string', ...orNull],
        ...(required && { minLength: 1 }),
        description: `${says} In units of the currency, below 0 for a refund; a number or decimal text, with an exponent or not. Read exactly. How many decimals and how large is the model's: by default two, and below a billion. A model of several currencies converts it by a rate, which the attributes then hold.${missing}`,
      })
    case 'coordinate':
      return Type.Unsafe({
        type: ['number', 'string', ...orNull],
        minimum: field.bounds[0],
        maximum: field.bounds[1],
        description: `${says} From ${field.bounds[0]} to ${field.bounds[1]}.${missing}`,
      })
    default:
      return Type.Unsafe({
        type: ['string', 'integer', ...orNull],
        ...(required && { pattern: NAME }),
        maxLength: LONGEST_TEXT,
        description: `${says} ${TEXT_RULE}${missing}`,
      })
  }
}

/** What an answer has for a field. */
const answered = ({ kind, says }: TransactionField): TSchema => {
  switch (kind) {
    case 'time':
      return Type.String({ description: 'ISO 8601, UTC.' })
    case 'amount':
      return Type.Number({ description: 'In units of the currency, as it was sent.' })
    case 'coordinate':
      return Type.Number({ description: says })
    default:
      return Type.String({ description: says })
  }
}

/** How requests write attributes of each kind. */
const ATTRIBUTE_TYPES: Readonly<Record<AttributeKind, readonly string[]>> = {
  number: ['number', 'string', 'boolean'],
  category: ['string', 'integer', 'boolean'],
  boolean: ['boolean', 'integer', 'string'],
  time: ['string', 'integer'],
  text: ['string', 'integer', 'boolean'],
}

/** The name of the table in which an attribute is looked up that a request leaves out. */
export type TableOfAttribute = (attribute: string) => string | undefined

/** The attributes that a server of these models reads; of any, when nothing is known of models. */
export const attributesSchema = (
  { attributes, amounts: { base } }: TransactionShape,
  tableOf: TableOfAttribute = () => undefined,
): TSchema =>
  Type.Unsafe({
    type: ['object', 'null'],
    // Which they are is known when a model is in service; its route checks the names.
    additionalProperties: attributes.length === 0,
    description:
      'What the models in service know of a transaction beside its fields; each may be left out. Null or empty: missing.',
    properties: Object.fromEntries(
      attributes.map(({ name, kind, means, unit }) => [
        name,
        {
          type: [...ATTRIBUTE_TYPES[kind], 'null'],
          ...(isTextAttribute({ kind }) && { maxLength: LONGEST_TEXT }),
          description: `${means ?? name.replaceAll('_', ' ')}${unit === undefined ? '' : `, in ${unit}`}. ${ATTRIBUTE_WRITING[kind]}${base?.rate === name ? rateRule(base) : ''}${lookedUpIn(tableOf(name))}`,
        },
      ]),
    ),
  })

const rateRule = ({ currency }: BaseCurrency): string =>
  ` Above 0: how many ${currency} a unit of the currency is. A transaction in ${currency} needs none.`

const lookedUpIn = (table: string | undefined): string =>
  table === undefined ? '' : ` Left out: looked up in the table ${table}.`

const ANY_ATTRIBUTES = Type.Optional(attributesSchema(NO_SHAPE))

/** Whether a request must have it, as long as the bank knows users. */
const isAsked = (field: TransactionField): boolean => field.required || 'expected' in field

/** @param isThere whether every transaction has the field */
const properties = (
  schemaOf: (field: TransactionField) => TSchema,
  isThere: (field: TransactionField) => boolean,
) =>
  Object.fromEntries(
    TRANSACTION_FIELDS.map((field) => [
      field.wire,
      isThere(field) ? schemaOf(field) : Type.Optional(schemaOf(field)),
    ]),
  ) as Record<RequestField, TSchema>

export const TransactionBody = named(
  'Transaction',
  Type.Object(
    { ...properties(sent, isAsked), attributes: ANY_ATTRIBUTES },
    {
      additionalProperties: false,
      description: 'One card transaction.',
      examples: [EXAMPLE_TRANSACTION],
    },
  ),
)

/** A transaction as answers have it. */
export const TransactionAnswer = named(
  'TransactionAnswer',
  Type.Object(
    { ...properties(answered, isAsked), attributes: ANY_ATTRIBUTES },
    {
      description: 'One card transaction, ready to be sent to POST /predict.',
      examples: [EXAMPLE_TRANSACTION],
    },
  ),
)

/** A transaction that was decided on: without a user where the bank knows none. */
export const LoggedTransaction = named(
  'LoggedTransaction',
  Type.Object(
    { ...properties(answered, ({ required }) => required), attributes: ANY_ATTRIBUTES },
    { description: 'One card transaction as it was decided on.' },
  ),
)
