import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { type DatabaseSettings, sqlLiteral, withDatabase } from '../../disk/database.ts'
import { writeAtomically } from '../../disk/write-atomically.ts'
import { sha256 } from '../../foundation/hash.ts'
import type { ArchiveTable } from './archive-table.ts'

/** Bytes of records that all tables together may hold before one of them becomes a part. */
const PART_BYTES = 8 << 20
/**
 * Rows of one group of a file: who looks up one row reads its group. With fewer, the descriptions of the
 * groups cost as much as they save.
 */
const MOST_GROUP_ROWS = 8192
/** A wide model's groups have fewer rows: whoever writes a group has all of it in memory. */
const GROUP_WORDS = 3 << 18
/** Rows that the database has in hand at a time, so a group has a multiple of them. */
const VECTOR_ROWS = 2048

/**
 * Writes tables of the archive piece by piece, so that memory does not grow with the segment: what was
 * gathered becomes a part in a temporary file, and the parts, read one after the other, become the file.
 *
 * It owns the temporary files. It does not own the tables, nor the files' names.
 */
export interface ArchiveParts {
  /** Makes parts of the largest tables until the rest is small enough. */
  spill(tables: ReadonlyMap<string, ArchiveTable>): Promise<void>
  /** The table's file, from its parts and what is left in it. */
  write(table: ArchiveTable): Promise<void>
  remove(): Promise<void>
}

/** @param name tells apart what is written at the same time; what was begun under it before is removed */
export const openParts = async (database: DatabaseSettings, name: string): Promise<ArchiveParts> => {
  const folder = join(database.tempDirectory, `parts-${sha256(name).slice(0, 16)}`)
  const remove = () => rm(folder, { recursive: true, force: true })
  // As when the process was killed in the middle.
  await remove()
  const parts = new Map<ArchiveTable, string[]>()
  let count = 0
  const makePart = async (table: ArchiveTable): Promise<void> => {
    await mkdir(folder, { recursive: true })
    const path = join(folder, `${count++}.parquet`)
    await table.empty((connection, query) => copy(connection, query, path, PART_FORMAT))
    parts.set(table, [...(parts.get(table) ?? []), path])
  }
  return {
    spill: async (tables) => {
      const all = [...tables.values()]
      while (all.reduce((sum, { bytes }) => sum + bytes, 0) > PART_BYTES)
        await makePart(all.reduce((largest, table) => (table.bytes > largest.bytes ? table : largest)))
    },
    write: async (table) => {
      const order = table.isInOrder ? '' : ' ORDER BY sequence'
      const format = `COMPRESSION zstd, ROW_GROUP_SIZE ${groupRowsOf(table)}`
      const write = (connection: DuckDBConnection, query: string) =>
        writeAtomically(table.path, (partial) => copy(connection, `${query}${order}`, partial, format))
      if (!parts.has(table)) return table.empty(write)
      if (table.bytes > 0) await makePart(table)
      const files = parts.get(table)!.map(sqlLiteral).join(', ')
      await withDatabase(database, async (connection) => {
        // It would keep what it has read of parts that nobody reads again.
        await connection.run('SET enable_external_file_cache = false')
        await write(connection, `SELECT * FROM read_parquet([${files}], hive_partitioning = false)`)
      })
    },
    remove,
  }
}

const PART_FORMAT = `COMPRESSION snappy, ROW_GROUP_SIZE ${VECTOR_ROWS}`

const copy = async (
  connection: DuckDBConnection,
  query: string,
  path: string,
  format: string,
): Promise<void> => {
  await connection.run(`COPY (${query}) TO ${sqlLiteral(path)} (FORMAT parquet, ${format})`)
}

const groupRowsOf = ({ columns }: ArchiveTable): number => {
  const rows = Math.floor(GROUP_WORDS / columns / VECTOR_ROWS) * VECTOR_ROWS
  return Math.min(MOST_GROUP_ROWS, Math.max(VECTOR_ROWS, rows))
}
