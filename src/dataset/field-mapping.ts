import type { DuckDBConnection } from '@duckdb/node-api'
import { distance } from 'fastest-levenshtein'
import type { SourceSettings } from '../config/sections/source.ts'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import { EXPECTED_FIELDS, LABEL_FIELDS, SOURCE_FIELDS, type SourceField } from '../transaction/fields.ts'
import { PLACE_COLUMNS } from '../transaction/source-mapping.ts'

const REQUIRED: readonly SourceField[] = SOURCE_FIELDS.filter(({ required }) => required).map(
  ({ wire }) => wire,
)
const EXPECTED: readonly SourceField[] = EXPECTED_FIELDS.map(({ wire }) => wire)

/** A field of a transaction, or the column of an attribute. */
export type MappedName = SourceField | `attribute_${string}`

/**
 * A field's expression over `source_rows` and the SQL type of what it gives. A field without a column gives
 * NULL text.
 */
export interface MappedField<Name extends MappedName = MappedName> {
  readonly field: Name
  /** As configuration or the column's name gives it; null when the source has nothing for the field. */
  readonly expression: string | null
  readonly type: string
  /** The columns of the source that the expression uses, as the source names them. */
  readonly columns: readonly string[]
  /** `source_row` and `source_file`, where it uses them; absent when it uses neither. */
  readonly places?: readonly string[]
}

/**
 * Decides and checks the expression of every field against the view `source_rows`. A text that is the name
 * of a column, letter by letter or else but for case, is that column, whatever SQL would make of it:
 * `Is Fraud?` and `order` need no quotes.
 *
 * With `labels: 'if there'`, a label whose columns the source lacks is a label that it does not say: a file
 * to score comes before its labels.
 *
 * @throws DATASET_FIELD_UNMAPPED, DATASET_COLUMN_UNKNOWN, DATASET_EXPRESSION_INVALID
 */
export const mapFields = async (
  connection: DuckDBConnection,
  fields: SourceSettings['fields'],
  columns: readonly string[],
  labels: 'as configured' | 'if there' = 'as configured',
): Promise<readonly MappedField<SourceField>[]> => {
  const bind = await expressionBinder(connection, columns)
  const mapped: MappedField<SourceField>[] = []
  for (const { wire: field } of SOURCE_FIELDS) {
    const expression = expressionOf(field, fields, columns)
    const absent: MappedField<SourceField> = {
      field,
      expression: null,
      type: 'VARCHAR',
      columns: [],
      places: [],
    }
    const isOptional = labels === 'if there' && LABELS.includes(field)
    if (expression === null) mapped.push(absent)
    else
      mapped.push(
        await bind(field, `source.fields.${field}`, expression).catch((error: unknown) => {
          if (isOptional && error instanceof VigiaError && LACKING.includes(error.code)) return absent
          throw error
        }),
      )
  }
  return mapped
}

/** Columns of the source, as it names them, that fields are made of. */
export interface TakenColumns {
  /** That are a field, as they stand or written otherwise: its expression names no other column. */
  readonly fields: readonly string[]
  /** That the label or its time is made of, in whatever way. */
  readonly label: readonly string[]
  /** Of these, the ones that no field beside the label reads: they tell nothing but the answer. */
  readonly answers: readonly string[]
}

/** Which columns the fields have taken, from the syntax trees of their expressions. */
export const takenColumns = async (
  connection: DuckDBConnection,
  mapped: readonly MappedField<SourceField>[],
  columns: readonly string[],
): Promise<TakenColumns> => {
  const byName = new Map(columns.map((column) => [column.toLowerCase(), column]))
  const fields: string[] = []
  const label: string[] = []
  const others = new Set<string>()
  for (const { field, expression } of mapped) {
    if (expression === null) continue
    const parsed = await parse(connection, expression)
    if ('reason' in parsed) continue
    const named = (nodes: readonly SyntaxNode[]) =>
      nodes
        .filter((node) => node.class === 'COLUMN_REF')
        .flatMap((node) => byName.get(nameOf(node).toLowerCase()) ?? [])
    const used = new Set(named(nodesOf(parsed.tree)))
    if (used.size === 1) fields.push(...used)
    if (field === 'is_fraud' || field === 'labelled_at') label.push(...used)
    else for (const column of used) others.add(column)
  }
  return { fields, label, answers: label.filter((column) => !others.has(column)) }
}

/** Checks an expression over `source_rows`, which `setting` has, and tells what it gives. */
export type ExpressionBinder = <Name extends MappedName>(
  field: Name,
  setting: string,
  expression: string,
) => Promise<MappedField<Name>>

/**
 * @param places whether `source_row` and `source_file` are columns, as in rows that are sent one by one, or
 * the place of a row, which no column may be called then
 * @throws DATASET_COLUMN_UNKNOWN, DATASET_EXPRESSION_INVALID, when the answer is called
 */
export const expressionBinder = async (
  connection: DuckDBConnection,
  columns: readonly string[],
  places: 'places apart' | 'places among them' = 'places apart',
): Promise<ExpressionBinder> => {
  const functions = await refusedFunctions(connection)
  const notPlaces =
    places === 'places apart' ? columns.filter((name) => PLACES.includes(name.toLowerCase())) : []
  return async (field, setting, expression) => ({
    field,
    expression,
    ...(await bindExpression(connection, setting, expression, columns, { ...functions, notPlaces })),
  })
}

/** Where a row stands: columns that every source has. */
const PLACES: readonly string[] = Object.keys(PLACE_COLUMNS)

const LABELS: readonly SourceField[] = LABEL_FIELDS.map(({ wire }) => wire)

/** How a column that is not there shows: by its name, or as SQL that is none where its name has blanks. */
const LACKING: readonly string[] = ['DATASET_COLUMN_UNKNOWN', 'DATASET_EXPRESSION_INVALID']

const expressionOf = (
  field: SourceField,
  fields: SourceSettings['fields'],
  columns: readonly string[],
): string | null => {
  const configured = fields[field]?.trim()
  if (configured) {
    const named = columnNamed(configured, columns)
    return named === undefined ? configured : sqlIdentifier(named)
  }
  const column = columnNamed(field, columns)
  if (configured === undefined && column !== undefined) return sqlIdentifier(column)
  const isSwitchedOff = configured !== undefined && EXPECTED.includes(field)
  if (isSwitchedOff || !(REQUIRED.includes(field) || EXPECTED.includes(field))) return null
  throw new VigiaError('DATASET_FIELD_UNMAPPED', {
    field,
    allowed: listed(columns),
    suggestion: didYouMean(field, columns),
  })
}

/** The column that a text names: letter by letter, else but for case. */
export const columnNamed = (text: string, columns: readonly string[]): string | undefined =>
  columns.find((name) => name === text) ?? columns.find((name) => name.toLowerCase() === text.toLowerCase())

const bindExpression = async (
  connection: DuckDBConnection,
  setting: string,
  expression: string,
  columns: readonly string[],
  refused: RefusedNames,
): Promise<Pick<MappedField, 'type' | 'columns' | 'places'>> => {
  const invalid = (reason: string) =>
    new VigiaError('DATASET_EXPRESSION_INVALID', { setting, expression, reason })
  const parsed = await parse(connection, expression)
  if ('reason' in parsed) throw invalid(`${parsed.reason}${didYouMean(expression, columns)}`)
  const nodes = nodesOf(parsed.tree)
  const forbidden = nodes.find((node) => node.class === 'SUBQUERY' || node.class === 'WINDOW')
  if (forbidden) throw invalid(`it has a ${String(forbidden.class).toLowerCase()}`)
  const own = new Set(columns.map((name) => name.toLowerCase()))
  if (nodes.some((node) => node.class === 'STAR')) throw invalid('it names many columns by *')
  const called = nodes
    .filter((node) => node.class === 'FUNCTION' || !own.has(nameOf(node).toLowerCase()))
    .map(nameOf)
  const volatile = called.find((name) => refused.unstable.has(name.toLowerCase()))
  if (volatile) throw invalid(`${volatile} changes from run to run`)
  const isOfToday = nodes.some((node) => nameOf(node).toLowerCase() === 'age' && node.children?.length === 1)
  if (isOfToday) throw invalid('age of one time counts from today: give it two')
  const ofRows = called.find((name) => refused.ofRows.has(name.toLowerCase()))
  if (ofRows) throw invalid(`${ofRows} is of many rows, and an expression sees one`)
  const names = new Set(nodes.map((node) => nameOf(node).toLowerCase()))
  const place = refused.notPlaces.find((name) => names.has(name.toLowerCase()))
  if (place !== undefined)
    throw invalid(`${place} is a column of the source and the place of a row: give the column another name`)
  // A format with a zone makes another type of time, which would be written without its zone.
  if (nodes.some((node) => nameOf(node).toLowerCase() === 'first_time') && /%z/i.test(expression))
    throw invalid('first_time takes formats without a zone (%z): use strptime for those')
  try {
    const described = await connection.runAndReadAll(
      `DESCRIBE SELECT (\n${expression}\n) AS x FROM source_rows`,
    )
    // Of `part.of.a.column` every part: which of them is the column hangs on what columns there are.
    const parts = nodes.filter(isColumn).flatMap(({ column_names: names = [] }) => names)
    const used = new Set(parts.map((name) => name.toLowerCase()))
    const isUsed = (name: string) => used.has(name.toLowerCase())
    const places = PLACES.filter((name) => isUsed(name) && !columns.includes(name))
    return {
      type: String(described.getRows()[0]?.[1]),
      columns: columns.filter(isUsed),
      ...(places.length > 0 && { places }),
    }
  } catch (error) {
    const known = new Set([...columns, ...PLACES].map((name) => name.toLowerCase()))
    const missing = nodes
      .filter(isColumn)
      .map(nameOf)
      .find((name) => !known.has(name.toLowerCase()))
    if (missing === undefined)
      throw invalid(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
    throw new VigiaError('DATASET_COLUMN_UNKNOWN', {
      setting,
      expression,
      got: missing,
      allowed: listed(columns),
      suggestion: didYouMean(missing, columns),
    })
  }
}

/** What the guard reads of a node of DuckDB's syntax tree. */
interface SyntaxNode {
  readonly class?: string
  readonly type?: string
  readonly function_name?: string
  readonly column_names?: readonly string[]
  readonly children?: readonly unknown[]
}

interface SelectNode {
  readonly select_list?: readonly unknown[]
  readonly from_table?: SyntaxNode
}

/**
 * The syntax tree of exactly one expression, or why it is none: DuckDB's own parser is the guard against
 * statements.
 */
const parse = async (
  connection: DuckDBConnection,
  expression: string,
): Promise<{ readonly tree: unknown } | { readonly reason: string }> => {
  const reader = await connection.runAndReadAll(
    `SELECT json_serialize_sql(${sqlLiteral(`SELECT (\n${expression}\n) AS x`)})`,
  )
  const answer = JSON.parse(String(reader.getRows()[0]?.[0])) as {
    readonly error: boolean
    readonly error_message?: string
    readonly statements?: readonly { readonly node: SelectNode }[]
  }
  if (answer.error) return { reason: answer.error_message ?? 'it cannot be parsed' }
  const [statement, ...others] = answer.statements ?? []
  const selected = statement?.node.select_list ?? []
  if (others.length > 0 || selected.length !== 1 || statement?.node.from_table?.type !== 'EMPTY')
    return { reason: 'it is more than one expression' }
  return { tree: selected[0] }
}

const nodesOf = (tree: unknown): readonly SyntaxNode[] => {
  if (Array.isArray(tree)) return tree.flatMap(nodesOf)
  if (typeof tree !== 'object' || tree === null) return []
  return [tree as SyntaxNode, ...Object.values(tree).flatMap(nodesOf)]
}

const isColumn = (node: SyntaxNode): boolean => node.class === 'COLUMN_REF'

/**
 * Name of the function or column at a node; empty for other nodes. `current_date` is written like a column.
 */
const nameOf = (node: SyntaxNode): string => {
  if (node.class === 'FUNCTION') return node.function_name ?? ''
  return node.class === 'COLUMN_REF' ? (node.column_names?.at(-1) ?? '') : ''
}

/** What no expression may name. */
interface RefusedNames extends RefusedFunctions {
  /** Columns of the source that are called like the place of a row. */
  readonly notPlaces: readonly string[]
}

/** Functions that no expression may call, in lower case. */
interface RefusedFunctions {
  /** Give another value in another run or another process: the data would not be repeatable. */
  readonly unstable: ReadonlySet<string>
  /** Make one value of many rows, or many rows of one. */
  readonly ofRows: ReadonlySet<string>
}

/** Depend on the run as well, though DuckDB does not say so. */
const ALSO_UNSTABLE = [
  'current_timestamp',
  'localtimestamp',
  'current_setting',
  'version',
  'getvariable',
  'current_user',
  'current_database',
  'current_schema',
]

/** In one query: the catalogue is made anew for each. */
const refusedFunctions = async (connection: DuckDBConnection): Promise<RefusedFunctions> => {
  const reader = await connection.runAndReadAll(
    `SELECT lower(function_name) AS name, bool_or(stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')),
       bool_or(function_type = 'aggregate') AND NOT bool_or(function_type IN ('scalar', 'macro'))
     FROM duckdb_functions() GROUP BY name`,
  )
  const rows = reader.getRows()
  const namesWhere = (column: 1 | 2) =>
    rows.filter((row) => row[column] === true).map(([name]) => String(name))
  return {
    unstable: new Set([...namesWhere(1), ...ALSO_UNSTABLE]),
    ofRows: new Set([...namesWhere(2), 'unnest']),
  }
}

export const listed = (columns: readonly string[]): string =>
  columns.length === 0 ? 'no columns' : columns.map((name) => `"${name}"`).join(', ')

export const didYouMean = (name: string, columns: readonly string[]): string => {
  const [nearest] = columns
    .map((column) => ({ column, edits: distance(name.toLowerCase(), column.toLowerCase()) }))
    .sort((left, right) => left.edits - right.edits)
  const near = nearest && nearest.edits <= Math.max(2, name.length / 2)
  return near ? ` (did you mean "${nearest.column}"?)` : ''
}
