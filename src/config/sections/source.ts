import { type Static, type TOptional, type TString, Type } from 'typebox'
import { LONGEST_TEXT, SOURCE_FIELDS, type SourceField } from '../../transaction/fields.ts'
import { FORMAT_SCHEMA, LabelTableSchema, TableSchema } from './tables.ts'

const expression = (meaning: string) =>
  Type.Optional(
    Type.String({
      description: `${meaning} The name of a column as it stands in the source, or one SQL expression over its columns; left out, the source's column of the same name is used when there is one; empty text switches the field off.`,
    }),
  )

/** How a source writes a field, where that has to be said. */
const writing = (field: (typeof SOURCE_FIELDS)[number]): string => {
  switch (field.kind) {
    case 'time':
      return ' ISO 8601 with zone, epoch milliseconds, or a typed timestamp.'
    case 'amount':
      return ' In units of the currency, below 0 for a refund; the section amounts says which there are.'
    case 'coordinate':
      return ` From ${field.bounds[0]} to ${field.bounds[1]}.`
    default:
      return ''
  }
}

/**
 * One entry of `source.attributes`. Nothing has a default here: what is left out is decided where it is read.
 */
const AttributeSchema = Type.Object(
  {
    table: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'The table of source.tables that has it: from is then over its columns, and a pattern names them. Left out: the source itself.',
      }),
    ),
    from: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'Name of a column, or one SQL expression over the columns. Left out: the column of the same name. In a pattern, {} stands for the column.',
      }),
    ),
    kind: Type.Union([
      Type.Literal('number'),
      Type.Literal('category'),
      Type.Literal('boolean'),
      Type.Literal('time'),
      Type.Literal('text'),
    ]),
    unit: Type.Optional(
      Type.String({ minLength: 1, maxLength: 40, description: 'Of a number, in the plural: seconds.' }),
    ),
    means: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description:
          'A few words for reasons and reports: time since sign-up. In a pattern, {} stands for the name.',
      }),
    ),
    missing: Type.Optional(
      Type.String({
        pattern: `^(keep|mode|median|constant:.{1,${LONGEST_TEXT}})$`,
        description:
          'What becomes of a missing value: keep (default), mode (of a category or boolean) or median (of a number) of the training split, or constant:x.',
      }),
    ),
    unreadable: Type.Optional(Type.Union([Type.Literal('quarantine'), Type.Literal('missing')])),
    range: Type.Optional(
      Type.Array(Type.Number(), {
        minItems: 2,
        maxItems: 2,
        description:
          'Of a number: the least and the largest plausible value; others are a warning of validation.',
      }),
    ),
    allowed: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description: 'Of a category: its values; others are an error of validation.',
      }),
    ),
    max_missing_share: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'Largest share of rows without it. Default 0.999.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Where the transactions come from and how their columns become a transaction's fields. */
export const SourceSchema = Type.Object(
  {
    path: Type.Union(
      [Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })],
      {
        default: 'data/transactions.parquet',
        description:
          'File, glob or list of them, read in the order given (a glob in name order), relative to the configuration file; or one database, postgres://user@host:port/database?table=schema.name (docs/databases.md). The default is where `vigia generate` writes.',
      },
    ),
    query: Type.String({
      default: '',
      description:
        'One SELECT whose rows are the source, where source.path is a postgres:// address without a table. Its ORDER BY is the order of the source. Empty: the table of the address, or files.',
    }),
    format: FORMAT_SCHEMA,
    csv: Type.Object(
      {
        delimiter: Type.String({
          default: ',',
          minLength: 1,
          maxLength: 4,
          description:
            'What separates columns. Stated, never guessed: a guess that changes with the first rows of a file would change the data.',
        }),
        quote: Type.String({
          default: '"',
          maxLength: 1,
          description:
            'What encloses text that holds a delimiter; doubled, it stands for itself. Empty: none. The default is that of RFC 4180.',
        }),
        encoding: Type.Union([Type.Literal('utf-8'), Type.Literal('latin-1'), Type.Literal('utf-16')], {
          default: 'utf-8',
          description:
            'Encoding of the text. utf-8 because it is what systems write today and because a wrong guess is seen.',
        }),
      },
      { default: {}, additionalProperties: false, description: 'How CSV files are written.' },
    ),
    time_zone: Type.String({
      default: '',
      description:
        'IANA zone in which timestamps without an offset are read, for instance Europe/Madrid. Empty: such text is quarantined, because guessing a zone moves every hour-of-day feature; typed timestamps without a zone (of Parquet, or made by strptime) are then UTC, with a warning.',
    }),
    disambiguation: Type.Union(
      [Type.Literal('later'), Type.Literal('earlier'), Type.Literal('compatible'), Type.Literal('reject')],
      {
        default: 'later',
        description:
          'Which instant a time of source.time_zone is in the hour that a clock change repeats or skips, in the words of Temporal: the later or the earlier one, compatible (the earlier of a repeated hour, the later of a skipped one), or reject: its row is quarantined. later, because winter time is what many systems go on with; how many times it was asked for is counted.',
      },
    ),
    order: Type.Union([Type.Literal('event_time'), Type.Literal('arrival')], {
      default: 'event_time',
      description:
        'The order in which transactions arrive: `event_time` sorts by their time (equal times keep the source order), `arrival` keeps the order of the source. event_time because most exports are not in the order of arrival.',
    }),
    future: Type.Union([Type.Literal('quarantine'), Type.Literal('keep')], {
      default: 'quarantine',
      description:
        'What becomes of rows far after all others: at most one in a hundred, behind a silence ten times as long as the longest before it, in a source of a thousand rows or more. quarantine: one row of the year 2099 would move the split and blind the states of its user and merchant.',
    }),
    fields: Type.Object(
      Object.fromEntries(
        SOURCE_FIELDS.map((field) => [
          field.wire,
          expression(
            `${field.says}${writing(field)}${field.required ? ' Required.' : 'expected' in field ? ' Required; empty text says that the bank knows none.' : ''}`,
          ),
        ]),
      ) as Record<SourceField, TOptional<TString>>,
      {
        default: {},
        additionalProperties: false,
        description:
          'A column or one SQL expression for each field of a transaction. A text that is the name of a column (else the same but for case) is that column, blanks, `?` and words of SQL included; SQL puts such names in double quotes. Every column of CSV and JSON is text. `source_row` (1-based) and `source_file` can be used, and the macros decimal_comma(x), decimal_point(x), money(x), yes_no(x), first_time(x, formats), blank_to_null(x), epoch_seconds(x), epoch_microseconds(x) and epoch_nanoseconds(x). The mapping travels with the model: POST /predict?mapping=source takes rows by these columns (docs/serving.md).',
      },
    ),
    attributes: Type.Record(Type.String({ minLength: 1 }), AttributeSchema, {
      default: {},
      description:
        'What the bank knows of a transaction beside its fields, by name, each with its kind: number, category, boolean, time (a feature of it is the age in days) or text (kept and shown, no feature), and where needed table, from, unit, means, missing, unreadable (quarantine the row, the default, or count the value as missing), range, allowed, max_missing_share. A pattern names many columns at once: V* or C1..C14. They become features, reasons and the `attributes` of requests. See docs/attributes.md.',
    }),
    labels: LabelTableSchema,
    tables: Type.Record(Type.String({ minLength: 1 }), TableSchema, {
      default: {},
      description:
        'Tables beside the transactions, by name: customers, merchants, IP ranges, rates of exchange. Each is found by key or range as of the time of the transaction, and gives the attributes that say `table: <name>`. See docs/tables.md.',
    }),
  },
  { default: {}, additionalProperties: false, description: 'Where transactions come from.' },
)

/** One entry of `source.attributes`, as it is written. */
export type AttributeSettings = Static<typeof AttributeSchema>

export type SourceSettings = Static<typeof SourceSchema>
