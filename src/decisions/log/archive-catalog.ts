import { open, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type DatabaseSettings, sqlLiteral, withDatabase } from '../../disk/database.ts'
import { syncFolderAsync } from '../../disk/sync-folder.ts'
import type { NumberRange } from './number-ranges.ts'

/*
 * `archive.jsonl` beside the log: what became Parquet, a line a segment, written after its files and before
 * the log loses the segment. So it says which numbers are in which files, without opening any of them.
 */

/** A file of the archive. */
export interface CatalogFile {
  /** From the folder of the log: `predictions/date=2026-11-23/000000000001-0f3a9c….parquet`. */
  readonly name: string
  readonly bytes: number
  /** Absent for files that are older than the catalog. */
  readonly sha256?: string
}

/** A segment of the log that became Parquet. */
export interface CatalogEntry {
  /** Name of the segment without its ending. */
  readonly segment: string
  /** Numbers that its log gave to its first and last record, inclusive. */
  readonly first: number
  readonly last: number
  readonly records: number
  /** Numbers between them that the segment did not have; absent where it had all. */
  readonly lacks?: readonly NumberRange[]
  readonly files: readonly CatalogFile[]
}

const CATALOG = 'archive.jsonl'
const KINDS = ['predictions', 'labels', 'repairs']

/** Where the catalog of the log in `folder` lies. */
export const catalogPath = (folder: string): string => join(folder, CATALOG)

/** A line of the catalog that says nothing. */
export interface CatalogFault {
  /** From 1 on. */
  readonly line: number
  /** Byte at which the line begins. */
  readonly offset: number
  readonly text: string
  readonly reason: string
}

/** What the catalog has, and what of it cannot be read. */
export interface ReadCatalog {
  /** Oldest segment first; of a segment that was archived again, the later line. */
  readonly entries: readonly CatalogEntry[]
  /** Also lines that a process was killed over. */
  readonly faults: readonly CatalogFault[]
  /** False where there is no catalog: all files are older. */
  readonly exists: boolean
}

/** What the catalog has. Lines that cannot be read count as absent (`readCatalogLines` has them). */
export const readCatalog = async (folder: string): Promise<CatalogEntry[]> => [
  ...(await readCatalogLines(folder)).entries,
]

export const readCatalogLines = async (folder: string): Promise<ReadCatalog> => {
  const bytes = await readFile(catalogPath(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const bySegment = new Map<string, CatalogEntry>()
  const faults: CatalogFault[] = []
  let offset = 0
  for (const [i, text] of (bytes?.toString('latin1') ?? '').split('\n').entries()) {
    const entry = text === '' ? undefined : entryOf(Buffer.from(text, 'latin1').toString('utf8'))
    if (typeof entry === 'string') faults.push({ line: i + 1, offset, text, reason: entry })
    else if (entry !== undefined) bySegment.set(entry.segment, entry)
    offset += text.length + 1
  }
  const entries = [...bySegment.values()].sort((a, b) => a.first - b.first)
  return { entries, faults, exists: bytes !== undefined }
}

/** The entry of a line, or why it is none. */
const entryOf = (line: string): CatalogEntry | string => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'it is no JSON'
  }
  const { segment, first, last, records, lacks, files } = (value ?? {}) as Partial<CatalogEntry>
  const isWhole = [first, last, records].every(
    (number) => Number.isSafeInteger(number) && Number(number) >= 0,
  )
  if (typeof segment !== 'string' || !isWhole || !Array.isArray(files) || !isRanges(lacks))
    return 'it is no entry of a segment'
  // Else they would count for another one, and once more as files that are older than the catalog.
  const isOwn = (file: Partial<CatalogFile> | null): boolean =>
    typeof file?.name === 'string' && segmentOfFile(file.name) === segment && Number.isSafeInteger(file.bytes)
  return files.every(isOwn) ? (value as CatalogEntry) : `it has files of another segment than ${segment}`
}

const isRanges = (lacks: unknown): boolean =>
  lacks === undefined ||
  (Array.isArray(lacks) &&
    lacks.every((range) => Number.isInteger(range?.first) && Number.isInteger(range?.last)))

/** Adds lines; on the disk when it resolves. */
export const appendCatalog = async (folder: string, entries: readonly CatalogEntry[]): Promise<void> => {
  const file = await open(catalogPath(folder), 'a')
  try {
    // An empty line before: the last line may be half of one.
    await file.appendFile(entries.map((entry) => `\n${JSON.stringify(entry)}\n`).join(''))
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Replaces the catalog by these entries; on the disk when it resolves. */
export const rewriteCatalog = async (folder: string, entries: readonly CatalogEntry[]): Promise<void> => {
  const draft = `${catalogPath(folder)}.new`
  const file = await open(draft, 'w')
  try {
    await file.writeFile(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, catalogPath(folder))
  await syncFolderAsync(folder)
}

/** Names of all Parquet files of the log in `folder`, as the catalog writes them. */
export const archiveFileNames = async (folder: string): Promise<string[]> => {
  const names = await Promise.all(
    KINDS.map(async (kind) => {
      const found = await readdir(join(folder, kind), { recursive: true }).catch(() => [])
      return found.map((name) => `${kind}/${name.replaceAll('\\', '/')}`)
    }),
  )
  return names
    .flat()
    .filter((name) => name.endsWith('.parquet'))
    .sort()
}

/** Segment that an archive's file was made of. */
export const segmentOfFile = (name: string): string => /\/(\d+)[^/]*$/.exec(name)?.[1] ?? ''

/**
 * Entries for files that are older than the catalog, by the number of their rows: a segment has its records
 * one after the other.
 *
 * @param known what the catalog has
 * @param names of all files
 * @param isLogged whether the log still has the segment, which is archived again then
 */
export const entriesOfOlder = async (
  folder: string,
  known: readonly CatalogEntry[],
  names: readonly string[],
  isLogged: (segment: string) => boolean,
  database: DatabaseSettings,
): Promise<CatalogEntry[]> => {
  const isKnown = new Set(known.map(({ segment }) => segment))
  const older = names.filter((name) => {
    const segment = segmentOfFile(name)
    return segment !== '' && !isKnown.has(segment) && !isLogged(segment)
  })
  if (older.length === 0) return []
  const paths = older.map((name) => sqlLiteral(join(folder, name).replaceAll('\\', '/')))
  const rows = await withDatabase(database, async (connection) =>
    (
      await connection.runAndReadAll(
        `SELECT file_name, num_rows, file_size_bytes FROM parquet_file_metadata([${paths.join(', ')}])`,
      )
    ).getRowObjects(),
  )
  const found = new Map(
    rows.map((row) => [
      String(row['file_name']),
      { rows: Number(row['num_rows']), bytes: Number(row['file_size_bytes']) },
    ]),
  )
  const bySegment = new Map<string, { records: number; files: CatalogFile[] }>()
  for (const name of older) {
    const file = found.get(join(folder, name).replaceAll('\\', '/'))
    if (file === undefined) continue
    const entry = bySegment.get(segmentOfFile(name)) ?? { records: 0, files: [] }
    bySegment.set(segmentOfFile(name), entry)
    entry.records += file.rows
    entry.files.push({ name, bytes: file.bytes })
  }
  return [...bySegment].map(([segment, { records, files }]) => {
    const first = Number(segment)
    return { segment, first, last: first + records - 1, records, files }
  })
}
