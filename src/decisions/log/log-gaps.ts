import type { DatabaseSettings } from '../../disk/database.ts'
import { VigiaError } from '../../errors.ts'
import type { LogReader, PredictionLog } from '../../ports/prediction-log.ts'
import {
  appendCatalog,
  archiveFileNames,
  type CatalogEntry,
  entriesOfOlder,
  readCatalog,
} from './archive-catalog.ts'
import { readLogBeginning } from './log-beginning.ts'
import { type NumberRange, rangesText } from './number-ranges.ts'

/** Numbers that a file has, both inclusive. */
export interface HeldNumbers extends NumberRange {
  readonly where: string
}

/** Numbers that no file has, and between which files they should be. */
export interface LogGap extends NumberRange {
  /** Undefined: before the first file. */
  readonly after: string | undefined
  /** Undefined: after the last file. */
  readonly before: string | undefined
}

/** Numbers from `first` to `last` that none of `held` has, lowest first. */
export const findGaps = (held: readonly HeldNumbers[], first: number, last: number): LogGap[] => {
  const gaps: LogGap[] = []
  let next = first
  let after: string | undefined
  for (const range of [...held].sort((a, b) => a.first - b.first || b.last - a.last)) {
    if (range.first > next && next <= last)
      gaps.push({ first: next, last: Math.min(range.first - 1, last), after, before: range.where })
    if (range.last >= next) {
      next = range.last + 1
      after = range.where
    }
  }
  if (next <= last) gaps.push({ first: next, last, after, before: undefined })
  return gaps
}

/** Numbers as ranges, read one by one in their order. */
export class RunsOfNumbers {
  readonly runs: HeldNumbers[] = []

  readonly add = (number: number, where: string): void => {
    const run = this.runs.at(-1)
    if (run !== undefined && run.where === where && run.last + 1 === number)
      this.runs[this.runs.length - 1] = { ...run, last: number }
    else this.runs.push({ first: number, last: number, where })
  }
}

/** What states have of a log, by its numbers, inclusive. */
export interface StatesOfLog {
  /** All records up to here are in every state. */
  readonly savedThrough: number
  /** No state has a later record. */
  readonly storedUpTo: number
}

export interface LogCheck {
  readonly log: PredictionLog
  /** Of the log and its archive. */
  readonly folder: string
  readonly database: DatabaseSettings
  /** Undefined where they are not counted by this log: many processes share them. */
  readonly states: StatesOfLog | undefined
}

/**
 * Makes sure that every number that the log has given since its beginning is in a segment or in the archive,
 * and that states can be brought up to it.
 *
 * Numbers after the end of the log that states have are no gap while the log has any record: a power failure
 * takes the last moments of it (`Frontier.reopen`). They are remembered as lost, as those are that were
 * accepted.
 *
 * @throws SERVING_LOG_GAPS
 * @throws SERVING_LEASE_LOST when another process has taken the log over: its archive has what is missing
 */
export const assertNoGaps = async (check: LogCheck): Promise<void> => {
  try {
    await assertWhole(check)
  } catch (error) {
    // To remove nothing asks whose the log is.
    await check.log.remove([])
    throw error
  }
}

const assertWhole = async ({ log, folder, database, states }: LogCheck): Promise<void> => {
  const { first, segments, held, lost, lastArchived, older } = await readHeld({ log, folder, database })
  // So that this is done once.
  if (older.length > 0) await appendCatalog(folder, older)
  const { savedThrough, storedUpTo } = states ?? { savedThrough: 0, storedUpTo: 0 }
  const isEmpty = log.lastSequence === 0 && lastArchived === 0
  const last = Math.max(log.lastSequence, lastArchived, isEmpty ? storedUpTo : 0)
  // States and the end of the log say which numbers were given: an archive that goes further is of another
  // log, or the log is an earlier copy.
  if (lastArchived > Math.max(log.lastSequence, storedUpTo)) throw archiveIsFurther(log, folder, lastArchived)
  const gaps = findGaps(held, first, last)
  if (gaps.length > 0) throw notWhole(folder, gaps, gapsText(gaps))
  const unsaved = findGaps([...segments, ...lostOf(held)], savedThrough + 1, log.lastSequence)
  if (states !== undefined && unsaved.length > 0)
    throw new VigiaError('SERVING_LOG_BEHIND', {
      folder,
      savedThrough,
      numbers: rangesText(unsaved),
    })
  if (findGaps(lostOf(held), last + 1, storedUpTo).length > 0)
    await rememberLost(log, [
      ...lost,
      { first: last + 1, last: storedUpTo, reason: 'states have them, the log does not' },
    ])
}

/** Which numbers a log has, and where. */
export interface HeldByLog {
  /** Where the log begins, inclusive: what is before was removed, and is missed by nobody. */
  readonly first: number
  /** Those of the segments. */
  readonly segments: readonly HeldNumbers[]
  /** Those of segments and archive, and those that are known to be lost. */
  readonly held: readonly HeldNumbers[]
  readonly lost: readonly LostNumbers[]
  /** Highest number in the archive, inclusive; 0: none. */
  readonly lastArchived: number
  /** What the catalog does not have yet. */
  readonly older: readonly CatalogEntry[]
}

/** Reads the numbers of all segments; of the archive, what the catalog says of the files that are there. */
export const readHeld = async ({
  log,
  folder,
  database,
}: {
  readonly log: Pick<PredictionLog, 'read' | 'readDocument'>
  readonly folder: string
  readonly database: DatabaseSettings
}): Promise<HeldByLog> => {
  const { runs, add } = new RunsOfNumbers()
  for await (const { sequence, position } of log.read(0)) add(sequence, position.segment)
  const logged = new Set(runs.map(({ where }) => where.replace(/\.[a-z]+$/, '')))
  const names = await archiveFileNames(folder)
  const known = await readCatalog(folder)
  const older = await entriesOfOlder(folder, known, names, (segment) => logged.has(segment), database)
  const isThere = new Set(names)
  const archived = [...known, ...older]
    .filter(({ files }) => files.every(({ name }) => isThere.has(name)))
    .flatMap(heldBy)
  const lost = await readLostNumbers(log)
  return {
    first: (await readLogBeginning(log)).first,
    segments: runs,
    held: [...runs, ...archived, ...lost.map((range) => ({ ...range, where: LOST }))],
    lost,
    lastArchived: archived.reduce((last, range) => Math.max(last, range.last), 0),
    older,
  }
}

/** Stands where a file is named, for numbers that are known to be lost. */
export const LOST = 'lost numbers'

/** Numbers that an archived segment has. */
export const heldBy = ({ segment, first, last, lacks = [] }: CatalogEntry): HeldNumbers[] => {
  const where = `the archive of ${segment}`
  const starts = [first, ...lacks.map((range) => range.last + 1)]
  const ends = [...lacks.map((range) => range.first - 1), last]
  return starts.map((start, i) => ({ first: start, last: ends[i]!, where }))
}

const lostOf = (held: readonly HeldNumbers[]): readonly HeldNumbers[] =>
  held.filter(({ where }) => where === LOST)

/** Of a log that ends before its archive. */
export const archiveIsFurther = (
  { lastSequence }: Pick<PredictionLog, 'lastSequence'>,
  folder: string,
  lastArchived: number,
): VigiaError =>
  notWhole(
    folder,
    [{ first: lastSequence + 1, last: lastArchived }],
    `its archive has numbers up to ${lastArchived}, and it ends with ${lastSequence}`,
  )

const notWhole = (folder: string, gaps: readonly NumberRange[], what: string): VigiaError =>
  new VigiaError('SERVING_LOG_GAPS', { folder, what, numbers: rangesText(gaps) })

/** Gaps that are named. */
const MOST_NAMED = 5

/** For people: which numbers, and between which files. */
export const gapsText = (gaps: readonly LogGap[]): string =>
  [
    ...gaps
      .slice(0, MOST_NAMED)
      .map(
        (gap) =>
          `no file has ${rangesText([gap])} (${[
            gap.after === undefined ? 'from the beginning' : `after ${gap.after}`,
            ...(gap.before === undefined ? [] : [`before ${gap.before}`]),
          ].join(', ')})`,
      ),
    ...(gaps.length > MOST_NAMED ? [`and ${gaps.length - MOST_NAMED} more gaps`] : []),
  ].join('; ')

/** Numbers that are known to be lost, and why nothing waits for them. */
export interface LostNumbers extends NumberRange {
  readonly reason: string
}

const LOST_DOCUMENT = 'lost-numbers'

export const readLostNumbers = async (
  log: Pick<LogReader, 'readDocument'>,
): Promise<readonly LostNumbers[]> => {
  const text = await log.readDocument(LOST_DOCUMENT)
  return text === undefined ? [] : (JSON.parse(text) as { readonly lost: readonly LostNumbers[] }).lost
}

/** The first number between these two, both exclusive, that is not among those that nobody misses. */
export const firstMissed = (
  lost: readonly LostNumbers[],
  after: number,
  before: number,
): number | undefined => {
  for (let number = after + 1; number < before; number++)
    if (!lost.some(({ first, last }) => first <= number && number <= last)) return number
  return undefined
}

/** From now on nobody misses these numbers of the log, and only these. */
export const rememberLost = (
  log: Pick<PredictionLog, 'writeDocument'>,
  lost: readonly LostNumbers[],
): Promise<void> => log.writeDocument(LOST_DOCUMENT, JSON.stringify({ lost }))
