import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { withDatabase } from '../../disk/database.ts'
import type { Work } from '../../disk/work.ts'
import { VigiaError } from '../../errors.ts'
import type { LogReader } from '../../ports/prediction-log.ts'
import type { LogEntry } from './log-record.ts'
import { documentName, type ModelDocument } from './model-document.ts'
import { createPredictionArchive } from './prediction-archive.ts'
import { readArchive } from './read-archive.ts'

export interface LoggedEntriesOptions {
  /** Folders of logs: one per process that shared the states. */
  readonly folders: readonly string[]
  readonly openLog: (folder: string) => LogReader
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly work: Pick<Work, 'database'>
  /** Entries after this one alone; 0, or left out: all. */
  readonly after?: number | undefined
}

/** All that some logs have, whatever of it is Parquet by now. */
export interface LoggedEntries {
  /** In the order of their sequence numbers, as `readArchive` gives them. */
  readonly entries: AsyncGenerator<LogEntry>
  /** @throws SERVING_LOG_INCOMPLETE when no log says what the model was */
  modelOf(key: string): Promise<ModelDocument>
  readonly logs: readonly LogReader[]
  /** Folders of archives that have all of them: see `archivedTable`. */
  readonly archives: readonly string[]
  /** Another connection to the database that sorts the entries: one connection streams one result. */
  connect(): Promise<DuckDBConnection>
}

/** Reads logs from their beginning, for as long as `use` takes. Servers may go on writing them. */
export const withLoggedEntries = async <T>(
  options: LoggedEntriesOptions,
  use: (logged: LoggedEntries) => Promise<T>,
): Promise<T> => {
  const { folders, openLog } = options
  const { database } = options.work
  const logs = folders.map(openLog)
  const documents = new Map<string, ModelDocument>()
  const modelOf = async (key: string): Promise<ModelDocument> => {
    const known = documents.get(key)
    if (known !== undefined) return known
    for (const log of logs) {
      const text = await log.readDocument(documentName(key))
      if (text === undefined) continue
      const document = JSON.parse(text) as ModelDocument
      documents.set(key, document)
      return document
    }
    throw logIncomplete(folders, `nothing in it says what model ${key} was`)
  }
  const archiveFolder = await mkdtemp(join(options.workFolder, '.parity-'))
  try {
    // What is not in Parquet yet becomes so here, so that one sorted query reads everything.
    for (const [i, log] of logs.entries())
      await createPredictionArchive({ folder: join(archiveFolder, String(i)), database, modelOf }).write(
        '000000000001',
        log.read(0),
      )
    const archives = [...folders, ...logs.map((_, i) => join(archiveFolder, String(i)))]
    return await withDatabase(database, (connection, connect) =>
      use({
        entries: readArchive(connection, archives, modelOf, options.after),
        modelOf,
        logs,
        archives,
        connect,
      }),
    )
  } finally {
    await rm(archiveFolder, { recursive: true, force: true })
  }
}

/** Reads the same logs again, as they were: nothing is written for it. */
export const againWithin =
  (logged: LoggedEntries): typeof withLoggedEntries =>
  async ({ after }, use) =>
    use({
      ...logged,
      entries: readArchive(await logged.connect(), logged.archives, logged.modelOf, after),
    })

/** @throws SERVING_LOG_INCOMPLETE for the first of `folders` that is none */
export const assertFolders = async (folders: readonly string[]): Promise<void> => {
  for (const folder of folders) {
    const isThere = (await stat(folder).catch(() => undefined))?.isDirectory() === true
    if (!isThere) throw logIncomplete([folder], 'there is no such folder')
  }
}

export const logIncomplete = (folders: readonly string[], reason: string): VigiaError =>
  new VigiaError('SERVING_LOG_INCOMPLETE', { folder: folders.join(', '), reason })
