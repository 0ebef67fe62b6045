import type { DuckDBConnection } from '@duckdb/node-api'
import { distance } from 'fastest-levenshtein'
import type { SourceSettings } from '../config/sections/source.ts'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import { SOURCE_FIELDS, type SourceField } from '../transaction/fields.ts'

const REQUIRED: readonly SourceField[] = SOURCE_FIELDS.filter(({ required }) => required).map(
  ({ wire }) => wire,
)

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
}

/**
 * Decides and checks the expression of every field against the view `source_rows`.
 *
 * @throws DATASET_FIELD_UNMAPPED, DATASET_COLUMN_UNKNOWN, DATASET_EXPRESSION_INVALID
 */
export const mapFields = async (
  connection: DuckDBConnection,
  fields: SourceSettings['fields'],
  columns: readonly string[],
): Promise<readonly MappedField<SourceField>[]> => {
  const typeOf = await expressionTypes(connection, columns)
  const mapped: MappedField<SourceField>[] = []
  for (const { wire: field } of SOURCE_FIELDS) {
    const expression = expressionOf(field, fields, columns)
    if (expression === null) mapped.push({ field, expression, type: 'VARCHAR' })
    else mapped.push({ field, expression, type: await typeOf(`source.fields.${field}`, expression) })
  }
  return mapped
}

/** Columns of the source, as it names them, that fields are made of. */
export interface TakenColumns {
  /** That are a field as they stand. */
  readonly fields: readonly string[]
  /** That the label or its time is made of, in whatever way. */
  readonly label: readonly string[]
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
  for (const { field, expression } of mapped) {
    if (expression === null) continue
    const parsed = await parse(connection, expression)
    if ('reason' in parsed) continue
    const named = (nodes: readonly SyntaxNode[]) =>
      nodes
        .filter((node) => node.class === 'COLUMN_REF')
        .flatMap((node) => byName.get(nameOf(node).toLowerCase()) ?? [])
    fields.push(...named([parsed.tree as SyntaxNode]))
    if (field === 'is_fraud' || field === 'labelled_at') label.push(...named(nodesOf(parsed.tree)))
  }
  return { fields, label }
}

/**
 * Checks an expression over `source_rows`, which `setting` has, and answers with the SQL type that it
 * gives.
 */
export type ExpressionTypes = (setting: string, expression: string) => Promise<string>

/** @throws DATASET_COLUMN_UNKNOWN, DATASET_EXPRESSION_INVALID, when the answer is called */
export const expressionTypes = async (
  connection: DuckDBConnection,
  columns: readonly string[],
): Promise<ExpressionTypes> => {
  const unstable = await unstableFunctions(connection)
  return (setting, expression) => typeOf(connection, setting, expression, columns, unstable)
}

const expressionOf = (
  field: SourceField,
  fields: SourceSettings['fields'],
  columns: readonly string[],
): string | null => {
  const configured = fields[field]?.trim()
  if (configured) return configured
  const column = columns.find((name) => name.toLowerCase() === field)
  if (configured === undefined && column !== undefined) return sqlIdentifier(column)
  if (!REQUIRED.includes(field)) return null
  throw new VigiaError('DATASET_FIELD_UNMAPPED', {
    field,
    allowed: listed(columns),
    suggestion: didYouMean(field, columns),
  })
}

const typeOf = async (
  connection: DuckDBConnection,
  setting: string,
  expression: string,
  columns: readonly string[],
  unstable: ReadonlySet<string>,
): Promise<string> => {
  const invalid = (reason: string) =>
    new VigiaError('DATASET_EXPRESSION_INVALID', { setting, expression, reason })
  const parsed = await parse(connection, expression)
  if ('reason' in parsed) throw invalid(parsed.reason)
  const nodes = nodesOf(parsed.tree)
  const forbidden = nodes.find((node) => node.class === 'SUBQUERY' || node.class === 'WINDOW')
  if (forbidden) throw invalid(`it has a ${String(forbidden.class).toLowerCase()}`)
  const own = new Set(columns.map((name) => name.toLowerCase()))
  const volatile = nodes
    .filter((node) => node.class === 'FUNCTION' || !own.has(nameOf(node).toLowerCase()))
    .map(nameOf)
    .find((name) => unstable.has(name.toLowerCase()))
  if (volatile) throw invalid(`${volatile} changes from run to run`)
  try {
    const described = await connection.runAndReadAll(
      `DESCRIBE SELECT (\n${expression}\n) AS x FROM source_rows`,
    )
    return String(described.getRows()[0]?.[1])
  } catch (error) {
    const known = new Set([...columns, 'source_row', 'source_file'].map((name) => name.toLowerCase()))
    const missing = nodes
      .filter((node) => node.class === 'COLUMN_REF')
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

/**
 * Name of the function or column at a node; empty for other nodes. `current_date` is written like a column.
 */
const nameOf = (node: SyntaxNode): string => {
  if (node.class === 'FUNCTION') return node.function_name ?? ''
  return node.class === 'COLUMN_REF' ? (node.column_names?.at(-1) ?? '') : ''
}

/**
 * Functions that give another value in another run: one of them would make the prepared data unrepeatable.
 */
const unstableFunctions = async (connection: DuckDBConnection): Promise<ReadonlySet<string>> => {
  const reader = await connection.runAndReadAll(
    "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')",
  )
  return new Set([...reader.getRows().map(([name]) => String(name)), 'current_timestamp', 'localtimestamp'])
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
