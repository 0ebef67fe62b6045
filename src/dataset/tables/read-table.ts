import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../../disk/database.ts'
import { VigiaError } from '../../errors.ts'
import type { ReferenceTable } from '../../lookup/reference-table.ts'
import type { TypedColumn } from '../mapping-of-source.ts'
import {
  columnTypes,
  type FilesOfSource,
  openSourceRows,
  type SourceFile,
  type SourceRows,
} from '../source-rows.ts'
import { type Indexed, type IndexedTable, indexReference, referenceName } from './index-reference.ts'
import type { TableDefinition } from './table-definition.ts'
import { foundByOf, type TableQuery, tableQuery, type UnusableReason } from './table-query.ts'

/** What came of reading a table. `rows` = `usableRows` + those of `unusable`, always. */
export interface TableRead {
  readonly name: string
  readonly files: readonly SourceFile[]
  readonly rows: number
  readonly usableRows: number
  /** Rows that no transaction can find, by reason. */
  readonly unusable: readonly {
    readonly reason: UnusableReason
    readonly rows: number
    /** The first of them. */
    readonly sourceRow: number
  }[]
  /** Usable rows of which some attribute is there and cannot be read: it is missing. */
  readonly unreadableRows: number
  readonly keys: number
  /** Settings whose times are typed without a zone and so taken as UTC, because no zone is configured. */
  readonly takenAsUtc: readonly string[]
}

export interface LoadedTable {
  readonly definition: TableDefinition
  readonly table: ReferenceTable
  readonly read: TableRead
  /** The columns that the expressions read. */
  readonly columns: readonly TypedColumn[]
}

/**
 * Reads a table into memory, and into the temporary table `referenceName` of the connection.
 *
 * @param define what is read, once its columns are known
 * @throws the DATASET_ errors of files and expressions; DATASET_TABLE_ROWS_CLASH
 */
export const readTable = async (
  connection: DuckDBConnection,
  files: FilesOfSource,
  workingDirectory: string,
  signal: AbortSignal,
  define: (rows: SourceRows, types: readonly TypedColumn[]) => TableDefinition,
): Promise<LoadedTable> => {
  try {
    const rows = await openSourceRows(connection, files, workingDirectory, signal)
    const types = await columnTypes(connection)
    const definition = define(rows, types)
    const query = await createReference(connection, rows.columns, definition)
    const read = new Set(query.fields.flatMap(({ columns }) => columns))
    const indexed = await indexReference(connection, definition, signal)
    const unusable = withRangeProblems(await unusableRows(connection, definition.name), indexed)
    const lost = unusable.reduce((sum, { rows: some }) => sum + some, 0)
    if (indexed.table.rows + lost !== rows.rows)
      throw new VigiaError('DATASET_ROWS_LOST', {
        input: rows.rows,
        accepted: indexed.table.rows,
        quarantined: lost,
      })
    return {
      definition,
      table: indexed.table,
      columns: types.filter(({ name }) => read.has(name)),
      read: {
        name: definition.name,
        files: rows.files,
        rows: rows.rows,
        usableRows: indexed.table.rows,
        unusable,
        unreadableRows: indexed.unreadableRows,
        keys: indexed.table.index.keys,
        takenAsUtc: query.takenAsUtc,
      },
    }
  } finally {
    await dropSource(connection)
  }
}

/** The file in which a run keeps a table, beside its prepared rows. */
export const snapshotName = (table: string): string => `table-${table}.parquet`

/** Writes what `openSnapshot` opens: the rows that can be found, as they were read. */
export const writeSnapshot = async (
  connection: DuckDBConnection,
  table: string,
  path: string,
): Promise<void> => {
  await connection.run(
    `COPY (SELECT * FROM ${referenceName(table)} WHERE why IS NULL ORDER BY place) TO ${sqlLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`,
  )
}

/** A table as it was when `writeSnapshot` wrote it. */
export const openSnapshot = async (
  connection: DuckDBConnection,
  table: IndexedTable,
  path: string,
  signal: AbortSignal,
): Promise<ReferenceTable> => {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${referenceName(table.name)} AS FROM read_parquet(${sqlLiteral(path)})`,
  )
  return (await indexReference(connection, table, signal)).table
}

const createReference = async (
  connection: DuckDBConnection,
  columns: readonly string[],
  definition: TableDefinition,
): Promise<TableQuery> => {
  const { keys, from } = foundByOf(definition.mapping)
  const create = async (careful: boolean): Promise<TableQuery> => {
    const query = await tableQuery(connection, columns, definition, careful)
    const order = [...keys, ...(from === undefined ? [] : [from]), 'source_row'].join(', ')
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE ${referenceName(definition.name)} AS
       SELECT row_number() OVER () - 1 AS place, * FROM (SELECT * FROM (${query.sql}) ORDER BY why IS NOT NULL, ${order})`,
    )
    return query
  }
  return create(false).catch((error: unknown) => {
    // An expression that fails on some row: there it gives no value.
    if (error instanceof VigiaError) throw error
    return create(true)
  })
}

const unusableRows = async (connection: DuckDBConnection, name: string): Promise<TableRead['unusable']> => {
  const rejected = `SELECT 'row_malformed' AS why, source_row FROM rejected_rows`
  const reader = await connection.runAndReadAll(
    `SELECT why, count(*)::DOUBLE, min(source_row)::DOUBLE FROM (SELECT why, source_row FROM ${referenceName(name)} WHERE why IS NOT NULL UNION ALL ${rejected}) GROUP BY why ORDER BY why`,
  )
  return reader.getRows().map(([reason, rows, sourceRow]) => ({
    reason: reason as UnusableReason,
    rows: rows as number,
    sourceRow: sourceRow as number,
  }))
}

const withRangeProblems = (
  unusable: TableRead['unusable'],
  { badRanges, firstBadRange }: Indexed,
): TableRead['unusable'] => {
  if (badRanges === 0) return unusable
  const known = unusable.find(({ reason }) => reason === 'range_invalid')
  const sourceRow = Math.min(firstBadRange, known?.sourceRow ?? firstBadRange)
  return [
    ...unusable.filter((entry) => entry !== known),
    { reason: 'range_invalid', rows: badRanges + (known?.rows ?? 0), sourceRow },
  ]
}

/** Another source can be opened on the connection then. */
export const dropSource = async (connection: DuckDBConnection): Promise<void> => {
  await connection.run('DROP VIEW IF EXISTS source_rows').catch(() => undefined)
  const named = await connection
    .runAndReadAll(
      `SELECT table_name FROM duckdb_tables() WHERE temporary AND (table_name IN ('loaded', 'rejected_rows', 'row_shifts') OR starts_with(table_name, 'reject_'))`,
    )
    .catch(() => undefined)
  for (const [table] of named?.getRows() ?? [])
    await connection
      .run(`DROP TABLE IF EXISTS temp.${sqlIdentifier(String(table))} CASCADE`)
      .catch(() => undefined)
}
