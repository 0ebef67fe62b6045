import { type Static, Type } from 'typebox'

const text = Type.String({ minLength: 1 })
const closed = { additionalProperties: false }

/** What a value is compared as. */
const KeyKindSchema = Type.Union([Type.Literal('text'), Type.Literal('number')])

/** Which instant a local time is that a clock change repeats or skips; absent: the later one. */
export const DisambiguationSchema = Type.Union([
  Type.Literal('later'),
  Type.Literal('earlier'),
  Type.Literal('compatible'),
  Type.Literal('reject'),
])

/**
 * A table beside the transactions, as training read it: which row of it a transaction finds, and what the row
 * gives. It travels in the manifest of a model, and serving reads the table of its own day by it.
 */
export const TableMappingSchema = Type.Object(
  {
    name: text,
    /** Where it lay when the model was trained, as the configuration wrote it. */
    path: Type.Union([text, Type.Array(text, { minItems: 1 })]),
    format: Type.Union([Type.Literal('csv'), Type.Literal('json'), Type.Literal('parquet')]),
    csv: Type.Object(
      {
        delimiter: text,
        quote: Type.String(),
        encoding: Type.Union([Type.Literal('utf-8'), Type.Literal('latin-1'), Type.Literal('utf-16')]),
      },
      closed,
    ),
    /** IANA zone of times without one; empty: none is known. */
    timeZone: Type.String({ maxLength: 64 }),
    disambiguation: Type.Optional(DisambiguationSchema),
    /** The columns that the expressions read, with their SQL types. */
    columns: Type.Array(Type.Object({ name: text, type: Type.String({ maxLength: 10_000 }) }, closed)),
    /** SQL over them, each with the field or attribute of a transaction that has the same value. */
    key: Type.Array(Type.Object({ from: text, of: text, kind: KeyKindSchema }, closed)),
    /** A range that holds an attribute: of numbers, or of IP addresses. */
    range: Type.Optional(
      Type.Object(
        {
          of: text,
          kind: Type.Union([Type.Literal('number'), Type.Literal('address')]),
          from: Type.Optional(text),
          to: Type.Optional(text),
          network: Type.Optional(text),
        },
        closed,
      ),
    ),
    validFrom: Type.Optional(text),
    validTo: Type.Optional(text),
    knownFrom: Type.Optional(text),
    /** The SQL expression of each attribute that it gives, by name. */
    attributes: Type.Record(Type.String(), text),
  },
  closed,
)

export type TableMapping = Static<typeof TableMappingSchema>

/** The tables of a mapping in the order of lookup: one may be found by what one before it gives. */
export const TableMappingsSchema = Type.Array(TableMappingSchema)
