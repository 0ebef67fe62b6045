import { createReadStream } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { DuckDBConnection } from '@duckdb/node-api'
import { isDatabaseAddress, shownAddress } from '../config/database-address.ts'
import type { SourceSettings } from '../config/sections/source.ts'
import { sqlLiteral } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'

/** How a file is written. */
export type SourceFormat = Exclude<SourceSettings['format'], 'auto'>

/** How a `source.path` begins that names the folder of a service's log. */
export const LOG_SOURCE = 'vigia-log://'

const EXTENSIONS: Readonly<Record<string, SourceFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  parquet: 'parquet',
  json: 'json',
  jsonl: 'json',
  ndjson: 'json',
}

/**
 * The files that `source.path` names, as absolute paths: in the order of the list, those of a glob in name
 * order.
 *
 * @throws DATASET_FILE_MISSING, DATASET_NOT_A_FILE, DATASET_NOT_READABLE, DATASET_EMPTY
 */
export const findSourceFiles = async (
  connection: DuckDBConnection,
  path: SourceSettings['path'],
  workingDirectory: string,
): Promise<readonly string[]> => {
  const files: string[] = []
  for (const pattern of typeof path === 'string' ? [path] : path) {
    if (pattern.startsWith(LOG_SOURCE))
      throw new VigiaError('DATASET_SETTING_INVALID', {
        setting: 'source.path',
        got: pattern,
        allowed: 'files here: a log is read by `vigia run` and `vigia features`',
      })
    if (isDatabaseAddress(pattern))
      throw new VigiaError('DATASET_SETTING_INVALID', {
        setting: 'source.path',
        got: shownAddress(pattern),
        allowed:
          'files here: a database is read by `vigia run` (which validates it), `vigia features` and `vigia predict`',
      })
    const absolute = resolve(workingDirectory, pattern)
    const found = await expand(connection, absolute)
    if (found.length === 0)
      throw new VigiaError('DATASET_FILE_MISSING', { path: absolute, folder: workingDirectory })
    for (const file of found) await assertReadable(file)
    files.push(...found)
  }
  return files
}

/**
 * What of the settings of a source says what is read, for whoever compares two readings. Not where the files
 * lie: what they hold decides. Of their names the endings matter, where the format hangs on them.
 *
 * @param isGenerated whether the transactions come from no file
 */
export const contentSettings = (source: SourceSettings, isGenerated: boolean): object => {
  const { path, query: _, tables, labels, ...settings } = source
  const ofTables = Object.entries(tables).map(([name, { path: of, ...table }]) => [
    name,
    { ...table, files: endings(of) },
  ])
  return {
    ...settings,
    files: isGenerated ? [] : endings(path),
    ...(hasLabelTable(labels) && { labels: { ...labels, path: endings(labels.path) } }),
    ...(ofTables.length > 0 && { tables: Object.fromEntries(ofTables) }),
  }
}

/** Whether `source.labels` names a table. */
export const hasLabelTable = ({ path }: SourceSettings['labels']): boolean => path !== ''

const endings = (path: string | readonly string[]): string[] =>
  (typeof path === 'string' ? [path] : path).map((name) => /(\.\w+){0,2}$/.exec(name)?.[0] ?? '')

/** @throws DATASET_FORMAT_UNKNOWN when the format is `auto` and the name ends in none of the known ways */
export const formatOf = (path: string, format: SourceSettings['format']): SourceFormat => {
  if (format !== 'auto') return format
  const extension = path
    .replace(/\.(gz|zst)$/i, '')
    .split('.')
    .pop()
    ?.toLowerCase()
  const known = EXTENSIONS[extension ?? '']
  if (known === undefined) {
    const allowed = Object.keys(EXTENSIONS)
      .map((name) => `.${name}`)
      .join(', ')
    throw new VigiaError('DATASET_FORMAT_UNKNOWN', {
      path,
      allowed: `${allowed}, each also with .gz or .zst`,
    })
  }
  return known
}

/**
 * Reads a .gz file to its end and checks its length and checksum; other files pass at once.
 *
 * Needed because DuckDB takes a gzip file that was cut short for a short file and does not verify checksums.
 *
 * @throws DATASET_COMPRESSION_BROKEN
 */
export const assertWholeGzip = async (path: string, signal: AbortSignal): Promise<void> => {
  if (!path.toLowerCase().endsWith('.gz')) return
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: 1 << 20 }),
      createGunzip({ chunkSize: 1 << 20 }),
      async (source: AsyncIterable<Buffer>) => {
        for await (const _chunk of source);
      },
      { signal },
    )
  } catch (error) {
    if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity: `reading ${path}` }, { cause: error })
    const reason = error instanceof Error ? error.message : String(error)
    throw new VigiaError('DATASET_COMPRESSION_BROKEN', { path, reason }, { cause: error })
  }
}

/** Whether the first line of a plain or .gz file is valid UTF-8; .zst is taken to be. */
export const startsAsUtf8 = async (path: string): Promise<boolean> => {
  if (path.toLowerCase().endsWith('.zst')) return true
  const file = createReadStream(path)
  const bytes = path.toLowerCase().endsWith('.gz') ? file.pipe(createGunzip()) : file
  file.on('error', (error) => bytes.destroy(error))
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      const end = chunk.indexOf(10)
      decoder.decode(end < 0 ? chunk : chunk.subarray(0, end), { stream: end < 0 })
      if (end >= 0) return true
    }
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  } finally {
    file.destroy()
  }
}

const expand = async (connection: DuckDBConnection, pattern: string): Promise<readonly string[]> => {
  if (await stat(pattern).catch(() => undefined)) return [pattern]
  if (!/[*?[]/.test(pattern)) return []
  const reader = await connection.runAndReadAll(`SELECT file FROM glob(${sqlLiteral(pattern)}) ORDER BY file`)
  return reader.getRows().map(([file]) => String(file))
}

const assertReadable = async (path: string): Promise<void> => {
  const file = await stat(path)
  if (file.isDirectory()) throw new VigiaError('DATASET_NOT_A_FILE', { path })
  try {
    await access(path, constants.R_OK)
  } catch (error) {
    throw new VigiaError('DATASET_NOT_READABLE', { path, reason: 'permission denied' }, { cause: error })
  }
  if (file.isFile() && file.size === 0)
    throw new VigiaError('DATASET_EMPTY', { path, reason: 'it has 0 bytes' })
}
