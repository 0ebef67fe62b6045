import { open, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { DatabaseSettings } from '../../disk/database.ts'
import { sha256OfFile } from '../../disk/sha256-of-file.ts'
import { syncFolderAsync } from '../../disk/sync-folder.ts'
import { VigiaError } from '../../errors.ts'
import { nextTurn } from '../../foundation/next-turn.ts'
import type { LogRecord } from '../../ports/prediction-log.ts'
import type { CatalogFile } from './archive-catalog.ts'
import { openParts } from './archive-parts.ts'
import {
  type ArchiveTable,
  CHUNK_ROWS,
  createDecisionTable,
  createLabelTable,
  createRepairTable,
} from './archive-table.ts'
import { decodeLogEntry, type LogEntry } from './log-record.ts'
import type { ModelDocument } from './model-document.ts'
import type { NumberRange } from './number-ranges.ts'
import { type ShadowAnswer, withShadowAnswer } from './shadow-answers.ts'

/** What a segment of the log became. */
export interface ArchivedSegment {
  readonly files: readonly string[]
  readonly records: number
  /** Of the log, not of the entries in it; 0 without a record. */
  readonly firstSequence: number
  readonly lastSequence: number
  /** Numbers between them that no record had. */
  readonly lacks: readonly NumberRange[]
  /** Answers of shadows that stood beside the log; absent: none did. */
  readonly shadows?: number
  /** Why answers of shadows that may stand beside the log are not in the files; absent: all are. */
  readonly unreadShadows?: string
  /** The same files as the catalog has them. */
  readonly catalogued: readonly CatalogFile[]
}

/**
 * The log as dated Parquet, for whoever analyses, trains and compares:
 *
 *     <folder>/predictions/date=2026-11-23/000000000001-0f3a9c….parquet
 *     <folder>/labels/date=2026-11-23/000000000001.parquet
 *     <folder>/repairs/date=2026-11-23/000000000001.parquet
 *
 * One file per segment and UTC day of the decision, label or repair, of predictions also per model. A
 * prediction's row: its place, answer, model and transaction (`DECISION_COLUMNS`), then every computed
 * feature by its name.
 */
export interface PredictionArchive {
  readonly folder: string
  /** Writes one segment; a repetition writes the same files again. */
  write(segment: string, records: AsyncIterable<LogRecord>): Promise<ArchivedSegment>
}

export interface PredictionArchiveOptions {
  readonly folder: string
  readonly database: DatabaseSettings
  /** What a log record's model computed. @throws SERVING_LOG_DAMAGED when nobody knows */
  readonly modelOf: (key: string) => Promise<ModelDocument>
  /** What shadows say of the decisions of a segment, where their records do not; left out: nothing. */
  readonly shadowsOf?: (segment: string) => Promise<ReadonlyMap<number, ShadowAnswer>>
}

export const createPredictionArchive = (options: PredictionArchiveOptions): PredictionArchive => {
  const { folder, database } = options
  return {
    folder,
    write: async (segment, records) => {
      const parts = await openParts(database, `${folder} ${segment}`)
      const tables = new Map<string, ArchiveTable>()
      const { shadows, ...unread } = await readShadows(options, segment)
      try {
        const numbers = await gather(records, segment, async (logged, bytes) => {
          const entry = withShadowAnswer(logged, shadows)
          const key = tableKey(entry)
          const table = tables.get(key) ?? (await createTable(options, entry, segment))
          tables.set(key, table)
          await table.add(entry, bytes)
          await parts.spill(tables)
        })
        const files: string[] = []
        const catalogued: CatalogFile[] = []
        for (const table of tables.values()) {
          await parts.write(table)
          await bringToDisk(table.path)
          files.push(table.path)
          catalogued.push(await catalogFile(folder, table.path))
        }
        return {
          files,
          catalogued,
          ...numbers,
          ...unread,
          ...(shadows.size > 0 && { shadows: shadows.size }),
        }
      } finally {
        for (const table of tables.values()) table.close()
        await parts.remove()
      }
    },
  }
}

const NO_SHADOWS: ReadonlyMap<number, ShadowAnswer> = new Map()

/** What cannot be read keeps no decision from the archive. */
const readShadows = async (
  { shadowsOf = async () => NO_SHADOWS }: Pick<PredictionArchiveOptions, 'shadowsOf'>,
  segment: string,
): Promise<Pick<ArchivedSegment, 'unreadShadows'> & { readonly shadows: typeof NO_SHADOWS }> =>
  shadowsOf(segment).then(
    (shadows) => ({ shadows }),
    (error: unknown) => ({ shadows: NO_SHADOWS, unreadShadows: String(error) }),
  )

/** Hands every entry of the segment to `add`, with the bytes of its record. */
const gather = async (
  source: AsyncIterable<LogRecord>,
  segment: string,
  add: (entry: LogEntry, bytes: number) => Promise<void>,
): Promise<Omit<ArchivedSegment, 'files' | 'catalogued' | 'shadows' | 'unreadShadows'>> => {
  let records = 0
  let firstSequence = 0
  let lastSequence = 0
  const lacks: NumberRange[] = []
  for await (const { sequence, payload } of source) {
    const entry = decodeLogEntry(payload)
    if (entry === undefined)
      throw new VigiaError('SERVING_LOG_DAMAGED', {
        segment,
        offset: 0,
        reason: `record ${sequence} is of an unknown kind`,
      })
    await add(entry, payload.length)
    records++
    if (firstSequence === 0) firstSequence = sequence
    else if (sequence > lastSequence + 1) lacks.push({ first: lastSequence + 1, last: sequence - 1 })
    lastSequence = sequence
    if (records % CHUNK_ROWS === 0) await nextTurn()
  }
  return { records, firstSequence, lastSequence, lacks }
}

const catalogFile = async (folder: string, path: string): Promise<CatalogFile> => ({
  name: relative(folder, path).replaceAll('\\', '/'),
  bytes: (await stat(path)).size,
  sha256: await sha256OfFile(path),
})

/** UTC day of an entry. */
const dateOf = (entry: LogEntry): string => new Date(atOf(entry)).toISOString().slice(0, 10)

const atOf = (entry: LogEntry): number => {
  if (entry.kind === 'decision') return entry.decision.decidedAtMs
  return entry.kind === 'label' ? entry.label.receivedAtMs : entry.repair.repairedAtMs
}

/** Entries of one key stand in one file. */
const tableKey = (entry: LogEntry): string =>
  `${dateOf(entry)} ${entry.kind === 'decision' ? entry.decision.model : entry.kind}`

const createTable = async (
  { folder, database, modelOf }: PredictionArchiveOptions,
  entry: LogEntry,
  segment: string,
): Promise<ArchiveTable> => {
  const base = segment.replace(/\.[a-z]+$/, '')
  const pathIn = (kind: string, file: string) =>
    join(folder, kind, `date=${dateOf(entry)}`, `${file}.parquet`)
  if (entry.kind === 'label') return createLabelTable(database, pathIn('labels', base))
  if (entry.kind === 'repair') return createRepairTable(database, pathIn('repairs', base))
  const key = entry.decision.model
  return createDecisionTable(database, pathIn('predictions', `${base}-${key}`), await modelOf(key))
}

/** The file and its name, so that the log may lose what is in it: a power failure takes neither. */
const bringToDisk = async (path: string): Promise<void> => {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  const day = dirname(path)
  const kind = dirname(day)
  for (const folder of [day, kind, dirname(kind)]) await syncFolderAsync(folder)
}
