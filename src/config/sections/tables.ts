import { type Static, Type } from 'typebox'

const column = (meaning: string) =>
  Type.Optional(
    Type.String({
      minLength: 1,
      description: `${meaning} A column of the table, or one SQL expression over its columns.`,
    }),
  )

/** How the files of a source or of a table beside it are written. */
export const FORMAT_SCHEMA = Type.Union(
  [Type.Literal('auto'), Type.Literal('csv'), Type.Literal('parquet'), Type.Literal('json')],
  {
    default: 'auto',
    description:
      'How the files are written; `json` is one object a line. `auto` goes by the name (.csv, .tsv, .txt, .parquet, .json, .jsonl, .ndjson, also with .gz or .zst), which is right for nearly every export.',
  },
)

/** One entry of `source.tables`. What is left out is decided where it is read. */
export const TableSchema = Type.Object(
  {
    path: Type.Union(
      [Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })],
      { description: 'File, glob or list of them, as source.path.' },
    ),
    format: Type.Optional(FORMAT_SCHEMA),
    delimiter: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4, description: 'Of CSV. Left out: that of source.csv.' }),
    ),
    key: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1 }), {
        description:
          'What finds a row: a column of the table (or SQL over its columns), and the field or attribute of the transaction that has the same value, as customer_id: user_id. Of several, all must be equal.',
      }),
    ),
    range: Type.Optional(
      Type.Object(
        {
          of: Type.String({
            minLength: 1,
            description:
              'The attribute that lies in the range: a number, or an IP address (IPv4, IPv6, or as a whole number) as text or category.',
          }),
          from: column('The least value of the range.'),
          to: column('The largest value of the range, itself in it.'),
          network: column('In place of from and to: an IP network as 192.0.2.0/24.'),
        },
        {
          additionalProperties: false,
          description: 'What finds a row by a range that it stands for, alone or beside key.',
        },
      ),
    ),
    valid_from: column(
      'From when the row holds. A transaction finds the newest row that held at its time. Left out: rows hold at all times.',
    ),
    valid_to: column('Until when the row holds, itself not in it; missing: until the next one.'),
    known_from: column(
      'When the row came into the table, where that is later than valid_from: an earlier transaction does not find it, as the bank did not know it then.',
    ),
  },
  {
    additionalProperties: false,
    description: 'A table beside the transactions, found for each by key or range.',
  },
)

/** One entry of `source.tables`, as it is written. */
export type TableSettings = Static<typeof TableSchema>

/** `source.labels`: labels that come from elsewhere than the transactions. */
export const LabelTableSchema = Type.Object(
  {
    path: Type.Union([Type.String(), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })], {
      default: '',
      description: 'File, glob or list of them, as source.path. Empty: there is no such table.',
    }),
    format: Type.Optional(FORMAT_SCHEMA),
    delimiter: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4, description: 'Of CSV. Left out: that of source.csv.' }),
    ),
    transaction_id: column('Which transaction the row is about; left out: the column transaction_id.'),
    is_fraud: column(
      "1 or true for fraud, 0 or false for genuine, empty where what was said before is taken back; left out: the column is_fraud. A table of chargebacks alone says `is_fraud: '1'`.",
    ),
    known_at: column(
      'When the bank came to know it, read as source.fields.labelled_at is; left out: the column known_at, and where there is none the time of the transaction plus labels.delay.',
    ),
  },
  {
    default: {},
    additionalProperties: false,
    description:
      'A table of labels by transaction, with corrections: chargebacks, reports, verdicts of analysts. At every time the latest of what was known by then counts, the label of the transaction itself among it. See docs/labels.md.',
  },
)

/** `source.labels`, as it is written. */
export type LabelTableSettings = Static<typeof LabelTableSchema>
