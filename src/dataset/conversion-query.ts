import { sqlIdentifier } from '../disk/database.ts'
import type { AmountRules } from '../transaction/amount-rules.ts'
import { type Attribute, attributeColumn, isTextAttribute } from '../transaction/attributes.ts'
import type { SourceField } from '../transaction/fields.ts'
import { PREPARED_COLUMNS, SENT_AMOUNT_COLUMN } from '../transaction/prepared-columns.ts'
import {
  type ConvertedAttribute,
  convertAttribute,
  convertedStep,
  unreadableNames,
} from './attribute-conversion.ts'
import type { BoundAttribute } from './bound-attributes.ts'
import { type ConvertedField, convertField, mappedColumn, rowReasons } from './field-conversion.ts'
import type { MappedField } from './field-mapping.ts'
import type { LocalTimes } from './local-time.ts'

/** Everything that is converted, each with its expression. */
export interface Conversion {
  readonly fields: readonly MappedField<SourceField>[]
  readonly attributes: readonly BoundAttribute[]
  readonly times: LocalTimes
  readonly amounts: AmountRules
}

/** Rows of the view `source_rows` as SQL, each mapped and converted. */
export interface ConvertedRows {
  /** A SELECT with `source_row`, `"__unreadable"` and every step of the conversion. */
  readonly query: string
  /** What of it each prepared column is, by the column's name as SQL. */
  readonly columns: ReadonlyMap<string, string>
  /** The reasons of a row over it, as one set of bits. */
  readonly reasons: string
  readonly fields: readonly ConvertedField[]
  readonly attributes: readonly ConvertedAttribute[]
  /** Of each local time whether a clock change made it happen twice or never, as `clockChangeOf` says. */
  readonly clocks: readonly (readonly [name: string, sql: string])[]
}

/** Fields and attributes. */
export const allOf = ({
  fields,
  attributes,
}: Pick<Conversion, 'fields' | 'attributes'>): readonly MappedField[] => [
  ...fields,
  ...attributes.map(({ field }) => field),
]

const PREPARED = Object.keys(PREPARED_COLUMNS).filter((name) => name !== 'arrival' && name !== 'source_row')

/**
 * The columns of a prepared dataset with these attributes, but for the numbers of rows, as SQL.
 *
 * @param amounts where they have been converted to a base currency
 */
export const preparedNames = (
  attributes: readonly Pick<Attribute, 'name'>[],
  { base }: Pick<AmountRules, 'base'> = {},
): readonly string[] => [
  ...PREPARED,
  ...attributes.map(({ name }) => sqlIdentifier(attributeColumn(name))),
  ...(base === undefined ? [] : [SENT_AMOUNT_COLUMN]),
]

/**
 * The conversion as SQL: of files when they are read, and of the rows that a service is sent. Each step is a
 * subquery of its own, so that no expression is computed twice.
 *
 * @param careful as `mappedRows` says
 */
export const convertedRows = (conversion: Conversion, careful: boolean): ConvertedRows => {
  const { fields, attributes, times, amounts } = conversion
  const converted = fields.map((field) => convertField(field, times, amounts))
  const others = attributes.map(({ attribute, field }) => convertAttribute(attribute, field, times))
  const layers = Math.max(1, ...converted.map((field) => field.steps.length))
  const forgiving = attributes.filter(({ attribute }) => attribute.unreadable === 'missing')
  let query = mappedRows(
    allOf(conversion),
    careful ? new Set(forgiving.map(({ field }) => field)) : undefined,
  )
  for (let layer = 0; layer < layers; layer++) {
    const steps = converted.flatMap(({ steps }) => steps.slice(layer, layer + 1))
    if (layer === 0)
      steps.push(...others.map(({ attribute, value }) => [attributeStep(attribute), value] as const))
    query = `SELECT *, ${steps.map(([name, sql]) => `${sql} AS ${name}`).join(', ')} FROM (${query})`
  }
  query = `SELECT *, ${unreadableNames(others)} AS "__unreadable" FROM (${query})`
  const columns = new Map([
    ...converted.flatMap((field) => field.columns),
    ...others.map(({ attribute, column }) => [sqlIdentifier(column), attributeStep(attribute)] as const),
  ])
  const texts = [
    ...PREPARED.filter((name) => PREPARED_COLUMNS[name as 'user_id'].startsWith('VARCHAR')).flatMap(
      (name) => columns.get(name) ?? [],
    ),
    ...others
      .filter(({ attribute }) => isTextAttribute(attribute))
      .map(({ attribute }) => attributeStep(attribute)),
  ]
  const reasons = rowReasons(converted, texts)
  const clocks = [
    ...converted.map(({ clock }, index) => [fields[index]!.field as string, clock] as const),
    ...others.map(({ attribute, clock }) => [`attributes.${attribute.name}`, clock] as const),
  ].flatMap(([name, clock]) => (clock === undefined ? [] : [[name, clock] as const]))
  return { query, columns, reasons, fields: converted, attributes: others, clocks }
}

/**
 * Every field's expression over the source. With `forgiving` it is the second try, after an expression failed
 * on some row (a cast of text that is no number, for instance): the expression is wrapped so that it gives no
 * value there, and the row is told apart from one whose value is missing by the struct around the value, but
 * for those of `forgiving`, whose value is then missing. `failedColumn` says of each whether it failed.
 */
const mappedRows = (fields: readonly MappedField[], forgiving?: ReadonlySet<MappedField>): string => {
  const mapped = fields.filter(({ expression }) => expression !== null)
  const absent = fields.filter(({ expression }) => expression === null)
  const nulls = absent.map(({ field }) => `NULL::VARCHAR AS ${mappedColumn(field)}`)
  if (forgiving === undefined) {
    const values = mapped.map(({ field, expression }) => `(\n${expression}\n) AS ${mappedColumn(field)}`)
    return `SELECT source_row, "__malformed", false AS "__failed", ${[...values, ...nulls].join(', ')} FROM source_rows`
  }
  const tries = mapped.map(({ field, expression }) => `TRY({'value': (\n${expression}\n)}) AS t_${field}`)
  const values = mapped.map(({ field }) => `t_${field}.value AS ${mappedColumn(field)}`)
  const failures = mapped
    .filter((field) => !forgiving.has(field))
    .map(({ field }) => [failedColumn(field), `t_${field} IS NULL`] as const)
  const failed = failures.length === 0 ? 'false' : failures.map(([, condition]) => condition).join(' OR ')
  const each = failures.map(([name, condition]) => `${condition} AS ${name}`)
  return `SELECT source_row, "__malformed", (${failed}) AS "__failed", ${[...each, ...values, ...nulls].join(', ')} FROM (SELECT source_row, "__malformed", ${tries.join(', ')} FROM source_rows)`
}

/** Whether the expression of a field failed on a row, where `convertedRows` is careful and it counts. */
export const failedColumn = (field: string): string => sqlIdentifier(`f_${field}`)

const attributeStep = ({ name }: Attribute): string => sqlIdentifier(convertedStep(name))
