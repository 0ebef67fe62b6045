import { isUtf8 } from 'node:buffer'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { parseHeader } from '../../dataset/csv-header.ts'
import { sqlIdentifier, sqlLiteral } from '../../disk/database.ts'
import { type MemoryDatabase, openMemoryDatabase } from '../../disk/memory-database.ts'
import { VigiaError } from '../../errors.ts'
import { RequestProblemsError } from '../../transaction/request-problem.ts'

/** A row of a table by its columns, those that are missing left out. */
export type TableRow = readonly (readonly [column: string, value: string | number | boolean])[]

/** What of a table is read. */
export interface TableLimits {
  readonly rows: number
  /** Columns by these names are read; others only named. */
  readonly columns: ReadonlySet<string>
}

/** Reads bodies that are CSV or Parquet as training reads such files: by DuckDB. */
export interface TableReader {
  /**
   * The rows, one more than `limits.rows` at most.
   *
   * @throws REQUEST_TABLE_UNREADABLE, REQUEST_INVALID; SERVING_BODY_NOT_KEPT
   */
  read(format: 'csv' | 'parquet', bytes: Buffer, limits: TableLimits): Promise<readonly TableRow[]>
  close(): Promise<void>
}

interface Opened extends MemoryDatabase {
  readonly folder: string
}

/**
 * The database opens with the first body, so that a service that is sent none needs none. Bodies are read one
 * after the other, each from a file that is gone afterwards, as DuckDB reads files only.
 */
export const createTableReader = (): TableReader => {
  let opening: Promise<Opened> | undefined
  let last: Promise<unknown> = Promise.resolve()
  let count = 0
  const readOne: TableReader['read'] = async (format, bytes, limits) => {
    opening ??= openDatabase(format).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    const { folder, connection } = await opening
    // Another name each time: DuckDB may remember what it has read.
    const path = join(folder, `${++count}.${format}`)
    try {
      await writeFile(path, bytes).catch(notKept(format))
      return await (format === 'csv' ? readCsv : readParquet)(connection, path, bytes, limits)
    } finally {
      await rm(path, { force: true })
    }
  }
  return {
    read: (format, bytes, limits) => {
      const reading = last.then(() => readOne(format, bytes, limits))
      last = reading.catch(() => undefined)
      return reading
    },
    close: async () => {
      await last
      const opened = await opening
      if (opened === undefined) return
      opened.close()
      await rm(opened.folder, { recursive: true, force: true })
    },
  }
}

const notKept =
  (format: string) =>
  (error: unknown): never => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new VigiaError('SERVING_BODY_NOT_KEPT', { format: NAMES[format]!, reason }, { cause: error })
  }

const NAMES: Readonly<Record<string, string>> = { csv: 'CSV', parquet: 'Parquet' }

/** A DuckDB in memory that reads the files of its folder, nothing else, on one thread. */
const openDatabase = async (format: string): Promise<Opened> => {
  const folder = await realpath(tmpdir())
    .then((place) => mkdtemp(join(place, 'vigia-bodies-')))
    .catch(notKept(format))
  return { folder, ...(await openMemoryDatabase({ folder })) }
}

type ReadFormat = (
  connection: DuckDBConnection,
  path: string,
  bytes: Buffer,
  limits: TableLimits,
) => Promise<readonly TableRow[]>

/** Of a data frame, whose index stands in front of its columns and has no name. */
const NAMELESS = /^\ufeff?(""|\s*),/
const INDEX_COLUMN = /^__index_level_\d+__$/
/** Most columns, where the models in service know few: names are told apart before they are refused. */
const MANY_COLUMNS = 1000

const readCsv: ReadFormat = async (connection, path, bytes, limits) => {
  if (!isUtf8(bytes)) throw unreadable('csv', 'it is not UTF-8')
  const end = bytes.indexOf(0x0a)
  const header = (end < 0 ? bytes : bytes.subarray(0, end)).toString().replace(/\r$/, '')
  if (header.trim() === '') throw unreadable('csv', 'its first line has no names of columns')
  assertFew('csv', header.split(',').length, limits)
  const { columns } = parseHeader(header, ',', '"')
  const types = columns.map((name) => `${sqlLiteral(name)}: 'VARCHAR'`)
  const names = columns.slice(NAMELESS.test(header) ? 1 : 0)
  // SageMaker's serializer writes none, and the first row would be taken for names.
  if (!names.some((name) => limits.columns.has(name)))
    throw unreadable('csv', 'its first line names no field of a transaction: the header is missing')
  return query(connection, 'csv', path, limits, {
    from: `read_csv(${sqlLiteral(path)}, auto_detect=false, header=true, delim=',', quote='"', escape='"', columns={${types.join(', ')}})`,
    read: names.map((name) => ({ name, sql: sqlIdentifier(name) })),
    unknown: [],
  })
}

const readParquet: ReadFormat = async (connection, path, _bytes, limits) => {
  const from = `read_parquet(${sqlLiteral(path)})`
  const described = await run(connection, 'parquet', path, `DESCRIBE SELECT * FROM ${from}`)
  const columns = described
    .map(([name, type]) => ({ name: String(name), type: String(type) }))
    .filter(({ name }) => !INDEX_COLUMN.test(name))
  assertFew('parquet', columns.length, limits)
  const known = columns.filter(({ name }) => limits.columns.has(name))
  const read = known.map(({ name, type }) => {
    const sql = writtenValue(sqlIdentifier(name), type)
    if (sql !== undefined) return { name, sql }
    const allowed = 'text, numbers, BOOLEAN, DATE or TIMESTAMP'
    const what = 'is a column of a type that is not read'
    throw new RequestProblemsError('REQUEST_INVALID', [
      { field: name, what, allowed, got: type.slice(0, 60) },
    ])
  })
  const unknown = columns.filter(({ name }) => !limits.columns.has(name)).map(({ name }) => name)
  return query(connection, 'parquet', path, limits, { from, read, unknown })
}

const assertFew = (format: 'csv' | 'parquet', count: number, { columns }: TableLimits): void => {
  const most = Math.max(MANY_COLUMNS, 2 * columns.size)
  if (count > most) throw unreadable(format, `it has ${count} columns; at most ${most} are read`)
}

const WHOLE = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DECIMAL\(\d+,\d+\))$/
/** Text beyond it is refused whatever it is, and one text may stand in every row of a small file. */
const LONGEST = 1024

/** SQL of a value as JSON would write it; undefined for types that are not read. */
const writtenValue = (column: string, type: string): string | undefined => {
  if (type === 'VARCHAR' || type.startsWith('ENUM')) return `left(CAST(${column} AS VARCHAR), ${LONGEST})`
  if (type === 'BOOLEAN' || type === 'DOUBLE') return column
  // The shortest decimal that names it.
  if (type === 'FLOAT') return `CAST(CAST(${column} AS VARCHAR) AS DOUBLE)`
  if (WHOLE.test(type) || type === 'DATE' || type === 'UUID') return `CAST(${column} AS VARCHAR)`
  if (type === 'TIMESTAMP WITH TIME ZONE') return `${timeText(`timezone('UTC', ${column})`)} || 'Z'`
  if (type.startsWith('TIMESTAMP')) return timeText(`CAST(${column} AS TIMESTAMP)`)
  return undefined
}

const timeText = (time: string): string => `strftime(${time}, '%Y-%m-%dT%H:%M:%S.%f')`

interface Selection {
  readonly from: string
  readonly read: readonly { readonly name: string; readonly sql: string }[]
  /** Told in each row, so that whoever reads it can say what it thinks of them. */
  readonly unknown: readonly string[]
}

const query = async (
  connection: DuckDBConnection,
  format: 'csv' | 'parquet',
  path: string,
  limits: TableLimits,
  { from, read, unknown }: Selection,
): Promise<readonly TableRow[]> => {
  const values = ['true', ...read.map(({ sql }) => sql)]
  const rows = await run(
    connection,
    format,
    path,
    `SELECT ${values.join(', ')} FROM ${from} LIMIT ${limits.rows + 1}`,
  )
  const others = unknown.map((name) => [name, true] as const)
  return rows.map(([, ...row]) => [
    ...read.flatMap(({ name }, column) => {
      const value = row[column] as string | number | boolean | null
      return value === null || Number.isNaN(value) ? [] : [[name, value] as const]
    }),
    ...others,
  ])
}

const run = async (
  connection: DuckDBConnection,
  format: 'csv' | 'parquet',
  path: string,
  sql: string,
): Promise<readonly (readonly unknown[])[]> => {
  try {
    return (await connection.runAndReadAll(sql)).getRows()
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).split('\n')
    const reason = lines.filter((line) => line.trim() !== '' && !line.startsWith('LINE ')).slice(0, 3)
    // Advice about options of DuckDB follows.
    throw unreadable(format, reason.join('; ').replaceAll(path, 'the body').slice(0, 300), error)
  }
}

const unreadable = (format: 'csv' | 'parquet', reason: string, cause?: unknown): VigiaError =>
  new VigiaError('REQUEST_TABLE_UNREADABLE', { format: NAMES[format]!, reason }, { cause })
