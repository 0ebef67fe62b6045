import type { DuckDBBlobValue, DuckDBConnection } from '@duckdb/node-api'
import type { CleaningSettings } from '../config/sections/cleaning.ts'
import type { LabelsSettings } from '../config/sections/labels.ts'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { writeAtomically } from '../disk/write-atomically.ts'
import { type AmountRules, DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import {
  type Attribute,
  type AttributeValue,
  type AttributeValues,
  attributeColumn,
} from '../transaction/attributes.ts'
import { amountInBase, type ConversionRules } from '../transaction/base-amount.ts'
import { CATEGORY_FIELDS } from '../transaction/fields.ts'
import { type CategoryColumn, foldCategory } from '../transaction/fold-category.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { assertAttributes, preparedTypes } from './attribute-columns.ts'
import type { SourceAttribute } from './source-attributes.ts'
import { knownLabelSql } from './unlabelled.ts'

/**
 * Everything cleaning needs, fitted on training rows only: plain JSON that travels inside the model artifact.
 */
export interface FittedCleaning {
  readonly version: 1
  readonly foldCategories: boolean
  /**
   * What a missing category becomes; null, or a field that was not there when it was fitted: stays missing.
   */
  readonly fill: Readonly<Partial<Record<CategoryColumn, string | null>>>
  /**
   * The rules by which amounts are converted to a base currency, before anything is changed; those of a
   * prepared dataset are already. Absent: they are of one currency.
   */
  readonly amounts?: ConversionRules
  /** Amounts whose size is above it get this size, in minor units; null: no cap. */
  readonly amountCapMinor: number | null
  /**
   * Attributes that cleaning may change, by name: whether they are categories, which are folded, and what a
   * missing one becomes (absent: it stays missing). Absent: none.
   */
  readonly attributes?: Readonly<Record<string, AttributeCleaning>>
}

interface AttributeCleaning {
  readonly isCategory: boolean
  readonly fill?: AttributeValue
}

/**
 * Fits cleaning on the rows of `preparedPath` for which `trainingRows` (SQL over the prepared columns, for
 * instance `event_time_ms < 1522540800000`) holds.
 *
 * Mode: the most frequent folded value, the first in code point order among equals; null when there is none.
 * Cap: the smallest size that at least the configured share of training amounts do not exceed; null without
 * training rows.
 */
export const fitCleaning = async (
  connection: DuckDBConnection,
  preparedPath: string,
  trainingRows: string,
  settings: CleaningSettings,
  attributes: readonly SourceAttribute[] = [],
  { base, decimals }: Pick<AmountRules, 'base' | 'decimals'> = DEFAULT_AMOUNTS,
): Promise<FittedCleaning> => {
  const from = `read_parquet(${sqlLiteral(preparedPath)}) WHERE ${trainingRows}`
  const fill: Partial<Record<CategoryColumn, string | null>> = {}
  for (const { column } of CATEGORY_FIELDS) {
    const policy = settings.missing[column]
    fill[column] = await fitFill(connection, from, column, policy, settings.fold_categories)
  }
  const cleaned = await fitAttributes(connection, from, attributes, settings.fold_categories)
  return {
    version: 1,
    foldCategories: settings.fold_categories,
    fill,
    ...(base !== undefined && { amounts: { base, decimals } }),
    amountCapMinor: await fitCap(connection, from, settings.amount_cap_quantile),
    ...(Object.keys(cleaned).length > 0 && { attributes: cleaned }),
  }
}

const fitAttributes = async (
  connection: DuckDBConnection,
  from: string,
  attributes: readonly SourceAttribute[],
  folds: boolean,
): Promise<Readonly<Record<string, AttributeCleaning>>> => {
  const cleaned: Record<string, AttributeCleaning> = {}
  for (const attribute of attributes) {
    const isCategory = attribute.kind === 'category'
    const fill = await fitAttributeFill(connection, from, attribute, folds)
    if (isCategory || fill !== null) cleaned[attribute.name] = { isCategory, ...(fill !== null && { fill }) }
  }
  return cleaned
}

/** What a missing value becomes; null: it stays missing, as it does where training has no value at all. */
const fitAttributeFill = async (
  connection: DuckDBConnection,
  from: string,
  { name, kind, missing }: SourceAttribute,
  folds: boolean,
): Promise<AttributeValue | null> => {
  if (missing === undefined) return null
  const column = sqlIdentifier(attributeColumn(name))
  if (kind === 'category') return fitFill(connection, from, attributeColumn(name), missing, folds)
  const constant = missing.slice('constant:'.length)
  if (missing.startsWith('constant:'))
    return kind === 'number' ? Number(constant) + 0 : kind === 'boolean' ? constant === 'true' : constant
  // Of equally many, no.
  const mode = `CASE WHEN count(${column}) > 0 THEN 2 * count_if(${column}) > count(${column}) END`
  const fitted = kind === 'boolean' ? mode : `quantile_disc(${column}, 0.5)`
  const reader = await connection.runAndReadAll(`SELECT ${fitted} FROM ${from}`)
  return (reader.getRows()[0]?.[0] ?? null) as number | boolean | null
}

/**
 * A cleaned transaction: the definition of cleaning, used as it is in serving. Its amount is in the base
 * currency, where there is one. Cleaning twice is cleaning once, but for that.
 *
 * @throws SERVING_AMOUNT_UNCONVERTED when it has no rate, which its reader refuses
 */
export const cleanTransaction = (transaction: Transaction, fitted: FittedCleaning): Transaction => {
  const cleaned: { -readonly [K in keyof Transaction]: Transaction[K] } = { ...transaction }
  for (const { name, column } of CATEGORY_FIELDS) {
    const value = cleanCategory(column, transaction[name], fitted)
    if (value === undefined) delete cleaned[name]
    else cleaned[name] = value
  }
  if (fitted.amounts !== undefined) cleaned.amountMinor = amountInBase(transaction, fitted.amounts)
  if (fitted.amountCapMinor !== null && Math.abs(cleaned.amountMinor) > fitted.amountCapMinor)
    cleaned.amountMinor = Math.sign(cleaned.amountMinor) * fitted.amountCapMinor + 0
  if (fitted.attributes !== undefined) {
    const attributes = cleanAttributes(transaction.attributes, fitted.attributes, fitted.foldCategories)
    if (attributes === undefined) delete cleaned.attributes
    else cleaned.attributes = attributes
  }
  return cleaned
}

/**
 * The transaction with every category in the one form that cleaning gives it, and nothing else changed: two
 * with the same contents in other letters become equal. The same object where nothing changes.
 */
export const foldCategories = (
  transaction: Transaction,
  { foldCategories: folds, attributes: cleaned }: FittedCleaning,
): Transaction => {
  if (!folds) return transaction
  let folded: { -readonly [K in keyof Transaction]: Transaction[K] } | undefined
  for (const { name, column } of CATEGORY_FIELDS) {
    const value = transaction[name]
    const one = value === undefined ? undefined : foldCategory(column, value)
    if (one === value) continue
    folded ??= { ...transaction }
    if (one === undefined) delete folded[name]
    else folded[name] = one
  }
  const { attributes } = transaction
  if (attributes === undefined || cleaned === undefined) return folded ?? transaction
  for (const [name, value] of Object.entries(attributes)) {
    if (cleaned[name]?.isCategory !== true || typeof value !== 'string') continue
    const one = foldCategory(name, value)
    if (one === value) continue
    folded ??= { ...transaction }
    const { [name]: _, ...others } = folded.attributes!
    folded.attributes = one === undefined ? others : { ...others, [name]: one }
  }
  return folded ?? transaction
}

const cleanAttributes = (
  values: AttributeValues = {},
  cleaning: NonNullable<FittedCleaning['attributes']>,
  folds: boolean,
): AttributeValues | undefined => {
  const cleaned: Record<string, AttributeValue> = { ...values }
  for (const name in cleaning) {
    const { isCategory, fill } = cleaning[name]!
    const value = cleaned[name]
    const folded = isCategory && folds && typeof value === 'string' ? foldCategory(name, value) : value
    const result = folded ?? fill
    if (result !== undefined) cleaned[name] = result
    else delete cleaned[name]
  }
  return Object.keys(cleaned).length === 0 ? undefined : cleaned
}

/**
 * Writes `preparedPath` cleaned to `outputPath`, in the same order; answers the number of rows.
 *
 * Text is not cleaned by SQL, whose lower case differs from JavaScript's: every distinct category goes once
 * through the same function as in serving, and SQL looks the result up. So bulk and serving cannot differ.
 *
 * @param attributes that the dataset must have: those that the model reads which cleaning belongs to
 * @throws DATASET_ATTRIBUTE_MISSING, DATASET_ATTRIBUTE_KIND
 */
export const applyCleaning = async (
  connection: DuckDBConnection,
  preparedPath: string,
  outputPath: string,
  fitted: FittedCleaning,
  attributes: readonly Attribute[] = [],
  labels?: LabelsSettings,
): Promise<number> => {
  const source = `read_parquet(${sqlLiteral(preparedPath)})`
  const types = await preparedTypes(connection, preparedPath)
  assertAttributes(types, attributes, preparedPath)
  assertAttributes(types, cleanedAttributes(fitted), preparedPath)
  const own = [...types.keys()]
  const categories = [
    ...CATEGORY_FIELDS.map(({ column }) => column),
    ...Object.entries(fitted.attributes ?? {})
      .filter(([, { isCategory }]) => isCategory)
      .map(([name]) => attributeColumn(name)),
  ]
  const replaced: string[] = []
  for (const column of categories)
    if (await createReplacements(connection, source, column, fitted)) replaced.push(column)
  const columns = own.map((name) => {
    const isLabel = name === 'is_fraud' && labels !== undefined
    const value = isLabel
      ? `(${knownLabelSql(labels, source)})::TINYINT`
      : cleanedColumn(name, replaced, fitted)
    return `${value} AS ${sqlIdentifier(name)}`
  })
  const query = `SELECT ${columns.join(', ')} FROM ${source} AS prepared`
  const written = await writeAtomically(outputPath, (path) =>
    connection.run(`COPY (${query}) TO ${sqlLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`),
  )
  for (const column of replaced) await dropReplacements(connection, column)
  return written.rowsChanged
}

/** The attributes that cleaning may change; what fills them tells their kind. */
const cleanedAttributes = ({
  attributes = {},
}: FittedCleaning): readonly Pick<Attribute, 'name' | 'kind'>[] =>
  Object.entries(attributes).map(([name, { isCategory, fill }]) => ({
    name,
    kind:
      isCategory || typeof fill === 'string' ? 'category' : typeof fill === 'number' ? 'number' : 'boolean',
  }))

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
  name: string,
  policy: string,
  folds: boolean,
): Promise<string | null> => {
  const column = sqlIdentifier(name)
  const fold = (text: string) => (folds ? foldCategory(name, text) : text)
  if (policy.startsWith('constant:')) return fold(policy.slice('constant:'.length)) ?? null
  if (policy !== 'mode') return null
  const reader = await connection.runAndReadAll(
    `SELECT encode(${column}), count(*) FROM (SELECT * FROM ${from}) WHERE ${column} IS NOT NULL GROUP BY ${column}`,
  )
  const counts = new Map<string, number>()
  for (const [encoded, count] of reader.getRows()) {
    const folded = fold(decoded(encoded))
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
    `SELECT quantile_disc(abs(amount_minor), ${quantile}) FROM ${from}`,
  )
  const cap = reader.getRows()[0]?.[0] ?? null
  return cap === null ? null : Number(cap)
}

/**
 * The values of a column that cleaning changes, as an enumeration of them and a list of what they become;
 * false, and neither, when it changes none. A join for each of hundreds of columns would take gigabytes, and
 * its rows would have to be sorted again.
 */
const createReplacements = async (
  connection: DuckDBConnection,
  source: string,
  name: string,
  fitted: FittedCleaning,
): Promise<boolean> => {
  if (!fitted.foldCategories) return false
  const column = sqlIdentifier(name)
  const reader = await connection.runAndReadAll(
    `SELECT encode(${column}) FROM (SELECT DISTINCT ${column} FROM ${source} WHERE ${column} IS NOT NULL)`,
  )
  const fill = fillOf(name, fitted)
  const changed = reader
    .getRows()
    .map(([encoded]) => decoded(encoded))
    .map((text) => [text, foldCategory(name, text) ?? fill] as const)
    .filter(([original, cleaned]) => original !== cleaned)
  if (changed.length === 0) return false
  const table = replacements(name)
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} (original VARCHAR, cleaned VARCHAR)`)
  const appender = await connection.createAppender(table)
  for (const [original, cleaned] of changed) {
    appender.appendVarchar(original)
    if (cleaned === undefined) appender.appendNull()
    else appender.appendVarchar(String(cleaned))
    appender.endRow()
  }
  appender.closeSync()
  await connection.run(
    `CREATE OR REPLACE TEMP TYPE ${table}_enum AS ENUM (SELECT original FROM ${table} ORDER BY rowid)`,
  )
  await connection.run(`SET VARIABLE ${table}_list = (SELECT list(cleaned ORDER BY rowid) FROM ${table})`)
  await connection.run(`DROP TABLE temp.${table}`)
  return true
}

const dropReplacements = async (connection: DuckDBConnection, column: string): Promise<void> => {
  await connection.run(`DROP TYPE ${replacements(column)}_enum`)
  await connection.run(`RESET VARIABLE ${replacements(column)}_list`)
}

/** SQL of a value as `createReplacements` has found it. */
const replacedValue = (own: string, column: string): string => {
  const code = `enum_code(TRY_CAST(${own} AS ${replacements(column)}_enum))`
  // A value that folds to nothing has a replacement that is NULL: it is missing, not unchanged.
  return `CASE WHEN ${code} IS NULL THEN ${own} ELSE getvariable('${replacements(column)}_list')[${code} + 1] END`
}

/** Text that SQL encoded: the library's own decoding takes a byte order mark in front away. */
const decoded = (encoded: unknown): string => Buffer.from((encoded as DuckDBBlobValue).bytes).toString()

const replacements = (column: string): string => `replacements_${column}`

/** What a missing value of a prepared column becomes; undefined: it stays missing. */
const fillOf = (column: string, { fill, attributes = {} }: FittedCleaning): AttributeValue | undefined => {
  if (!column.startsWith(ATTRIBUTE_PREFIX)) return fill[column as CategoryColumn] ?? undefined
  return attributes[column.slice(ATTRIBUTE_PREFIX.length)]?.fill
}

const ATTRIBUTE_PREFIX = attributeColumn('')

const cleanedColumn = (name: string, replaced: readonly string[], fitted: FittedCleaning): string => {
  const own = `prepared.${sqlIdentifier(name)}`
  if (name === 'amount_minor' && fitted.amountCapMinor !== null)
    return `greatest(least(${own}, ${fitted.amountCapMinor}), -${fitted.amountCapMinor})`
  const value = replaced.includes(name) ? replacedValue(own, name) : own
  const fill = fillOf(name, fitted)
  if (fill === undefined) return value
  return `coalesce(${value}, ${literalOf(fill)})`
}

/** A number by its text: as a DECIMAL, which SQL would make of it, it might become the double beside it. */
const literalOf = (fill: AttributeValue): string =>
  typeof fill === 'number' ? `'${fill}'::DOUBLE` : typeof fill === 'string' ? sqlLiteral(fill) : String(fill)
