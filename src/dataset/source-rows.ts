import { relative } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceSettings } from '../config/sections/source.ts'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { asDatasetError } from '../disk/database-errors.ts'
import { VigiaError } from '../errors.ts'
import { likelyDelimiter, parseHeader, type RenamedColumn } from './csv-header.ts'
import type { TypedColumn } from './mapping-of-source.ts'
import {
  assertWholeGzip,
  findSourceFiles,
  formatOf,
  type SourceFormat,
  startsAsUtf8,
} from './source-files.ts'

/** One file of the source. Its rows have the numbers `firstRow` to `firstRow + rows - 1`. */
export interface SourceFile {
  /** Relative to the working directory when inside it. */
  readonly path: string
  readonly firstRow: number
  /** Data rows, malformed ones included; a header and blank lines are not rows. */
  readonly rows: number
}

/**
 * The source as the view `source_rows` of the connection: `source_row`, `source_file`, `"__malformed"`,
 * `"__line"` (the raw text of a JSON line, else NULL) and the source's own columns, text for CSV and JSON.
 * Rows that are no CSV at all are in the table `rejected_rows` (source_row, source_file, line, message).
 */
export interface SourceRows {
  readonly format: SourceFormat
  readonly columns: readonly string[]
  /** Columns of a CSV file whose name an earlier one has; they stand in `columns` by their new name. */
  readonly renamedColumns: readonly RenamedColumn[]
  readonly files: readonly SourceFile[]
  readonly rows: number
}

/** Where the files of a source lie and how they are written. */
export type FilesOfSource = Pick<SourceSettings, 'path' | 'format' | 'csv'>

/** A character that cannot stand in JSON text: reading "columns" separated by it reads whole lines. */
const NEVER = `delim='\u0001', quote='', escape='', header=false, auto_detect=false, columns={'line':'VARCHAR'}`

/**
 * Opens every file of the source on `connection`.
 *
 * @throws the DATASET_ errors of bad input: missing, empty, a directory, not readable, broken, wrong
 * delimiter, differing columns
 */
export const openSourceRows = async (
  connection: DuckDBConnection,
  source: FilesOfSource,
  workingDirectory: string,
  signal: AbortSignal,
): Promise<SourceRows> => {
  const paths = await findSourceFiles(connection, source.path, workingDirectory)
  const format = formatOf(paths[0]!, source.format)
  await connection.run(
    'CREATE OR REPLACE TEMP TABLE rejected_rows (source_row BIGINT, source_file VARCHAR, line VARCHAR, message VARCHAR)',
  )
  const loader = LOADERS[format]
  let columns: readonly string[] = []
  let renamedColumns: readonly RenamedColumn[] = []
  const files: LoadedFile[] = []
  let offset = 0
  for (const [index, path] of paths.entries()) {
    const shown = shownPath(path, workingDirectory)
    const file: FileToLoad = { index, path, shown, offset, source, columns }
    try {
      const [loaded] = await Promise.all([loader.load(connection, file), assertWholeGzip(path, signal)])
      columns = loaded.columns
      renamedColumns = loaded.renamed ?? []
      files.push({ absolute: path, path: shown, firstRow: offset + 1, rows: loaded.rows })
      offset += loaded.rows
    } catch (error) {
      // A damaged archive often shows first as a malformed table: say the true cause.
      if (!(error instanceof VigiaError && error.code === 'INTERRUPTED')) await assertWholeGzip(path, signal)
      throw asDatasetError(error, {
        activity: `reading ${shown}`,
        path: shown,
        format,
        encoding: source.csv.encoding,
      })
    }
  }
  if (offset === 0)
    throw new VigiaError('DATASET_EMPTY', { path: files[0]?.path ?? '', reason: 'it has no data rows' })
  const view = await loader.view(connection, files, columns)
  await connection.run(`CREATE OR REPLACE TEMP VIEW source_rows AS ${view.sql}`)
  return {
    format,
    columns: view.columns,
    renamedColumns,
    files: files.map(({ absolute: _, ...file }) => file),
    rows: offset,
  }
}

/** The columns of the view `source_rows` with their types. */
export const columnTypes = async (connection: DuckDBConnection): Promise<readonly TypedColumn[]> => {
  const described = await connection.runAndReadAll('DESCRIBE source_rows')
  return described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }))
}

interface FileToLoad {
  readonly index: number
  readonly path: string
  readonly shown: string
  /** Data rows in the files before. */
  readonly offset: number
  readonly source: FilesOfSource
  /** Columns of the first file; empty for the first. */
  readonly columns: readonly string[]
}

interface LoadedFile extends SourceFile {
  readonly absolute: string
}

interface Loader {
  load(
    connection: DuckDBConnection,
    file: FileToLoad,
  ): Promise<{ columns: readonly string[]; renamed?: readonly RenamedColumn[]; rows: number }>
  view(
    connection: DuckDBConnection,
    files: readonly LoadedFile[],
    columns: readonly string[],
  ): Promise<{ sql: string; columns: readonly string[] }>
}

const loadCsv: Loader['load'] = async (connection, file) => {
  const { delimiter, quote, encoding } = file.source.csv
  const header = await readHeaderLine(connection, file)
  const { columns, renamed } = parseHeader(header, delimiter, quote)
  if (columns.length === 1) assertDelimiter(file, header)
  assertSameColumns(file, columns)
  if (file.index === 0)
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE loaded ("__file" USMALLINT, ${columns.map((name) => `${sqlIdentifier(name)} VARCHAR`).join(', ')})`,
    )
  const types = columns.map((name) => `${sqlLiteral(name)}: 'VARCHAR'`).join(', ')
  const rows = await insertRows(
    connection,
    file,
    '*',
    `delim=${sqlLiteral(delimiter)}, quote=${sqlLiteral(quote)}, escape=${sqlLiteral(quote)}, encoding=${sqlLiteral(encoding)}, header=true, auto_detect=false, columns={${types}}`,
    1,
  )
  return { columns, renamed, rows }
}

const loadJson: Loader['load'] = async (connection, file) => {
  if (file.index === 0)
    await connection.run('CREATE OR REPLACE TEMP TABLE loaded ("__file" USMALLINT, line VARCHAR)')
  const rows = await insertRows(connection, file, 'line', NEVER, 0, 'WHERE line IS NOT NULL')
  return { columns: ['line'], rows }
}

const loadParquet: Loader['load'] = async (connection, file) => {
  const described = await connection.runAndReadAll(`DESCRIBE FROM read_parquet(${sqlLiteral(file.path)})`)
  const columns = described.getRows().map(([name]) => String(name))
  assertSameColumns(file, columns)
  const counted = await connection.runAndReadAll(
    `SELECT num_rows FROM parquet_file_metadata(${sqlLiteral(file.path)})`,
  )
  return { columns, rows: Number(counted.getRows()[0]?.[0] ?? 0) }
}

const loadedView = async (
  connection: DuckDBConnection,
  files: readonly LoadedFile[],
  selection: string,
): Promise<string> => {
  const { from, sourceRow } = await numbering(connection)
  return `SELECT ${sourceRow} AS source_row, ${fileList(files)}["__file" + 1] AS source_file, ${selection} FROM ${from}`
}

const csvView: Loader['view'] = async (connection, files, columns) => ({
  columns,
  sql: await loadedView(
    connection,
    files,
    `false AS "__malformed", NULL::VARCHAR AS "__line", ${columns.map((name) => `loaded.${sqlIdentifier(name)}`).join(', ')}`,
  ),
})

const jsonView: Loader['view'] = async (connection, files) => {
  const isObject = `CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END`
  const keys = await connection.runAndReadAll(
    `SELECT DISTINCT unnest(json_keys(line)) AS key FROM loaded WHERE ${isObject} ORDER BY key`,
  )
  const columns = keys.getRows().map(([key]) => String(key))
  const pointers = columns.map((key) => sqlLiteral(`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`))
  const inner = await loadedView(
    connection,
    files,
    `NOT (${isObject}) AS "__malformed", line AS "__line", CASE WHEN ${isObject} THEN json_extract_string(line, [${pointers.join(', ')}]) END AS "__values"`,
  )
  const values = columns.map((key, index) => `"__values"[${index + 1}] AS ${sqlIdentifier(key)}`)
  return {
    columns,
    sql: `SELECT ${['source_row', 'source_file', '"__malformed"', '"__line"', ...values].join(', ')} FROM (${inner})`,
  }
}

const parquetView: Loader['view'] = async (connection, files, columns) => {
  // A prepared dataset read again has a source_row of its own; the row number in this source takes its place.
  const own = columns.filter((name) => !/^source_(row|file)$/i.test(name))
  const instants = await int96Columns(connection, files)
  const names = own
    .map((name) =>
      instants.has(name)
        ? `timezone('UTC', ${sqlIdentifier(name)}) AS ${sqlIdentifier(name)}`
        : sqlIdentifier(name),
    )
    .join(', ')
  const one = (file: LoadedFile) =>
    `SELECT file_row_number + ${file.firstRow} AS source_row, ${sqlLiteral(file.path)} AS source_file, false AS "__malformed", NULL::VARCHAR AS "__line", ${names} FROM read_parquet(${sqlLiteral(file.absolute)}, file_row_number=true)`
  return { columns: own, sql: files.map(one).join(' UNION ALL ') }
}

/**
 * The columns that Spark, Hive and Impala write as INT96: an instant, in UTC. DuckDB shows them as a
 * timestamp without a zone, which would be read in `source.time_zone`.
 */
const int96Columns = async (
  connection: DuckDBConnection,
  files: readonly LoadedFile[],
): Promise<ReadonlySet<string>> => {
  const paths = files.map((file) => sqlLiteral(file.absolute)).join(', ')
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT name FROM parquet_schema([${paths}]) WHERE type = 'INT96'`,
  )
  return new Set(found.getRows().map(([name]) => String(name)))
}

const LOADERS: Readonly<Record<SourceFormat, Loader>> = {
  csv: { load: loadCsv, view: csvView },
  json: { load: loadJson, view: jsonView },
  parquet: { load: loadParquet, view: parquetView },
}

/**
 * Appends a text file's rows to `loaded` and its unreadable ones to `rejected_rows`; answers how many there
 * are in all.
 */
const insertRows = async (
  connection: DuckDBConnection,
  file: FileToLoad,
  selection: string,
  options: string,
  headerLines: number,
  where = '',
): Promise<number> => {
  const errors = `reject_errors_${file.index}`
  const inserted = await connection.run(
    `INSERT INTO loaded SELECT ${file.index}, ${selection} FROM read_csv(${sqlLiteral(file.path)}, ${options}, store_rejects=true, rejects_table='${errors}', rejects_scan='reject_scans_${file.index}', rejects_limit=0) ${where}`,
  )
  const rejected = await connection.run(
    `INSERT INTO rejected_rows SELECT line - ${headerLines} + ${file.offset}, ${sqlLiteral(file.shown)}, ltrim(any_value(csv_line), chr(10) || chr(13)), min(error_message) FROM ${errors} GROUP BY line`,
  )
  return inserted.rowsChanged + rejected.rowsChanged
}

/**
 * How a row of `loaded` gets its number in the source. Without rejected rows it is its place; with them it
 * moves up by the rejected rows before it.
 */
const numbering = async (connection: DuckDBConnection): Promise<{ from: string; sourceRow: string }> => {
  const rejected = await connection.runAndReadAll('SELECT count(*) FROM rejected_rows')
  if (Number(rejected.getRows()[0]![0]) === 0) return { from: 'loaded', sourceRow: '(loaded.rowid + 1)' }
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE row_shifts AS SELECT first_place, max(shift) AS shift FROM (
       SELECT source_row - row_number() OVER (ORDER BY source_row) AS first_place,
              row_number() OVER (ORDER BY source_row) AS shift FROM rejected_rows) GROUP BY first_place`,
  )
  return {
    from: 'loaded ASOF LEFT JOIN row_shifts ON loaded.rowid >= row_shifts.first_place',
    sourceRow: '(loaded.rowid + 1 + coalesce(row_shifts.shift, 0))',
  }
}

const readHeaderLine = async (connection: DuckDBConnection, file: FileToLoad): Promise<string> => {
  const { encoding } = file.source.csv
  if (encoding === 'utf-8' && !(await startsAsUtf8(file.path)))
    throw new VigiaError('DATASET_ENCODING', {
      path: file.shown,
      encoding,
      allowed: 'utf-8, latin-1, utf-16',
    })
  // Not strict: without quotes, a line break of the other kind within a text would be no CSV at all.
  const reader = await connection.runAndReadAll(
    `SELECT line FROM read_csv(${sqlLiteral(file.path)}, ${NEVER}, encoding=${sqlLiteral(encoding)}, ignore_errors=true, strict_mode=false) LIMIT 1`,
  )
  const line = reader.getRows()[0]?.[0]
  if (typeof line !== 'string' || line.trim() === '')
    throw new VigiaError('DATASET_EMPTY', { path: file.shown, reason: 'it has no header line' })
  return line
}

const assertDelimiter = (file: FileToLoad, header: string): void => {
  const { delimiter, quote } = file.source.csv
  const likely = likelyDelimiter(header, quote)
  if (likely === undefined) return
  throw new VigiaError('DATASET_WRONG_DELIMITER', {
    path: file.shown,
    got: delimiter,
    header: header.length > 120 ? `${header.slice(0, 120)}...` : header,
    suggestion: likely.delimiter === '\t' ? '\\t' : likely.delimiter,
    columns: likely.columns,
  })
}

const assertSameColumns = (file: FileToLoad, columns: readonly string[]): void => {
  if (file.index === 0 || columns.join('\n') === file.columns.join('\n')) return
  throw new VigiaError('DATASET_FILES_DIFFER', {
    path: file.shown,
    got: columns.join(', '),
    allowed: file.columns.join(', '),
  })
}

const fileList = (files: readonly LoadedFile[]): string =>
  `[${files.map((file) => sqlLiteral(file.path)).join(', ')}]`

const shownPath = (path: string, workingDirectory: string): string => {
  const inside = relative(workingDirectory, path)
  return inside.startsWith('..') ? path : inside
}
