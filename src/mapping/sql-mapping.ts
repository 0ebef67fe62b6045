import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api'
import type { BoundAttribute } from '../dataset/bound-attributes.ts'
import { convertedRows, failedColumn } from '../dataset/conversion-query.ts'
import { mappedColumn } from '../dataset/field-conversion.ts'
import { type ExpressionBinder, expressionBinder, type MappedField } from '../dataset/field-mapping.ts'
import { createMappingMacros } from '../dataset/mapping-macros.ts'
import type { QuarantineReason } from '../dataset/quarantine-reasons.ts'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { type MemoryDatabase, openMemoryDatabase } from '../disk/memory-database.ts'
import { VigiaError } from '../errors.ts'
import type { AmountRules } from '../transaction/amount-rules.ts'
import { type Attribute, isTextAttribute } from '../transaction/attributes.ts'
import type { RequestField } from '../transaction/fields.ts'
import { PREPARED_COLUMNS, type PreparedColumn } from '../transaction/prepared-columns.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import { SENDABLE, type SentText } from './sent-values.ts'

/** What SQL computes: some fields and attributes of a mapping, by the expressions that training had. */
export interface SqlParts {
  readonly mapping: SourceMapping
  readonly amounts: AmountRules
  readonly fields: readonly RequestField[]
  readonly attributes: readonly Attribute[]
}

/** What became of one of them on a row. */
export interface SqlValue {
  /** As the prepared dataset has it: text, epoch milliseconds, minor units, a double, a boolean. */
  readonly value: string | number | boolean | null
  /** Why there is none that can be used; null: there is, or it is missing. */
  readonly reason: QuarantineReason | null
  /** What the expression gave, as text, where there is a reason. */
  readonly got: string | null
}

/** What SQL says of a row. */
export interface SqlRow {
  /** Fields first, then attributes, in the order of `SqlParts`. */
  readonly values: SqlValue[]
  /** Columns whose text is no value of their type. */
  readonly misfits: string[]
}

/** The texts of a row by the names of its columns. */
export type RowTexts = ReadonlyMap<string, SentText>

/** The conversion that training ran, over rows that come as a parameter. */
export interface SqlMapping {
  run(rows: readonly RowTexts[]): Promise<readonly SqlRow[]>
  close(): void
}

/**
 * Parts of one statement at most: each takes three columns or so of 32 kB in each of its steps, however few
 * the rows are.
 */
const MOST_PARTS = 64

interface Statement {
  /** The columns that its rows have, in this order. */
  readonly columns: readonly string[]
  readonly prepared: DuckDBPreparedStatement
}

/**
 * Opens a DuckDB of its own in memory that reads no file, no network and no settings, on one thread, with the
 * columns of the mapping and its macros.
 *
 * @throws DATASET_TYPE_UNSUPPORTED for columns that JSON cannot write
 */
export const openMappingDatabase = (mapping: SourceMapping): Promise<MemoryDatabase> =>
  openMemoryDatabase({
    prepare: async (connection) => {
      await createMappingMacros(connection)
      await createSource(connection, mapping)
    },
  })

/**
 * Prepares the statements of some parts. Expressions come from the artifact and are checked as those of a
 * configuration are; rows are always their parameter.
 *
 * @throws the DATASET_ errors of expressions; DATASET_TYPE_UNSUPPORTED for columns that JSON cannot write
 */
export const openSqlMapping = async (parts: SqlParts): Promise<SqlMapping> => {
  const { connection, close } = await openMappingDatabase(parts.mapping)
  try {
    const names = parts.mapping.columns.map(({ name }) => name)
    const bind = await expressionBinder(connection, names, 'places among them')
    const statements: Statement[] = []
    for (const group of groupsOf(parts)) {
      const { sql, columns } = await statementOf(bind, group)
      statements.push({ columns, prepared: await connection.prepare(sql) })
    }
    return {
      run: async (rows) => {
        const answers: SqlRow[] = rows.map(() => ({ values: [], misfits: [] }))
        for (const statement of statements)
          for (const [index, { values, misfits }] of (await runOn(statement, rows)).entries()) {
            answers[index]!.values.push(...values)
            answers[index]!.misfits.push(...misfits)
          }
        return answers
      },
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/** The table that expressions are checked against. @throws DATASET_TYPE_UNSUPPORTED */
const createSource = async (connection: DuckDBConnection, { columns }: SourceMapping): Promise<void> => {
  for (const { name, type } of columns)
    if (!SENDABLE.test(type))
      throw new VigiaError('DATASET_TYPE_UNSUPPORTED', {
        setting: `The column ${name}`,
        got: type,
        allowed: 'text, numbers, BOOLEAN, DATE, TIMESTAMP',
      })
  const own = columns.map(({ name, type }) => `${sqlIdentifier(name)} ${type}`)
  const place = hasPlace(columns) ? [] : ['source_row BIGINT']
  await connection.run(
    `CREATE TEMP TABLE source_rows (${[...place, '"__malformed" VARCHAR', ...own].join(', ')})`,
  )
}

const hasPlace = (columns: SourceMapping['columns']): boolean =>
  columns.some(({ name }) => name.toLowerCase() === 'source_row')

/** The parts in groups, in their order. */
const groupsOf = (parts: SqlParts): readonly SqlParts[] => {
  const { fields, attributes } = parts
  const first = MOST_PARTS - fields.length
  const groups = [{ ...parts, attributes: attributes.slice(0, first) }]
  for (let from = first; from < attributes.length; from += MOST_PARTS)
    groups.push({ ...parts, fields: [], attributes: attributes.slice(from, from + MOST_PARTS) })
  return groups
}

/** The statement and the columns of its rows. */
const statementOf = async (
  bind: ExpressionBinder,
  { mapping, amounts, fields, attributes }: SqlParts,
): Promise<{ readonly sql: string; readonly columns: readonly string[] }> => {
  const boundFields: MappedField<RequestField>[] = []
  for (const field of fields)
    boundFields.push(await bind(field, `source.fields.${field}`, mapping.fields[field]!))
  const bound: BoundAttribute[] = []
  for (const attribute of attributes) {
    const { name } = attribute
    const expression = mapping.attributes[name]!
    const field = await bind(`attribute_${name}`, `source.attributes.${name}.from`, expression)
    bound.push({ attribute: { ...attribute, expression }, field })
  }
  const read = new Set([...boundFields, ...bound.map(({ field }) => field)].flatMap(({ columns }) => columns))
  const columns = mapping.columns.filter(({ name }) => read.has(name))
  const conversion = { fields: boundFields, attributes: bound, times: mapping, amounts }
  const converted = convertedRows(conversion, true)
  const outputs = [
    ...boundFields.map((field, index) => {
      const { columns: results, reasons } = converted.fields[index]!
      const [[column, value]] = results as [readonly [string, string]]
      const type = PREPARED_COLUMNS[column as PreparedColumn].split(' ')[0]!
      return outputOf(field, value, type, [['mapping_failed', failedColumn(field.field)], ...reasons])
    }),
    ...bound.map(({ attribute, field }, index) => {
      const { column, isUnreadable } = converted.attributes[index]!
      const value = converted.columns.get(sqlIdentifier(column))!
      const type = isTextAttribute(attribute) ? 'VARCHAR' : attribute.kind === 'time' ? 'BIGINT' : ''
      const failed = attribute.unreadable === 'missing' ? 'false' : failedColumn(field.field)
      return outputOf(field, value, type, [
        ['mapping_failed', failed],
        ['attribute_not_readable', isUnreadable],
      ])
    }),
  ]
  const sql = `WITH sent AS (SELECT unnest(from_json($1::VARCHAR, '[["VARCHAR"]]')) AS r), source_rows AS (${sentRows(columns)}) SELECT "__malformed", ${outputs.join(', ')} FROM (${converted.query})`
  return { sql, columns: columns.map(({ name }) => name) }
}

/** What is malformed in a row that was sent are the columns whose text is no value of their type. */
const sentRows = (columns: SourceMapping['columns']): string => {
  const typed = columns.map(({ type }, index) => {
    const text = `r[${index + 1}]`
    return type === 'VARCHAR' ? text : `TRY_CAST(${text} AS ${type})`
  })
  const misfits = columns.flatMap(({ name, type }, index) =>
    type === 'VARCHAR'
      ? []
      : [`CASE WHEN r[${index + 1}] IS NOT NULL AND ${typed[index]} IS NULL THEN ${sqlLiteral(name)} END`],
  )
  const malformed =
    misfits.length === 0 ? 'NULL::VARCHAR' : `nullif(concat_ws(chr(10), ${misfits.join(', ')}), '')`
  const own = columns.map(({ name }, index) => `${typed[index]} AS ${sqlIdentifier(name)}`)
  const place = hasPlace(columns) ? [] : ['NULL::BIGINT AS source_row']
  return `SELECT ${[...place, `${malformed} AS "__malformed"`, ...own].join(', ')} FROM sent`
}

/** Three columns: the value, the first reason that holds, and what the expression gave where one does. */
const outputOf = (
  { field }: MappedField,
  value: string,
  type: string,
  reasons: readonly (readonly [QuarantineReason, string])[],
): string => {
  // The library's own decoding takes a byte order mark in front away: text never begins with one of its own.
  const answered =
    type === 'VARCHAR' ? `concat('=', ${value})` : type === 'BIGINT' ? `CAST(${value} AS DOUBLE)` : value
  const cases = reasons.filter(([, condition]) => condition !== 'false')
  const reason =
    cases.length === 0
      ? 'NULL::VARCHAR'
      : `CASE ${cases.map(([code, condition]) => `WHEN ${condition} THEN '${code}'`).join(' ')} END`
  const got = `CASE WHEN (${reason}) IS NOT NULL THEN TRY(CAST(${mappedColumn(field)} AS VARCHAR)) END`
  return `CASE WHEN (${value}) IS NOT NULL THEN ${answered} END, ${reason}, ${got}`
}

const WIDTH = 3

/** @throws what DuckDB says of the rows; a plain error when it answers for another number of them */
const runOn = async (
  { columns, prepared }: Statement,
  rows: readonly RowTexts[],
): Promise<readonly SqlRow[]> => {
  prepared.bindVarchar(1, JSON.stringify(rows.map((texts) => columns.map((name) => texts.get(name) ?? null))))
  const answered = (await prepared.runAndReadAll()).getRows()
  if (answered.length !== rows.length) throw new Error(`${answered.length} of ${rows.length} rows came back`)
  return answered.map(([misfits, ...answers]) => {
    const values: SqlValue[] = []
    for (let at = 0; at < answers.length; at += WIDTH) {
      const value = answers[at] as SqlValue['value']
      values.push({
        value: typeof value === 'string' ? value.slice(1) : value,
        reason: answers[at + 1] as SqlValue['reason'],
        got: answers[at + 2] as SqlValue['got'],
      })
    }
    return { values, misfits: misfits === null ? [] : String(misfits).split('\n') }
  })
}
