import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'

/** What an embedded DuckDB may use of the machine. */
export interface DatabaseSettings {
  /** Threads of the query engine. */
  readonly threads: number
  /** Memory before it spills to disk, as DuckDB writes it: `4GB`. */
  readonly memoryLimit: string
  /** Folder for what does not fit in memory. */
  readonly tempDirectory: string
  /** Most of it on the disk at once. By default nine tenths of what is free there. */
  readonly mostSpillBytes?: number
}

/** A database that is open, with one connection. */
export interface OpenDatabase {
  readonly connection: DuckDBConnection
  /** Opens another one to the same database: one connection streams one result at a time. */
  connect(): Promise<DuckDBConnection>
  close(): void
}

/**
 * Runs `work` on a fresh in-memory DuckDB and closes it afterwards, whatever happens.
 *
 * `connect` opens another connection to the same database: one connection streams one result at a time. Time
 * zone is UTC, insertion order is preserved, and extensions are neither downloaded nor loaded by themselves.
 */
export const withDatabase = async <T>(
  settings: DatabaseSettings,
  work: (connection: DuckDBConnection, connect: () => Promise<DuckDBConnection>) => Promise<T>,
): Promise<T> => {
  const { connection, connect, close } = await openDatabase(settings)
  try {
    return await work(connection, connect)
  } finally {
    close()
  }
}

/** The same database, for whoever keeps it. */
export const openDatabase = async (settings: DatabaseSettings): Promise<OpenDatabase> => {
  // DuckDB makes the folder itself, but not the one that it lies in. Where that cannot be made, only spilling
  // fails, and says so.
  await mkdir(dirname(settings.tempDirectory), { recursive: true }).catch(() => undefined)
  // Loaded when it is used: a server that starts has no use for it yet.
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(settings.threads),
    memory_limit: settings.memoryLimit,
    temp_directory: settings.tempDirectory,
    autoinstall_known_extensions: 'false',
    preserve_insertion_order: 'true',
  })
  try {
    const connection = await instance.connect()
    // When it is made DuckDB puts its own default over what it is given.
    if (settings.mostSpillBytes !== undefined)
      await connection.run(`SET max_temp_directory_size = '${Math.floor(settings.mostSpillBytes / 1024)}KiB'`)
    return {
      connection,
      connect: () => instance.connect(),
      close: () => {
        try {
          connection.closeSync()
        } finally {
          instance.closeSync()
        }
      },
    }
  } catch (error) {
    instance.closeSync()
    throw error
  }
}

/**
 * `text` as an SQL string literal. The character 0 would end the statement, so it is put together from its
 * number.
 */
export const sqlLiteral = (text: string): string => {
  const parts = text.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`)
  return parts.length === 1 ? parts.join() : `(${parts.join(' || chr(0) || ')})`
}

/** `name` as a quoted SQL identifier. */
export const sqlIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * Makes JavaScript's memory count `bytes` of a result that it cannot see. DuckDB frees a result when that
 * memory is collected, which would otherwise wait for hundreds of them. An array that nobody writes to counts
 * as memory without taking any.
 */
export const countAsMemory = (bytes: number): void => void new ArrayBuffer(bytes)
