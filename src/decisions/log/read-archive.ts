import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { countAsMemory, sqlLiteral } from '../../disk/database.ts'
import { invariantBroken } from '../invariant-broken.ts'
import { type ColumnValue, decisionOf, featureColumn, labelOf, repairOf } from './archive-columns.ts'
import type { LogEntry } from './log-record.ts'
import type { NumberRange } from './number-ranges.ts'
import type { PredictionArchiveOptions } from './prediction-archive.ts'

/** Numbers that are sorted and held at a time, however long the archive is. */
const WINDOW_NUMBERS = 32_768
/** What a value of a result takes outside of JavaScript's memory, in bytes. */
const VALUE_BYTES = 8

/**
 * The entries in the archives `folders` in the order of their sequence numbers. A record that was moved to
 * two logs stands in both and comes once. Different records with one number come one after the other: a Redis
 * that lost its last second has given the number again. A window of numbers is read and sorted at a time, so
 * that neither the database nor this process has more than one of them.
 *
 * @param after entries after this number alone
 */
export async function* readArchive(
  connection: DuckDBConnection,
  folders: readonly string[],
  modelOf: PredictionArchiveOptions['modelOf'],
  after = 0,
): AsyncGenerator<LogEntry> {
  const files = await Promise.all(KINDS.map((kind) => filesOf(connection, folders, kind, after)))
  for (let from = nextNumber(files.flat(), after); from !== undefined; ) {
    const last = from + WINDOW_NUMBERS - 1
    const [decisions, labels, repairs] = files.map((all) => queryOf(all, { first: from!, last }))
    const others = [
      ...(await readRows(connection, labels, labelOf)),
      ...(await readRows(connection, repairs, repairOf)),
    ].sort(bySequence)
    let next = 0
    for await (const entry of readDecisions(connection, decisions, modelOf)) {
      while (next < others.length && others[next]!.sequence < entry.sequence) yield others[next++]!
      yield entry
    }
    while (next < others.length) yield others[next++]!
    from = nextNumber(files.flat(), last)
  }
}

/** Folders of an archive, and the column by which rows of one number are sorted. */
const KINDS = [
  { folder: 'predictions', order: 'transaction_id' },
  { folder: 'labels', order: 'transaction_id' },
  { folder: 'repairs', order: 'token' },
] as const

interface ArchivedFile {
  readonly path: string
  readonly order: string
  /** Numbers of its rows that are asked for, the lowest first. */
  readonly runs: readonly NumberRange[]
}

/** The files of one kind, and which numbers they have: where many are missing, no window looks for them. */
const filesOf = async (
  connection: DuckDBConnection,
  folders: readonly string[],
  { folder: kind, order }: (typeof KINDS)[number],
  after: number,
): Promise<readonly ArchivedFile[]> => {
  const paths = (await Promise.all(folders.map((folder) => parquetFiles(join(folder, kind))))).flat()
  if (paths.length === 0) return []
  const numbers = `SELECT filename, floor(sequence / ${WINDOW_NUMBERS}) AS part, min(sequence), max(sequence) FROM ${tableOf(paths, ', filename = true')} WHERE sequence > ${after} GROUP BY filename, part ORDER BY part`
  const runs = new Map<string, NumberRange[]>(paths.map((path) => [path, []]))
  for (const [path, , first, last] of (await connection.runAndReadAll(numbers)).getRows())
    numbersOf(String(path), runs).push({ first: Number(first), last: Number(last) })
  return paths.map((path) => ({ path, order, runs: runs.get(path)! }))
}

const numbersOf = (path: string, runs: ReadonlyMap<string, NumberRange[]>): NumberRange[] => {
  const own = runs.get(path.replaceAll('\\', '/'))
  if (own === undefined) throw invariantBroken(`rows of ${path} are of a file that was listed`)
  return own
}

/** First number after `after` that any of the files may have; undefined: none has. */
const nextNumber = (files: readonly ArchivedFile[], after: number): number | undefined => {
  let next: number | undefined
  for (const { runs } of files) {
    const run = runs.find(({ last }) => last > after)
    if (run !== undefined) next = Math.min(next ?? run.first, run.first)
  }
  return next === undefined ? undefined : Math.max(next, after + 1)
}

const queryOf = (files: readonly ArchivedFile[], { first, last }: NumberRange): string | undefined => {
  const some = files.filter(({ runs }) => runs.some((run) => run.first <= last && run.last >= first))
  const [file] = some
  return (
    file &&
    `SELECT * FROM ${tableOf(some.map(({ path }) => path))} WHERE sequence BETWEEN ${first} AND ${last} ORDER BY sequence, ${file.order}`
  )
}

/**
 * Rows of one kind of all archives, for a query that needs few of their columns; undefined: there are none. A
 * record that was moved to two logs stands in it twice: `sequence` and `transaction_id` tell.
 *
 * @param later columns that files of earlier versions may lack: they are NULL there
 */
export const archivedTable = async (
  connection: DuckDBConnection,
  folders: readonly string[],
  kind: (typeof KINDS)[number]['folder'],
  later: readonly string[],
): Promise<string | undefined> => {
  const paths = (await Promise.all(folders.map((folder) => parquetFiles(join(folder, kind))))).flat()
  if (paths.length === 0) return undefined
  const table = tableOf(paths)
  const described = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${table}`)).getRows()
  const there = new Set(described.map(([name]) => String(name)))
  const missing = later.filter((name) => !there.has(name)).map((name) => `NULL AS ${name}`)
  return `(SELECT ${['*', ...missing].join(', ')} FROM ${table})`
}

const tableOf = (paths: readonly string[], more = ''): string =>
  `read_parquet([${paths.map(sqlLiteral).join(', ')}], union_by_name = true, hive_partitioning = false${more})`

/** The decision of that number in one file of `predictions/`; undefined when it has none. */
export const findInFile = async (
  connection: DuckDBConnection,
  path: string,
  sequence: number,
  modelOf: PredictionArchiveOptions['modelOf'],
): Promise<LogEntry | undefined> => {
  const query = `SELECT * FROM read_parquet(${sqlLiteral(path)}, hive_partitioning = false) WHERE sequence = ${sequence}`
  for await (const entry of readDecisions(connection, query, modelOf)) return entry
  return undefined
}

const bySequence = (a: LogEntry, b: LogEntry): number => a.sequence - b.sequence

const readRows = async (
  connection: DuckDBConnection,
  query: string | undefined,
  entryOf: (value: ColumnValue) => LogEntry,
): Promise<LogEntry[]> => {
  if (query === undefined) return []
  const rows = (await connection.runAndReadAll(query)).getRowObjects()
  return rows.filter((row, at) => !isSameRecord(row, rows[at - 1])).map((row) => entryOf((name) => row[name]))
}

async function* readDecisions(
  connection: DuckDBConnection,
  query: string | undefined,
  modelOf: PredictionArchiveOptions['modelOf'],
): AsyncGenerator<LogEntry> {
  if (query === undefined) return
  const result = await connection.stream(query)
  // Names of columns know no case: two models may write an attribute's differently.
  const places = new Map(result.columnNames().map((name, at) => [name.toLowerCase(), at]))
  let last: RecordName | undefined
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    countAsMemory(chunk.rowCount * chunk.columnCount * VALUE_BYTES)
    const vectors = Array.from({ length: chunk.columnCount }, (_, at) => chunk.getColumnVector(at))
    for (let row = 0; row < chunk.rowCount; row++) {
      const value: ColumnValue = (name) => vectors[places.get(name.toLowerCase()) ?? -1]?.getItem(row)
      const name: RecordName = { sequence: value('sequence'), transaction_id: value('transaction_id') }
      if (isSameRecord(name, last)) continue
      last = name
      const { computed } = await modelOf(value('model_key') as string)
      const numberOf = (feature: string) => value(featureColumn(feature)) as number | null | undefined
      yield decisionOf(
        value,
        Float64Array.from(computed, (feature) => numberOf(feature) ?? Number.NaN),
      )
    }
  }
}

type RecordName = Readonly<Record<'sequence' | 'transaction_id', unknown>>

/** Sorted, a record of two logs stands beside itself. */
const isSameRecord = (row: Partial<RecordName>, before: Partial<RecordName> | undefined): boolean =>
  row.sequence === before?.sequence && row.transaction_id === before?.transaction_id

const parquetFiles = async (root: string): Promise<string[]> => {
  const names = await readdir(root, { recursive: true }).catch(() => [])
  return names
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join(root, name).replaceAll('\\', '/'))
}
