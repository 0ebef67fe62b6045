import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlLiteral } from './database.ts'

/** A database that is open. */
export interface MemoryDatabase {
  readonly connection: DuckDBConnection
  close(): void
}

export interface MemoryDatabaseOptions {
  /** Folder whose files may be read; none when absent. */
  readonly folder?: string
  /** What is there before settings are locked. */
  readonly prepare?: (connection: DuckDBConnection) => Promise<void>
}

/** For rows of one request. */
const MEMORY_LIMIT = '256MB'

/**
 * A DuckDB in memory for what services are sent: one thread, 256 MB, no temporary files, no other files, no
 * network, no extensions, rows in their order, settings that nothing changes. DuckDB is loaded when it is
 * used: most services are never sent what needs it.
 */
export const openMemoryDatabase = async ({
  folder,
  prepare,
}: MemoryDatabaseOptions): Promise<MemoryDatabase> => {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: MEMORY_LIMIT,
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'true',
  })
  try {
    const connection = await instance.connect()
    if (folder !== undefined)
      await connection.run(`SET allowed_directories = [${sqlLiteral(join(folder, '/'))}]`)
    await connection.run('SET enable_external_access = false')
    await prepare?.(connection)
    await connection.run('SET lock_configuration = true')
    return {
      connection,
      close: () => {
        connection.closeSync()
        instance.closeSync()
      },
    }
  } catch (error) {
    instance.closeSync()
    throw error
  }
}
