import { encodeEntry } from '../decisions/log/log-record.ts'
import { readArchive } from '../decisions/log/read-archive.ts'
import { createModelDocuments } from '../decisions/model-documents.ts'
import { withDatabase } from '../disk/database.ts'
import type { Work } from '../disk/work.ts'
import type { LogRecord, PredictionLog } from '../ports/prediction-log.ts'

export interface WholeLogParts {
  readonly log: Pick<PredictionLog, 'read' | 'readDocument'>
  /** Of the log and its archive. */
  readonly folder: string
  readonly work: Pick<Work, 'database'>
}

/** A place at which no record is: an archived one is searched for instead. */
const ARCHIVED = { segment: 'archived', offset: 0 }

/**
 * The records of a log that one process writes, from the first that it still has, in their order: those of
 * the archive too, for as long as `use` takes.
 *
 * @param use is given what reads the records after a number; one reading at a time
 */
export const withWholeLog = <T>(
  { log, folder, work }: WholeLogParts,
  use: (read: PredictionLog['read']) => Promise<T>,
): Promise<T> => {
  const { modelOf } = createModelDocuments(log)
  return withDatabase(work.database, (connection) =>
    use((after) =>
      mergeRecords(archived(readArchive(connection, [folder], modelOf, after)), log.read(after)),
    ),
  )
}

async function* archived(entries: ReturnType<typeof readArchive>): AsyncGenerator<LogRecord> {
  for await (const entry of entries)
    yield { sequence: entry.sequence, payload: encodeEntry(entry).slice(), position: ARCHIVED }
}

/** Both ascend. A record that is in both comes once, from the second, which knows its place. */
export async function* mergeRecords(
  first: AsyncGenerator<LogRecord>,
  second: AsyncIterable<LogRecord>,
): AsyncGenerator<LogRecord> {
  let next = await first.next()
  try {
    for await (const record of second) {
      for (; next.done !== true && next.value.sequence <= record.sequence; next = await first.next())
        if (next.value.sequence < record.sequence) yield next.value
      yield record
    }
    for (; next.done !== true; next = await first.next()) yield next.value
  } finally {
    await first.return(undefined)
  }
}
