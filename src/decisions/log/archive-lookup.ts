import type { DuckDBConnection } from '@duckdb/node-api'
import {
  countAsMemory,
  type DatabaseSettings,
  type OpenDatabase,
  openDatabase,
  sqlLiteral,
} from '../../disk/database.ts'
import { filesByName, filesByRange, type SequenceRange } from './archive-files.ts'
import type { LogEntry } from './log-record.ts'
import type { PredictionArchiveOptions } from './prediction-archive.ts'
import { findInFile } from './read-archive.ts'

export interface ArchiveLookupOptions {
  readonly folder: string
  readonly database: DatabaseSettings
  readonly modelOf: PredictionArchiveOptions['modelOf']
  /** Whether records of the log have the numbers of its decisions: names of files say what is in them. */
  readonly isInOrder: boolean
}

/** Finds single decisions in the dated Parquet files. */
export interface ArchiveLookup {
  /** Undefined when no file has it. One at a time: whoever calls waits for the one before. */
  find(sequence: number): Promise<LogEntry | undefined>
  /** There are other files than before. */
  changed(): void
  close(): Promise<void>
}

/**
 * It owns one database with one connection, which is opened with the first look-up and kept: what a look-up
 * costs is then the one file that has the number. DuckDB works in threads of its own, so no decision waits.
 */
export const createArchiveLookup = (options: ArchiveLookupOptions): ArchiveLookup => {
  const { folder, modelOf, isInOrder } = options
  let opened: Promise<OpenDatabase> | undefined
  const connect = async (): Promise<DuckDBConnection> => {
    const opening = opened ?? openToLookUp(options.database)
    opened = opening
    opening.catch(() => {
      opened = undefined
    })
    return (await opening).connection
  }
  const files = isInOrder
    ? filesByName(folder)
    : filesByRange(folder, async (path) => rangeOf(await connect(), path))
  const read = async (sequence: number): Promise<LogEntry | undefined> => {
    for (const path of await files.candidates(sequence)) {
      const entry = await findInFile(await connect(), path, sequence, modelOf)
      countAsMemory(RESULT_BYTES)
      if (entry !== undefined) return entry
    }
    return undefined
  }
  return {
    find: async (sequence) => {
      try {
        return await read(sequence)
      } catch {
        // A file that was listed is gone: people remove old days.
        files.changed()
        return read(sequence)
      }
    },
    changed: files.changed,
    close: async () => {
      const closing = opened
      opened = undefined
      await closing?.then(
        ({ close }) => close(),
        () => undefined,
      )
    },
  }
}

/** What the result of one look-up keeps outside of JavaScript's memory, and a margin. */
const RESULT_BYTES = 1 << 20

const openToLookUp = async (settings: DatabaseSettings): Promise<OpenDatabase> => {
  const database = await openDatabase(settings)
  // It would keep what it has read of files, up to its limit, for look-ups that never come.
  await database.connection.run('SET enable_external_file_cache = false')
  return database
}

const rangeOf = async (connection: DuckDBConnection, path: string): Promise<SequenceRange> => {
  const query = `SELECT min(sequence), max(sequence) FROM read_parquet(${sqlLiteral(path)}, hive_partitioning = false)`
  const [row] = (await connection.runAndReadAll(query)).getRows()
  // A file without rows has no number.
  return { first: Number(row?.[0] ?? 1), last: Number(row?.[1] ?? 0) }
}
