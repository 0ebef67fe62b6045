import { open, stat } from 'node:fs/promises'
import { constants, createGunzip } from 'node:zlib'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceSettings } from '../config/sections/source.ts'
import { sqlLiteral } from '../disk/database.ts'
import { findSourceFiles, formatOf } from './source-files.ts'

/** Bytes at the beginning of a text file from which the length of its lines is taken. */
const SAMPLE_BYTES = 1 << 18

/**
 * About how many rows the files of a source have, without reading them: Parquet says it; in text the lines at
 * the beginning of a file stand for all of them. Exact for Parquet, for text files that are smaller than
 * 256 KiB but for lines inside quotes, and usually within a few percent.
 */
export const estimateRows = async (
  connection: DuckDBConnection,
  { path, format }: Pick<SourceSettings, 'path' | 'format'>,
  workingDirectory: string,
): Promise<number> => {
  let rows = 0
  for (const file of await findSourceFiles(connection, path, workingDirectory)) {
    const kind = formatOf(file, format)
    if (kind === 'parquet') rows += await rowsOfParquet(connection, file)
    else rows += (await linesOf(file)) - (kind === 'csv' ? 1 : 0)
  }
  return Math.max(0, Math.round(rows))
}

const rowsOfParquet = async (connection: DuckDBConnection, file: string): Promise<number> => {
  const query = `SELECT sum(num_rows) FROM parquet_file_metadata(${sqlLiteral(file)})`
  const [row] = (await connection.runAndReadAll(query)).getRows()
  return Number(row?.[0] ?? 0)
}

const linesOf = async (file: string): Promise<number> => {
  const { size } = await stat(file)
  const handle = await open(file, 'r')
  try {
    const bytes = Buffer.alloc(Math.min(size, SAMPLE_BYTES))
    await handle.read(bytes, 0, bytes.length, 0)
    const text = bytes[0] === 0x1f && bytes[1] === 0x8b ? await unzipped(bytes) : bytes
    const end = endOfRows(text)
    const lines = countOf(text, end)
    const isWhole = bytes.length === size
    const isEndless = isWhole && text.length > 0 && text.at(-1) !== end && end !== OPENING
    return isWhole ? lines + (isEndless ? 1 : 0) : (lines * size) / bytes.length
  } finally {
    await handle.close()
  }
}

const NEWLINE = 10
const RETURN = 13
const BRACKET = 91
const OPENING = 123

/** The byte that rows are counted by: a list of JSON has an object for each, whatever its lines. */
const endOfRows = (text: Buffer): number => {
  if (text.find((byte) => byte > 32) === BRACKET) return OPENING
  return text.includes(NEWLINE) || !text.includes(RETURN) ? NEWLINE : RETURN
}

const countOf = (text: Buffer, wanted: number): number =>
  text.reduce((count, byte) => count + (byte === wanted ? 1 : 0), 0)

/** As much as the beginning of a gzip file gives. */
const unzipped = (bytes: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const unzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })
    unzip.on('data', (part: Buffer) => parts.push(part))
    unzip.on('end', () => resolve(Buffer.concat(parts)))
    unzip.on('error', reject)
    unzip.end(bytes)
  })
