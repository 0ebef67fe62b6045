import type { DuckDBConnection } from '@duckdb/node-api'
import type { CleaningSettings } from '../config/sections/cleaning.ts'
import { sqlLiteral } from '../disk/database.ts'
import { writeAtomically } from '../disk/write-atomically.ts'
import { CATEGORY_FIELDS } from '../transaction/fields.ts'
import { PREPARED_COLUMNS } from '../transaction/prepared-columns.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { type CategoryColumn, foldCategory } from './fold-category.ts'

/**
 * Everything cleaning needs, fitted on training rows only: plain JSON that travels inside the model artifact.
 */
export interface FittedCleaning {
  readonly version: 1
  readonly foldCategories: boolean
  /** What a missing category becomes; null, or a field that was not there when it was fitted: stays missing. */
  readonly fill: Readonly<Partial<Record<CategoryColumn, string | null>>>
  /** Amounts above it are lowered to it, in minor units; null: no cap. */
  readonly amountCapMinor: number | null
}

/**
 * Fits cleaning on the rows of `preparedPath` for which `trainingRows` (SQL over the prepared columns, for
 * instance `event_time_ms < 1522540800000`) holds.
 *
 * Mode: the most frequent folded value, the first in code point order among equals; null when there is none.
 * Cap: the smallest amount that at least the configured share of training amounts do not exceed; null without
 * training rows.
 */
export const fitCleaning = async (
  connection: DuckDBConnection,
  preparedPath: string,
  trainingRows: string,
  settings: CleaningSettings,
): Promise<FittedCleaning> => {
  const from = `read_parquet(${sqlLiteral(preparedPath)}) WHERE ${trainingRows}`
  const fill: Partial<Record<CategoryColumn, string | null>> = {}
  for (const { column } of CATEGORY_FIELDS) fill[column] = await fitFill(connection, from, column, settings)
  return {
    version: 1,
    foldCategories: settings.fold_categories,
    fill,
    amountCapMinor: await fitCap(connection, from, settings.amount_cap_quantile),
  }
}

/**
 * A cleaned transaction: the definition of cleaning, used as it is in serving. Cleaning twice is cleaning
 * once.
 */
export const cleanTransaction = (transaction: Transaction, fitted: FittedCleaning): Transaction => {
  const cleaned: { -readonly [K in keyof Transaction]: Transaction[K] } = { ...transaction }
  for (const { name, column } of CATEGORY_FIELDS) {
    const value = cleanCategory(column, transaction[name], fitted)
    if (value === undefined) delete cleaned[name]
    else cleaned[name] = value
  }
  if (fitted.amountCapMinor !== null && cleaned.amountMinor > fitted.amountCapMinor)
    cleaned.amountMinor = fitted.amountCapMinor
  return cleaned
}

/**
 * Writes `preparedPath` cleaned to `outputPath`, in the same order; answers the number of rows.
 *
 * Text is not cleaned by SQL, whose lower case differs from JavaScript's: every distinct category goes once
 * through the same function as in serving, and SQL looks the result up. So bulk and serving cannot differ.
 */
export const applyCleaning = async (
  connection: DuckDBConnection,
  preparedPath: string,
  outputPath: string,
  fitted: FittedCleaning,
): Promise<number> => {
  const source = `read_parquet(${sqlLiteral(preparedPath)})`
  const replaced: CategoryColumn[] = []
  for (const { column } of CATEGORY_FIELDS)
    if (await createReplacements(connection, source, column, fitted)) replaced.push(column)
  const columns = Object.keys(PREPARED_COLUMNS).map(
    (name) => `${cleanedColumn(name, replaced, fitted)} AS ${name}`,
  )
  const joins = replaced.map(
    (column) => `LEFT JOIN ${replacements(column)} ON ${replacements(column)}.original = prepared.${column}`,
  )
  const order = replaced.length > 0 ? 'ORDER BY prepared.arrival' : ''
  const query = `SELECT ${columns.join(', ')} FROM ${source} AS prepared ${joins.join(' ')} ${order}`
  const written = await writeAtomically(outputPath, (path) =>
    connection.run(`COPY (${query}) TO ${sqlLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`),
  )
  for (const column of replaced) await connection.run(`DROP TABLE temp.${replacements(column)}`)
  return written.rowsChanged
}

const cleanCategory = (
  column: CategoryColumn,
  text: string | undefined,
  fitted: FittedCleaning,
): string | undefined => {
  const folded = text !== undefined && fitted.foldCategories ? foldCategory(column, text) : text
  return folded ?? fitted.fill[column] ?? undefined
}

const fitFill = async (
  connection: DuckDBConnection,
  from: string,
  column: CategoryColumn,
  settings: CleaningSettings,
): Promise<string | null> => {
  const policy = settings.missing[column]
  const fold = (text: string) => (settings.fold_categories ? foldCategory(column, text) : text)
  if (policy.startsWith('constant:')) return fold(policy.slice('constant:'.length)) ?? null
  if (policy !== 'mode') return null
  const reader = await connection.runAndReadAll(
    `SELECT ${column}, count(*) FROM (SELECT * FROM ${from}) WHERE ${column} IS NOT NULL GROUP BY ${column}`,
  )
  const counts = new Map<string, number>()
  for (const [text, count] of reader.getRows()) {
    const folded = fold(String(text))
    if (folded !== undefined) counts.set(folded, (counts.get(folded) ?? 0) + Number(count))
  }
  const [mode] = [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
  return mode?.[0] ?? null
}

const fitCap = async (
  connection: DuckDBConnection,
  from: string,
  quantile: number,
): Promise<number | null> => {
  if (quantile >= 1) return null
  const reader = await connection.runAndReadAll(
    `SELECT quantile_disc(amount_minor, ${quantile}) FROM ${from}`,
  )
  const cap = reader.getRows()[0]?.[0] ?? null
  return cap === null ? null : Number(cap)
}

/** A table of the values of `column` that cleaning changes; false, and no table, when it changes none. */
const createReplacements = async (
  connection: DuckDBConnection,
  source: string,
  column: CategoryColumn,
  fitted: FittedCleaning,
): Promise<boolean> => {
  if (!fitted.foldCategories) return false
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT ${column} FROM ${source} WHERE ${column} IS NOT NULL`,
  )
  const changed = reader
    .getRows()
    .map(([text]) => [String(text), cleanCategory(column, String(text), fitted)] as const)
    .filter(([original, cleaned]) => original !== cleaned)
  if (changed.length === 0) return false
  const table = replacements(column)
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} (original VARCHAR, cleaned VARCHAR)`)
  const appender = await connection.createAppender(table)
  for (const [original, cleaned] of changed) {
    appender.appendVarchar(original)
    if (cleaned === undefined) appender.appendNull()
    else appender.appendVarchar(cleaned)
    appender.endRow()
  }
  appender.closeSync()
  return true
}

const replacements = (column: CategoryColumn): string => `replacements_${column}`

const cleanedColumn = (name: string, replaced: readonly CategoryColumn[], fitted: FittedCleaning): string => {
  const own = `prepared.${name}`
  if (name === 'amount_minor' && fitted.amountCapMinor !== null)
    return `least(${own}, ${fitted.amountCapMinor})`
  const category = CATEGORY_FIELDS.find(({ column }) => column === name)?.column
  if (category === undefined) return own
  const table = replacements(category)
  // A value that folds to nothing has a replacement that is NULL: it is missing, not unchanged.
  const value = replaced.includes(category)
    ? `CASE WHEN ${table}.original IS NULL THEN ${own} ELSE ${table}.cleaned END`
    : own
  const fill = fitted.fill[category] ?? null
  return fill === null ? value : `coalesce(${value}, ${sqlLiteral(fill)})`
}
