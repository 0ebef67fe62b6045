import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier } from '../disk/database.ts'
import { LABEL_FIELDS } from '../transaction/fields.ts'
import { columnPower } from './column-power.ts'
import type { MappedField, MappedName } from './field-mapping.ts'

/**
 * The columns of a source as they stand there, mapped or not: what is left out, what repeats, what gives
 * fraud away. Read from a bounded number of rows, the same ones each time.
 */
export interface SourceProfile {
  /** Rows that were looked at, the first of the source. */
  readonly rows: number
  readonly columns: readonly SourceColumn[]
  /** Times that are numbers; null when the times are typed or there are none. */
  readonly numericTimes: NumericTimes | null
}

export interface SourceColumn {
  readonly name: string
  /** The fields and attributes whose expression uses it; none: it is left out. */
  readonly fields: readonly MappedName[]
  /** Rows that have a value; `distinct` of them differ, give or take a few in a hundred. */
  readonly filled: number
  readonly distinct: number
  /** Its values look like names: text, or whole numbers of four digits or more; no times, no money. */
  readonly looksLikeId: boolean
  /** Its power alone (`columnPower`); null for labels and where too few rows are labelled. */
  readonly power: number | null
}

/** What times written as numbers are like, before they are taken as milliseconds. */
export interface NumericTimes {
  /** Share of the rows whose time is a number. */
  readonly share: number
  readonly median: number
  /** Share of the numbers that are multiples of 1000. */
  readonly wholeThousands: number
}

/** Rows in which values and their repetition are counted. */
const COUNTED_ROWS = 100_000
/** Rows in which the look of values is judged. */
const SHAPE_ROWS = 5000
/** Frauds, and honest rows, by which a column's power is measured. */
const ROWS_OF_A_CLASS = 10_000
/** Columns in one query: more would hold more text at once. */
const COLUMNS_AT_ONCE = 20

/** The tables that profiling makes for a while. */
export const PROFILE_TABLES = ['labelled_sample', 'sampled_columns'] as const

/** Profiles the view `source_rows`, with the labels of the good rows of the table `mapped`. */
export const profileSource = async (
  connection: DuckDBConnection,
  fields: readonly MappedField[],
  columns: readonly string[],
): Promise<SourceProfile> => {
  const rows = await one(connection, `SELECT count(*) FROM ${firstRows(COUNTED_ROWS)}`)
  const labelFields: readonly string[] = LABEL_FIELDS.map(({ wire }) => wire)
  const usedBy = (name: string) =>
    fields.filter((field) => field.columns.includes(name)).map(({ field }) => field)
  const measured = columns.filter((name) => !usedBy(name).some((field) => labelFields.includes(field)))
  const powers = await measurePowers(connection, measured)
  const profiled: SourceColumn[] = []
  for (const names of batches(columns)) {
    const [counts, shapes] = await Promise.all([
      row(connection, names, COUNTED_ROWS, countsOf),
      row(connection, names, SHAPE_ROWS, shapeOf),
    ])
    for (const [index, name] of names.entries()) {
      const [filled, distinct] = counts.slice(2 * index)
      profiled.push({
        name,
        fields: usedBy(name),
        filled: filled!,
        distinct: Math.min(distinct!, filled!),
        looksLikeId: shapes[index] === 1,
        power: powers.get(name) ?? null,
      })
    }
  }
  return { rows: rows ?? 0, columns: profiled, numericTimes: await profileTimes(connection, fields) }
}

const firstRows = (most: number): string =>
  `(SELECT * FROM source_rows WHERE source_row <= ${most} AND NOT "__malformed")`

const text = (name: string): string => `nullif(trim(CAST(${sqlIdentifier(name)} AS VARCHAR)), '')`

const countsOf = (value: string): readonly string[] => [`count(${value})`, `approx_count_distinct(${value})`]

/** An integer with a sign counts as one; a fraction that is zero does not. */
const shapeOf = (value: string): readonly string[] => [
  `CASE
     WHEN count(${value}) = 0 THEN 0
     WHEN bool_and(TRY_CAST(${value} AS DOUBLE) IS NOT NULL OR ${value} IS NULL)
       THEN CAST(bool_and(regexp_full_match(${value}, '[+-]?[0-9]+')) AND max(strlen(${value})) >= 4 AS INTEGER)
     ELSE CAST(NOT bool_and(regexp_matches(${value}, '^([-+(]?[$€£¥]|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{2,4}|[0-9]{1,2}:[0-9]{2})')) AS INTEGER)
   END`,
]

const row = async (
  connection: DuckDBConnection,
  names: readonly string[],
  most: number,
  asked: (value: string) => readonly string[],
): Promise<readonly number[]> => {
  const selected = names.map((name, index) => `${text(name)} AS v${index}`)
  const questions = names.flatMap((_, index) => asked(`v${index}`))
  const reader = await connection.runAndReadAll(
    `SELECT ${questions.join(', ')} FROM (SELECT ${selected.join(', ')} FROM ${firstRows(most)})`,
  )
  return reader.getRows()[0]!.map(Number)
}

/**
 * The power of each column on the good labelled rows, at most 10,000 of each class: taking fewer honest rows
 * changes no rank. Which rows is decided by their numbers alone, so that the same data gives the same answer.
 * Half of the frauds, in order of time, is learnt from, the rest judged by.
 */
const measurePowers = async (
  connection: DuckDBConnection,
  columns: readonly string[],
): Promise<ReadonlyMap<string, number | null>> => {
  if (columns.length === 0) return new Map()
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE labelled_sample AS
     SELECT source_row AS sample_row, event_time_ms AS sample_time, is_fraud AS sample_label FROM mapped
     WHERE reasons = 0 AND is_fraud IS NOT NULL
     QUALIFY row_number() OVER (PARTITION BY is_fraud ORDER BY (source_row * 2654435761) % 4294967296, source_row) <= ${ROWS_OF_A_CLASS}`,
  )
  const list = columns.map((name, index) => `CAST(${sqlIdentifier(name)} AS VARCHAR) AS v${index}`)
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE sampled_columns AS
     SELECT sample_time, sample_row, sample_label, ${list.join(', ')}
     FROM source_rows JOIN labelled_sample ON source_row = sample_row`,
  )
  const ordered = 'FROM sampled_columns ORDER BY sample_time, sample_row'
  const known = await connection.runAndReadAll(`SELECT sample_label ${ordered}`)
  const labels = Int8Array.from(known.getRows(), ([label]) => Number(label))
  const rows = { labels, judgedFrom: afterHalfOfTheFrauds(labels) }
  const powers = new Map<string, number | null>()
  for (const names of batches(columns)) {
    const selected = names.map((name) => `nullif(trim(v${columns.indexOf(name)}), '')`)
    const reader = await connection.runAndReadAll(`SELECT ${selected.join(', ')} ${ordered}`)
    const values = reader.getColumns() as readonly (readonly (string | null)[])[]
    for (const [index, name] of names.entries()) powers.set(name, columnPower(values[index] ?? [], rows))
  }
  for (const table of PROFILE_TABLES) await connection.run(`DROP TABLE ${table}`)
  return powers
}

const afterHalfOfTheFrauds = (labels: Int8Array): number => {
  const half = labels.reduce((sum, label) => sum + label, 0) / 2
  let frauds = 0
  for (let index = 0; index < labels.length; index++) {
    frauds += labels[index]!
    if (frauds >= half) return index + 1
  }
  return labels.length
}

const profileTimes = async (
  connection: DuckDBConnection,
  fields: readonly MappedField[],
): Promise<NumericTimes | null> => {
  const { expression, type } = fields.find(({ field }) => field === 'timestamp')!
  if (
    expression === null ||
    !/^(VARCHAR|DOUBLE|FLOAT|DECIMAL.*|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?)$/.test(type)
  )
    return null
  const ask = (value: string, most: number) =>
    connection.runAndReadAll(
      `SELECT count(*), count(x), quantile_disc(x, 0.5), count_if(x % 1000 = 0)
       FROM (SELECT TRY_CAST(${value} AS DOUBLE) AS x FROM ${firstRows(most)})`,
    )
  // Row by row where the expression fails on one of them, and so on fewer rows.
  const value = `(\n${expression}\n)`
  const reader = await ask(value, COUNTED_ROWS).catch(() => ask(`TRY(${value})`, SHAPE_ROWS))
  const [all, numbers, median, thousands] = reader.getRows()[0]!.map(Number)
  if (numbers === 0) return null
  return { share: numbers! / all!, median: median!, wholeThousands: thousands! / numbers! }
}

const one = async (connection: DuckDBConnection, query: string): Promise<number | undefined> => {
  const reader = await connection.runAndReadAll(query)
  const value = reader.getRows()[0]?.[0]
  return value === null || value === undefined ? undefined : Number(value)
}

const batches = (columns: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(columns.length / COLUMNS_AT_ONCE) }, (_, index) =>
    columns.slice(index * COLUMNS_AT_ONCE, (index + 1) * COLUMNS_AT_ONCE),
  )
