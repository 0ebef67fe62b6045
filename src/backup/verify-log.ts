import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import {
  archiveFileNames,
  type CatalogEntry,
  entriesOfOlder,
  readCatalogLines,
  segmentOfFile,
} from '../decisions/log/archive-catalog.ts'
import { goneThrough, readLogBeginning } from '../decisions/log/log-beginning.ts'
import { findGaps, heldBy, type LogGap, RunsOfNumbers, readLostNumbers } from '../decisions/log/log-gaps.ts'
import { readLogLayouts } from '../decisions/log/log-layouts.ts'
import { decodeLogEntry } from '../decisions/log/log-record.ts'
import { documentName, type ModelDocument } from '../decisions/log/model-document.ts'
import type { NumberRange } from '../decisions/log/number-ranges.ts'
import { createPredictionArchive } from '../decisions/log/prediction-archive.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { faultOfFile } from '../disk/fault-of-file.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { LogReader, LogRest } from '../ports/prediction-log.ts'
import type { LogProblem } from './log-problem.ts'
import { faultsOfCatalog, linesThatAreGone } from './verify-catalog.ts'
import { verifyDocuments } from './verify-documents.ts'
import { verifySnapshots } from './verify-snapshots.ts'

/** What was read of a log, and what is wrong with it. */
export interface VerifiedLog {
  readonly folder: string
  readonly segments: number
  /** Records in segments. */
  readonly records: number
  /** Bytes of half a record at the end, which a server is writing or was interrupted at; 0: none. */
  readonly unfinishedBytes: number
  /** Files of the archive, and what they have. */
  readonly archive: {
    readonly files: number
    readonly bytes: number
    readonly records: number
    /** Files that are older than the catalog, so that only their structure was checked. */
    readonly withoutHash: number
  }
  readonly documents: number
  /** First number that the log has, inclusive: what was before was removed by `prediction_log.keep`. */
  readonly firstSequence: number
  /** Snapshots of the states that are as they were written, of all layouts. */
  readonly snapshots: number
  /** Highest number that the log has given, inclusive; 0: none. */
  readonly lastSequence: number
  readonly gaps: readonly LogGap[]
  /** Numbers after the end of the log that its archive has; undefined: it goes no further. */
  readonly beyondEnd: NumberRange | undefined
  /** Numbers that were lost and are known to be. */
  readonly lost: readonly NumberRange[]
  /** Numbers that name two records, and transactions that were decided on twice: the first of each. */
  readonly doubledNumbers: readonly number[]
  readonly doubledTransactions: readonly string[]
  readonly problems: readonly LogProblem[]
  /** Nothing is wrong. */
  readonly isWhole: boolean
}

export interface VerifyLogOptions {
  readonly folder: string
  readonly log: LogReader
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly work: Work
}

/** Where `readLostNumbers` reads, and `readLogLayouts`. */
const LOST_FILE = 'documents/lost-numbers.json'
const LAYOUTS_FILE = 'documents/layouts.json'

/** Doubled ids that are named. */
const MOST_DOUBLED = 20

/**
 * Reads every segment and every file of the archive: check sums, order, numbers, ids. The server may go on
 * meanwhile.
 */
export const verifyLog = async (options: VerifyLogOptions): Promise<VerifiedLog> => {
  const { folder, log } = options
  const problems: LogProblem[] = []
  const segments = await log.segments()
  const runs = await readSegments(options, segments, problems)
  const unfinishedBytes = await readEnd(options, segments, problems)
  const documents = await verifyDocuments(log)
  problems.push(...documents.problems)
  const names = await archiveFileNames(folder)
  // Between the two: of a file that has no line in the catalog yet, the log still has the segment.
  const logged = new Set([...segments, ...(await log.segments())])
  const isLogged = (segment: string): boolean => logged.has(`${segment}.log`)
  const read = await readCatalogLines(folder)
  const known = read.entries
  const older = await olderEntries(options, known, names, isLogged, problems)
  problems.push(...faultsOfCatalog(read, isLogged), ...linesThatAreGone(read, older))
  const isThere = new Set(names)
  const catalog = [...known, ...older]
  const archive = await checkFiles(options, catalog, isThere, problems)
  const beginning = await readLogBeginning(log)
  const { first } = beginning
  const isRead = (document: string): boolean => !problems.some(({ file }) => file === document)
  const begun = isRead(LAYOUTS_FILE) ? ((await readLogLayouts(log))?.begun ?? []) : []
  const snapshots = await verifySnapshots(folder, goneThrough(beginning) + 1, begun, problems)
  const lost = isRead(LOST_FILE) ? await readLostNumbers(log) : []
  const whole = catalog.filter(({ files }) => files.every(({ name }) => isThere.has(name)))
  const held = [
    ...runs.numbers.runs,
    ...whole.flatMap(heldBy),
    ...lost.map((range) => ({ ...range, where: 'lost numbers' })),
  ]
  // Also of files that are gone: the catalog says what they had.
  const lastSequence = [...held, ...catalog].reduce((last, range) => Math.max(last, range.last), 0)
  const gaps = findGaps(held, first, lastSequence)
  const beyondEnd = beyond(runs.numbers.runs, segments, whole)
  const doubled = problems.length === 0 ? await doubledOr(options, names, problems) : NONE_DOUBLED
  return {
    folder,
    segments: segments.length,
    records: runs.records,
    unfinishedBytes,
    archive,
    documents: documents.count,
    firstSequence: first,
    snapshots,
    lastSequence,
    gaps,
    beyondEnd,
    lost: lost.map(({ first, last }) => ({ first, last })),
    ...doubled,
    problems,
    isWhole:
      problems.length === 0 &&
      gaps.length === 0 &&
      beyondEnd === undefined &&
      doubled.doubledNumbers.length === 0 &&
      doubled.doubledTransactions.length === 0,
  }
}

/**
 * What archive and segments say of the end of the log: its last record, or the name of a segment that keeps
 * its number.
 */
const beyond = (
  records: readonly NumberRange[],
  segments: readonly string[],
  archived: readonly CatalogEntry[],
): NumberRange | undefined => {
  const kept = Math.max(0, Number.parseInt(segments.at(-1) ?? '0', 10) - 1)
  const end = records.reduce((last, range) => Math.max(last, range.last), kept)
  const last = archived.reduce((highest, entry) => Math.max(highest, entry.last), 0)
  return last > end ? { first: end + 1, last } : undefined
}

/** What stands after the last record of the log. @returns bytes of half a record */
const readEnd = async (
  { log }: VerifyLogOptions,
  segments: readonly string[],
  problems: LogProblem[],
): Promise<number> => {
  const last = segments.at(-1)
  if (last === undefined) return 0
  const file = `segments/${last}`
  // What its records end with is told already.
  if (problems.some((problem) => problem.file === file)) return 0
  let rest: LogRest | undefined
  try {
    rest = await log.readRest(last)
  } catch (error) {
    problems.push(problemOf(file, error))
  }
  if (rest === undefined) return 0
  if (rest.damage === undefined) return rest.bytes
  problems.push({ file, offset: rest.offset, reason: rest.damage })
  return 0
}

/** Every record of every segment; what cannot be read ends its segment. */
const readSegments = async (
  { log, work }: VerifyLogOptions,
  segments: readonly string[],
  problems: LogProblem[],
): Promise<{ readonly records: number; readonly numbers: RunsOfNumbers }> => {
  const numbers = new RunsOfNumbers()
  let records = 0
  for (const segment of segments) {
    const file = `segments/${segment}`
    try {
      for await (const { sequence, payload, position } of log.readSegment(segment)) {
        assertGoesOn(work)
        numbers.add(sequence, segment)
        if (decodeLogEntry(payload) === undefined)
          problems.push({
            file,
            offset: position.offset,
            reason: `record ${sequence} is of a kind that this version does not know`,
          })
        if (++records % 10_000 === 0)
          work.reportProgress({ activity: 'reading segments', done: records, unit: 'records' })
      }
    } catch (error) {
      problems.push(problemOf(file, error))
    }
  }
  return { records, numbers }
}

const assertGoesOn = ({ signal }: Pick<Work, 'signal'>): void => {
  if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'verifying the log' })
}

const problemOf = (file: string, error: unknown): LogProblem => {
  if (error instanceof VigiaError && error.code === 'INTERRUPTED') throw error
  if (error instanceof VigiaError && error.code === 'SERVING_LOG_DAMAGED')
    return { file, offset: Number(error.details['offset']), reason: String(error.details['reason']) }
  return { file, reason: error instanceof Error ? error.message.split('\n')[0]! : String(error) }
}

const olderEntries = async (
  { folder, work }: VerifyLogOptions,
  known: readonly CatalogEntry[],
  names: readonly string[],
  isLogged: (segment: string) => boolean,
  problems: LogProblem[],
): Promise<CatalogEntry[]> => {
  const entries: CatalogEntry[] = []
  const catalogued = new Set(known.map(({ segment }) => segment))
  // One by one where one of them cannot be read: the others still count.
  try {
    return await entriesOfOlder(folder, known, names, isLogged, work.database)
  } catch {
    const segments = new Set(names.map(segmentOfFile).filter((segment) => !catalogued.has(segment)))
    for (const segment of segments) {
      const own = names.filter((name) => segmentOfFile(name) === segment)
      try {
        entries.push(...(await entriesOfOlder(folder, [], own, isLogged, work.database)))
      } catch (error) {
        problems.push(problemOf(own.join(', '), error))
      }
    }
    return entries
  }
}

const checkFiles = async (
  { folder, log, work }: VerifyLogOptions,
  catalog: readonly CatalogEntry[],
  isThere: ReadonlySet<string>,
  problems: LogProblem[],
): Promise<VerifiedLog['archive']> => {
  let [files, bytes, records, withoutHash] = [0, 0, 0, 0]
  for (const entry of catalog) {
    records += entry.records
    for (const file of entry.files) {
      assertGoesOn(work)
      if (!isThere.has(file.name)) {
        // Half of a removal: nobody misses it.
        if (entry.last < (await readLogBeginning(log)).first) continue
        const reason = `it is missing, with records ${entry.first} to ${entry.last}`
        problems.push({ file: file.name, reason })
        continue
      }
      files++
      bytes += file.bytes
      if (file.sha256 === undefined) withoutHash++
      const reason = await faultOfFile(folder, file)
      if (reason !== undefined) problems.push({ file: file.name, reason })
      work.reportProgress({ activity: 'reading the archive', done: files, unit: 'files' })
    }
  }
  return { files, bytes, records, withoutHash }
}

type Doubled = Pick<VerifiedLog, 'doubledNumbers' | 'doubledTransactions'>
const NONE_DOUBLED: Doubled = { doubledNumbers: [], doubledTransactions: [] }

/** None doubled where records are of a model that no document is of, which is a problem. */
const doubledOr = async (
  options: VerifyLogOptions,
  names: readonly string[],
  problems: LogProblem[],
): Promise<Doubled> => {
  try {
    return await findDoubled(options, names)
  } catch (error) {
    if (!(error instanceof VigiaError) || error.code !== 'SERVING_LOG_INCOMPLETE') throw error
    problems.push({ file: 'documents', reason: String(error.details['reason']) })
    return NONE_DOUBLED
  }
}

/** Reads every row of the archive; what is in segments alone becomes Parquet for it. */
const findDoubled = async (
  { folder, log, workFolder, work }: VerifyLogOptions,
  names: readonly string[],
): Promise<Doubled> => {
  const written = await mkdtemp(join(workFolder, '.verify-'))
  try {
    await createPredictionArchive({
      folder: written,
      database: work.database,
      modelOf: async (key): Promise<ModelDocument> => {
        const text = await log.readDocument(documentName(key))
        if (text !== undefined) return JSON.parse(text) as ModelDocument
        throw new VigiaError('SERVING_LOG_INCOMPLETE', {
          folder,
          reason: `nothing in it says what model ${key} was`,
        })
      },
    }).write('000000000001', log.read(0))
    const added = await archiveFileNames(written)
    const pathsOf = (kind: string): string[] =>
      [...names.map((name) => join(folder, name)), ...added.map((name) => join(written, name))]
        .map((path) => path.replaceAll('\\', '/'))
        .filter((path) => path.includes(`/${kind}/date=`))
    return await withDatabase(work.database, (connection) => queryDoubled(connection, pathsOf))
  } finally {
    await rm(written, { recursive: true, force: true })
  }
}

const queryDoubled = async (
  connection: DuckDBConnection,
  pathsOf: (kind: string) => readonly string[],
): Promise<Doubled> => {
  const tableOf = (kind: string): string | undefined => {
    const paths = pathsOf(kind)
    return paths.length === 0
      ? undefined
      : `read_parquet([${paths.map(sqlLiteral).join(', ')}], union_by_name = true, hive_partitioning = false)`
  }
  const predictions = tableOf('predictions')
  const ids = [
    ...(predictions === undefined
      ? []
      : [`SELECT sequence, 'decision ' || transaction_id AS id FROM ${predictions}`]),
    ...['labels', 'repairs'].flatMap((kind) => {
      const table = tableOf(kind)
      return table === undefined ? [] : [`SELECT sequence, '${kind}' AS id FROM ${table}`]
    }),
  ]
  const first = async (sql: string): Promise<unknown[]> =>
    (await connection.runAndReadAll(`${sql} ORDER BY 1 LIMIT ${MOST_DOUBLED}`)).getRows().map((row) => row[0])
  if (ids.length === 0) return NONE_DOUBLED
  return {
    doubledNumbers: (
      await first(
        `SELECT sequence FROM (${ids.join(' UNION ALL ')}) GROUP BY sequence HAVING count(DISTINCT id) > 1`,
      )
    ).map(Number),
    doubledTransactions:
      predictions === undefined
        ? []
        : (
            await first(
              `SELECT transaction_id FROM ${predictions} GROUP BY transaction_id HAVING count(DISTINCT sequence) > 1`,
            )
          ).map(String),
  }
}
