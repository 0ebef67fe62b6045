import { type Static, Type } from 'typebox'
import { type RequestField, TRANSACTION_FIELDS } from './fields.ts'
import { DisambiguationSchema, TableMappingsSchema } from './table-mapping.ts'

/**
 * How the rows of a bank's own tables become transactions, as training read them: the expressions of fields
 * and attributes over the columns of the source. It travels in the manifest of a model, so that serving runs
 * the same mapping on the rows that it is sent. Plain data; what it says is checked again before it is used.
 */
export const SourceMappingSchema = Type.Object(
  {
    version: Type.Literal(1),
    /** How the files were written, which decides what an empty text is: in CSV it is missing. */
    format: Type.Union([Type.Literal('csv'), Type.Literal('json'), Type.Literal('parquet')]),
    /** IANA zone of times without one; empty: none is known. */
    timeZone: Type.String({ maxLength: 64 }),
    disambiguation: Type.Optional(DisambiguationSchema),
    /** The columns that the expressions read, in the order of the source, with their SQL types. */
    columns: Type.Array(
      Type.Object(
        { name: Type.String(), type: Type.String({ maxLength: 10_000 }) },
        { additionalProperties: false },
      ),
    ),
    /** The SQL expression of each field that the source has; never of the label. */
    fields: Type.Object(
      Object.fromEntries(
        TRANSACTION_FIELDS.map(({ wire }) => [wire, Type.Optional(Type.String())]),
      ) as Record<RequestField, ReturnType<typeof Type.Optional<ReturnType<typeof Type.String>>>>,
      { additionalProperties: false },
    ),
    /** The SQL expression of each attribute, by name. */
    attributes: Type.Record(Type.String(), Type.String()),
    /** Tables beside the transactions; absent where there are none. */
    tables: Type.Optional(TableMappingsSchema),
  },
  { additionalProperties: false },
)

export type SourceMapping = Static<typeof SourceMappingSchema>

/** What a row may say of its own place: the mapping of a source without ids may make one of it. */
export const PLACE_COLUMNS: Readonly<Record<string, string>> = {
  source_row: 'BIGINT',
  source_file: 'VARCHAR',
}

/** Whether an expression names a column, in quotes or as a word; for people, who are told of it. */
export const mentions = (expression: string, column: string): boolean => {
  if (expression.toLowerCase().includes(`"${column.replaceAll('"', '""').toLowerCase()}"`)) return true
  return /^\w+$/.test(column) && new RegExp(`(?<![\\w"'])${column}(?![\\w"'])`, 'i').test(expression)
}
