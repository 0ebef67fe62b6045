import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../disk/database.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { BankDatabase, CopyRequest } from '../ports/bank-database.ts'

/** Columns that are compared as they are; all others are converted where they are read, as in a file. */
const TYPES: Readonly<Record<string, string>> = {
  is_fraud: 'BOOLEAN',
  event_time_ms: 'BIGINT',
  labelled_at_ms: 'BIGINT',
}

/**
 * Copies a table of features, as of one instant, into a Parquet file as `vigia features` writes it, and gives
 * it to `look`; removed afterwards.
 *
 * @throws MONITORING_FEATURES_REFUSED where a value is no number, or rows were lost; what `copyRows` throws
 */
export const withDatabaseFeatures = async <T>(
  {
    open,
    request,
    work,
    workFolder,
  }: {
    readonly open: () => Promise<BankDatabase>
    readonly request: CopyRequest
    readonly work: Work
    readonly workFolder: string
  },
  look: (path: string) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(join(workFolder, '.features-'))
  const path = join(folder, 'features.parquet')
  try {
    const file = join(folder, 'features.csv')
    const database = await open()
    const copied = await database.copyRows(request, file, work.signal).finally(() => database.close())
    const refuse = (reason: string): never => {
      const table = 'table' in request ? request.table.join('.') : 'the query'
      throw new VigiaError('MONITORING_FEATURES_REFUSED', { path: table, reason })
    }
    const types = copied.columns.map((name) => `${sqlLiteral(name)}: 'VARCHAR'`).join(', ')
    const columns = copied.columns.map(
      (name) => `${sqlIdentifier(name)}::${TYPES[name] ?? 'VARCHAR'} AS ${sqlIdentifier(name)}`,
    )
    await withDatabase(work.database, async (connection) => {
      const options = `header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', columns = {${types}}`
      const written = await connection
        .run(
          `COPY (SELECT ${columns.join(', ')} FROM read_csv(${sqlLiteral(file)}, ${options})) TO ${sqlLiteral(path)} (FORMAT parquet)`,
        )
        .catch((error: Error) => refuse(error.message.split('\n')[0] ?? ''))
      if (written.rowsChanged !== copied.rows)
        refuse(`${copied.rows} rows were sent and ${written.rowsChanged} could be read`)
    })
    return await look(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
