import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { archiveFileNames, type CatalogEntry, readCatalog } from '../decisions/log/archive-catalog.ts'
import { findGaps, type HeldNumbers, heldBy, LOST, type LogGap, readHeld } from '../decisions/log/log-gaps.ts'
import { decodeLogEntry, encodeEntry, type LogEntry } from '../decisions/log/log-record.ts'
import { type NumberRange, rangesText } from '../decisions/log/number-ranges.ts'
import { readArchive } from '../decisions/log/read-archive.ts'
import { createModelDocuments } from '../decisions/model-documents.ts'
import { withDatabase } from '../disk/database.ts'
import { faultOfFile } from '../disk/fault-of-file.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { LogRecord, PredictionLog } from '../ports/prediction-log.ts'
import type { LogProblem } from './log-problem.ts'

/** A record as it stands in a segment. */
type Numbered = Pick<LogRecord, 'sequence' | 'payload'>

/** Puts a segment of these records in the place of the one of its name, whole, and on the disk. */
export type WriteSegment = (folder: string, segment: string, records: Iterable<Numbered>) => void

export interface RecoverLogOptions {
  readonly folder: string
  /** The same log, opened: nobody else has it meanwhile. Afterwards it can only be closed. */
  readonly log: PredictionLog
  /** States lack all records after this one; undefined where nobody knows, or many share them. */
  readonly savedThrough: number | undefined
  readonly writeSegment: WriteSegment
  /** An existing folder for what is written on the way. */
  readonly workFolder: string
  readonly work: Pick<Work, 'database'>
}

/** What came back to a log. */
export interface RecoveredLog {
  readonly folder: string
  /** Numbers that are in segments again. */
  readonly recovered: readonly NumberRange[]
  /** Files of the archive that are not what was written, so that nothing of their segments came back. */
  readonly problems: readonly LogProblem[]
  /** Numbers that no whole file has. */
  readonly gaps: readonly LogGap[]
  /** Last number of the log, inclusive: the next record follows it. */
  readonly lastSequence: number
}

/**
 * Brings records from the archive of a log back into its segments: those after the end of the log, whose
 * numbers would be given again, and those that states need to catch up. Of a log without any segment, those
 * that states need and the last one of the archive. Versions that archived what was not
 * on the disk yet have left such logs after a power failure.
 *
 * 1. Numbers that are needed, and in no segment, are looked for in the catalog of the archive.
 * 2. Each file of theirs is compared with the check sum that it was written with, and its records with those
 *    that segments have. Nothing is written before all are.
 * 3. Segments are written under the names that they had, so that archiving them again writes the same files.
 *
 * @throws SERVING_LOG_MIXED when the archive is not that of these segments; SERVING_LOG_DAMAGED
 */
export const recoverLog = async (options: RecoverLogOptions): Promise<RecoveredLog> => {
  const { folder, log, work } = options
  await log.rotate()
  const { held, segments, first, lastArchived, older } = await readHeld({
    log,
    folder,
    database: work.database,
  })
  const from = Math.max(firstNeeded(options, lastArchived), first)
  const lost = held.filter(({ where }) => where === LOST)
  const wanted = findGaps([...segments, ...lost], from, lastArchived)
  const needed = (await presentEntries(folder, older)).filter((entry) =>
    heldBy(entry).some((has) => wanted.some((range) => has.first <= range.last && has.last >= range.first)),
  )
  const whole: CatalogEntry[] = []
  const problems: LogProblem[] = []
  for (const entry of needed) {
    const faults = await faultsOf(folder, entry)
    problems.push(...faults)
    if (faults.length === 0) whole.push(entry)
  }
  for (const entry of whole) await segmentOf(entry, segments, options)
  for (const entry of whole)
    options.writeSegment(folder, `${entry.segment}.log`, await segmentOf(entry, segments, options))
  const taken = whole.flatMap(heldBy)
  const faulty = needed.filter((entry) => !whole.includes(entry)).flatMap(heldBy)
  const left = held.filter(({ where }) => !faulty.some((has) => has.where === where))
  return {
    folder,
    recovered: joined(findGaps(segments, first, lastArchived).flatMap((range) => within(range, taken))),
    problems,
    gaps: findGaps(left, first, Math.max(log.lastSequence, lastArchived)),
    lastSequence: taken.reduce((last, has) => Math.max(last, has.last), log.lastSequence),
  }
}

/**
 * First number that is to be in a segment. A log that goes on behind its segments has them in one row; one
 * without any needs the last record of its archive alone, which says what numbers were given.
 */
const firstNeeded = ({ log, savedThrough }: RecoverLogOptions, lastArchived: number): number => {
  const { lastSequence } = log
  if (lastSequence === 0) return Math.min((savedThrough ?? lastArchived) + 1, lastArchived)
  return Math.min(savedThrough ?? lastSequence, lastSequence) + 1
}

/** Parts of `range` that one of `taken` has, lowest first. */
const within = (range: NumberRange, taken: readonly NumberRange[]): NumberRange[] =>
  taken
    .map(({ first, last }) => ({ first: Math.max(first, range.first), last: Math.min(last, range.last) }))
    .filter(({ first, last }) => first <= last)
    .sort((a, b) => a.first - b.first)

/** Those that follow one another as one. */
const joined = (ranges: readonly NumberRange[]): NumberRange[] => {
  const found: NumberRange[] = []
  for (const range of ranges) {
    const before = found.at(-1)
    if (before !== undefined && before.last === range.first - 1)
      found[found.length - 1] = { ...before, last: range.last }
    else found.push(range)
  }
  return found
}

/** What the catalog says of segments whose files are all there, and of older files. */
const presentEntries = async (folder: string, older: readonly CatalogEntry[]): Promise<CatalogEntry[]> => {
  const isThere = new Set(await archiveFileNames(folder))
  return [...(await readCatalog(folder)), ...older].filter(({ files }) =>
    files.every(({ name }) => isThere.has(name)),
  )
}

const faultsOf = async (folder: string, { files }: CatalogEntry): Promise<LogProblem[]> => {
  const faults: LogProblem[] = []
  for (const file of files) {
    const reason = await faultOfFile(folder, file)
    if (reason !== undefined) faults.push({ file: file.name, reason })
  }
  return faults
}

/** All records of an archived segment: those that it still has, and the others as the archive has them. */
const segmentOf = async (
  entry: CatalogEntry,
  segments: readonly HeldNumbers[],
  options: RecoverLogOptions,
): Promise<readonly Numbered[]> => {
  const { folder, log } = options
  const name = `${entry.segment}.log`
  const mixed = (reason: string): VigiaError =>
    new VigiaError('SERVING_LOG_MIXED', { folder, segment: entry.segment, reason })
  const archived = await entriesOf(entry, options)
  const missing = new Map(archived.map((one) => [identityOf(one), one]))
  const numbers = new Set(numbersOf(entry))
  if (missing.size !== numbers.size)
    throw mixed(`it has ${missing.size} records, and the catalog says ${numbers.size}`)
  const own: Numbered[] = []
  for await (const { sequence, payload, position } of log.read(entry.first - 1)) {
    if (sequence > entry.last && position.segment !== name) break
    const logged = decodeLogEntry(payload)
    if (numbers.delete(sequence) && (logged === undefined || !missing.delete(identityOf(logged))))
      throw mixed(`record ${sequence} in ${position.segment} is another one`)
    if (position.segment === name) own.push({ sequence, payload: payload.slice() })
  }
  const back = [...missing.values()].sort((a, b) => a.sequence - b.sequence)
  const records = [
    ...own,
    ...[...numbers].map((sequence, i) => ({ sequence, payload: encodeEntry(back[i]!).slice() })),
  ].sort((a, b) => a.sequence - b.sequence)
  const between = segments.find(
    ({ first, last, where }) =>
      where !== name && last >= records[0]!.sequence && first <= records.at(-1)!.sequence,
  )
  if (between !== undefined && numbers.size > 0)
    throw mixed(`${between.where} has ${rangesText([between])}, in between its records`)
  return records
}

const numbersOf = (entry: CatalogEntry): number[] =>
  heldBy(entry).flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))

/** What tells one record from all others. */
const identityOf = (entry: LogEntry): string => {
  const { kind, sequence } = entry
  if (kind === 'decision')
    return `${sequence} ${entry.decision.transaction.transactionId} ${entry.decision.decidedAtMs}`
  if (kind === 'label') return `${sequence} label ${entry.label.transactionId} ${entry.label.receivedAtMs}`
  return `${sequence} repair ${entry.repair.kind} ${entry.repair.token}`
}

/** What the archive has of a segment: its files alone, in a folder of their own. */
const entriesOf = async (
  { files }: CatalogEntry,
  { folder, log, workFolder, work }: RecoverLogOptions,
): Promise<LogEntry[]> => {
  const own = await mkdtemp(join(workFolder, 'recover-'))
  try {
    for (const { name } of files) {
      await mkdir(dirname(join(own, name)), { recursive: true })
      await copyFile(join(folder, name), join(own, name))
    }
    const { modelOf } = createModelDocuments(log)
    const entries: LogEntry[] = []
    await withDatabase(work.database, async (connection) => {
      for await (const entry of readArchive(connection, [own], modelOf)) entries.push(entry)
    })
    return entries
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}
