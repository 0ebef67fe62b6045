import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { createMappingMacros } from '../../dataset/mapping-macros.ts'
import type { TypedColumn } from '../../dataset/mapping-of-source.ts'
import { findSourceFiles } from '../../dataset/source-files.ts'
import { openSnapshot, readTable, snapshotName } from '../../dataset/tables/read-table.ts'
import { type DatabaseSettings, withDatabase } from '../../disk/database.ts'
import { VigiaError } from '../../errors.ts'
import type { ReferenceTable } from '../../lookup/reference-table.ts'
import type { TableMapping } from '../../transaction/table-mapping.ts'
import type { TableOfModels } from './merge-tables.ts'

export interface ServedTableFiles {
  readonly path: TableMapping['path']
  /** Relative paths start here. */
  readonly workingDirectory: string
  readonly database: DatabaseSettings
  readonly signal: AbortSignal
}

/** A table as its files have it now. */
export interface ServedTable {
  readonly of: TableOfModels
  readonly table: ReferenceTable
  /** Rows of its files that no transaction can find. */
  readonly unusableRows: number
  /** Equal for files that nobody has touched. */
  readonly stamp: string
  /** When the newest of its files was written, epoch milliseconds. */
  readonly changedAtMs: number
}

/** Reads a table that models in service need. */
export type LoadServedTable = (of: TableOfModels, files: ServedTableFiles) => Promise<ServedTable>

/** How often a table is read that is written meanwhile. */
const MOST_READS = 5

/**
 * Reads a table by the mapping that a model was trained with. Files that change while they are read are read
 * again: what was read may be half of one and half of the other.
 *
 * @throws the DATASET_ errors of files; DATASET_TABLE_COLUMNS, DATASET_TABLE_ROWS_CLASH
 */
export const loadServedTable: LoadServedTable = (of, files) =>
  withDatabase(files.database, async (connection) => {
    await createMappingMacros(connection)
    const { path, workingDirectory, signal } = files
    const { name, format, csv } = of.mapping
    const attributes = of.attributes.map((attribute) => ({
      ...attribute,
      expression: of.mapping.attributes[attribute.name]!,
    }))
    for (let reads = 1; ; reads++) {
      const before = await stampOf(connection, files)
      const loaded = await readTable(
        connection,
        { path, format, csv },
        workingDirectory,
        signal,
        (_rows, types) => {
          assertColumns(of.mapping, types)
          return { name, mapping: of.mapping, attributes }
        },
      )
      const { stamp, changedAtMs } = await stampOf(connection, files)
      if (stamp === before.stamp) {
        const { table, read } = loaded
        return { of, table, unusableRows: read.rows - read.usableRows, stamp, changedAtMs }
      }
      if (reads === MOST_READS)
        throw new VigiaError('SERVING_TABLE_UNREADABLE', {
          table: name,
          reason: 'its files change while they are read',
        })
    }
  })

/** Reads tables as a run has kept them in a folder, whatever became of their files since. */
export const snapshotLoader =
  (folder: string): LoadServedTable =>
  (of, { database, signal }) =>
    withDatabase(database, async (connection) => {
      const { mapping, attributes } = of
      const path = join(folder, snapshotName(mapping.name))
      const table = await openSnapshot(connection, { name: mapping.name, mapping, attributes }, path, signal)
      return { of, table, unusableRows: 0, stamp: path, changedAtMs: 0 }
    })

/** What tells whether the files of a table are other files than before. */
export const stampOfFiles = async (files: ServedTableFiles): Promise<string> => {
  const { path, workingDirectory, database } = files
  const paths = typeof path === 'string' ? [path] : path
  if (paths.some((one) => /[*?[]/.test(one)))
    return withDatabase(database, async (connection) => (await stampOf(connection, files)).stamp)
  const absolute = paths.map((one) => resolve(workingDirectory, one))
  for (const one of absolute)
    if ((await stat(one).catch(() => undefined)) === undefined)
      throw new VigiaError('DATASET_FILE_MISSING', { path: one, folder: workingDirectory })
  return (await stampOfPaths(absolute)).stamp
}

const stampOf = async (
  connection: DuckDBConnection,
  { path, workingDirectory }: ServedTableFiles,
): Promise<Pick<ServedTable, 'stamp' | 'changedAtMs'>> =>
  stampOfPaths(await findSourceFiles(connection, path, workingDirectory))

const stampOfPaths = async (
  paths: readonly string[],
): Promise<Pick<ServedTable, 'stamp' | 'changedAtMs'>> => {
  const stats = await Promise.all(paths.map((file) => stat(file)))
  return {
    stamp: stats.map(({ ino, size, mtimeMs }, at) => `${paths[at]} ${ino} ${size} ${mtimeMs}`).join('\n'),
    changedAtMs: Math.max(...stats.map(({ mtimeMs }) => mtimeMs)),
  }
}

/** Each column that the expressions read is there, and of the type that they were written for. */
const assertColumns = ({ name, columns }: TableMapping, types: readonly TypedColumn[]): void => {
  for (const wanted of columns) {
    const found = types.find((column) => column.name === wanted.name)
    if (found?.type === wanted.type) continue
    throw new VigiaError('DATASET_TABLE_COLUMNS', {
      table: name,
      got: found === undefined ? `no column ${wanted.name}` : `${found.name} as ${found.type}`,
      allowed: `${wanted.name} as ${wanted.type}`,
    })
  }
}
