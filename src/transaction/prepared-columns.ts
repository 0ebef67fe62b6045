import type { AmountRules } from './amount-rules.ts'
import {
  type FieldKind,
  type LABEL_FIELDS,
  SOURCE_FIELDS,
  TRANSACTION_FIELDS,
  type TransactionField,
} from './fields.ts'

type LabelField = (typeof LABEL_FIELDS)[number]
type ColumnOf<F extends { readonly column: string }> = { readonly [E in F as E['column']]: string }

const SQL_TYPES: Readonly<Record<FieldKind | LabelField['kind'], string>> = {
  id: 'VARCHAR',
  category: 'VARCHAR',
  place: 'VARCHAR',
  time: 'BIGINT',
  amount: 'BIGINT',
  coordinate: 'DOUBLE',
  label: 'TINYINT',
  'label-time': 'BIGINT',
  pattern: 'VARCHAR',
}

const columnsOf = <F extends TransactionField | LabelField>(fields: readonly F[]): ColumnOf<F> =>
  Object.fromEntries(
    fields.map(({ column, kind, required }) => [column, `${SQL_TYPES[kind]}${required ? ' NOT NULL' : ''}`]),
  ) as ColumnOf<F>

/**
 * The columns of a prepared dataset, by name with their SQL types: the Parquet file that the read step
 * writes and every later step reads.
 *
 * Rows stand in arrival order; `arrival` counts them from 0. Missing values are NULL. `fraud_pattern` is for
 * analysis only and is not a feature's input: the replay never selects it.
 */
export const PREPARED_COLUMNS = {
  arrival: 'BIGINT NOT NULL',
  source_row: 'BIGINT NOT NULL',
  ...columnsOf(SOURCE_FIELDS),
}

export type PreparedColumn = keyof typeof PREPARED_COLUMNS

/**
 * Beside them where there is a base currency: the amount as it was sent, in minor units by the rules of
 * amounts. `amount_minor` is then what features see, in minor units of the base currency.
 */
export const SENT_AMOUNT_COLUMN = 'sent_amount_minor'

/**
 * The column of each field as SQL whose values JavaScript reads as a transaction has them: text or doubles.
 */
export const FIELD_SQL = Object.fromEntries(
  TRANSACTION_FIELDS.map(({ name, column }) => [
    name,
    PREPARED_COLUMNS[column].startsWith('BIGINT') ? `${column}::DOUBLE` : column,
  ]),
) as { readonly [Name in TransactionField['name']]: string }

/** What decides how a transaction stands in a prepared dataset as it was sent. */
export interface SentShape {
  readonly amounts: Pick<AmountRules, 'base'>
  /** Absent: rows need not have what they reverse; those of before there was any have no such column. */
  readonly reversals?: boolean | undefined
}

/** The fields of transactions as they were sent, by name, each with its SQL as `FIELD_SQL` has it. */
export const sentFieldSql = ({
  amounts: { base },
  reversals,
}: SentShape): readonly (readonly [string, string])[] =>
  Object.entries(FIELD_SQL)
    .filter(([name]) => name !== 'reverses' || reversals)
    .map(([name, sql]) =>
      name === 'amountMinor' && base !== undefined ? [name, `${SENT_AMOUNT_COLUMN}::DOUBLE`] : [name, sql],
    )
