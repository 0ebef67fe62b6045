import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { branchFolders } from '../branches/branch-folders.ts'
import {
  archiveFileNames,
  type CatalogEntry,
  entriesOfOlder,
  readCatalog,
} from '../decisions/log/archive-catalog.ts'
import { readLogBeginning } from '../decisions/log/log-beginning.ts'
import {
  findGaps,
  gapsText,
  type HeldNumbers,
  heldBy,
  RunsOfNumbers,
  readLostNumbers,
} from '../decisions/log/log-gaps.ts'
import { readLogName } from '../decisions/log/log-name.ts'
import { ORIGIN_DOCUMENT } from '../decisions/log/model-document.ts'
import { rangesText } from '../decisions/log/number-ranges.ts'
import { readFrontier } from '../decisions/owned/frontier.ts'
import { readLoggedHistory } from '../decisions/shared/known-history.ts'
import {
  readStoreIdentity,
  type StoreIdentity,
  type StoreOrigin,
} from '../decisions/states/store-identity.ts'
import type { DatabaseSettings } from '../disk/database.ts'
import { VigiaError } from '../errors.ts'
import type { BackupSource } from '../ports/backup-source.ts'

/** A log and states of one moment, in a folder of their own. */
export interface LogCopy {
  /** Of the copied segments, and of the states where they are owned. */
  readonly folder: string
  readonly catalog: readonly CatalogEntry[]
  /** Its files, in the log's own folder: none has a number beyond the copy. */
  readonly archived: readonly string[]
  /** Of the last record of the log, inclusive. */
  readonly lastSequence: number
  /** Undefined where the log is copied alone. */
  readonly states: CopiedStates | undefined
  /** Those of other layouts, in folders of their own. */
  readonly branches: readonly CopiedStates[]
}

export interface CopiedStates {
  readonly folder: string
  /** Where they lie in a backup. */
  readonly place: string
  readonly savedThrough: number
  readonly identity: StoreIdentity | undefined
}

export interface LogCopyOptions {
  readonly source: BackupSource
  /** Of the log. */
  readonly log: string
  /** Of the states; undefined where the log is copied alone. */
  readonly states: string | undefined
  /** An empty folder. */
  readonly staging: string
  /** Counts the rows of an archive that is older than its catalog. */
  readonly database: DatabaseSettings
}

/** Pause between looks at the segments while states are copied, in milliseconds: archiving takes seconds. */
const LOOK_MS = 250

/**
 * Copies what changes: segments and states; says what archive belongs to them.
 *
 * 1. The segments that are there now. Later the log loses only those whose records the archive and the saved
 *    states have.
 * 2. The list of the archive: all that the log had lost by then is in it.
 * 3. The states, as they are at one moment; meanwhile segments that are ended. Each record that the states
 *    lack is in a segment at that moment.
 * 4. The segments as they are then, to the last whole record, which is later than any in states or archive.
 *
 * @throws BACKUP_UNSTEADY when a segment came and went unseen: begin again; BACKUP_STATES_FOREIGN when
 * states and log are of two services
 */
export const copyLog = async (options: LogCopyOptions): Promise<LogCopy> => {
  const { source, log, staging } = options
  const to = join(staging, 'log')
  await source.copySegments(log, to, false)
  const names = await archiveFileNames(log)
  const known = await readCatalog(log)
  const [first] = await source.readLog(to).segments()
  // A segment that is becoming Parquet at this moment is still in the log, or came after those that are.
  const isLogged = (segment: string): boolean =>
    first === undefined || segment >= first.slice(0, segment.length)
  const older = await entriesOfOlder(log, known, names, isLogged, options.database)
  const catalog = [...known, ...older]
  const { states, branches } = await copyAllStates(options, to)
  await source.copySegments(log, to, true)
  const runs = new RunsOfNumbers()
  for await (const { sequence, position } of source.readLog(to).read(0)) runs.add(sequence, position.segment)
  const isThere = new Set(names)
  const whole = catalog.filter(({ files }) => files.every(({ name }) => isThere.has(name)))
  const lost = (await readLostNumbers(source.readLog(log))).map((range) => ({ ...range, where: 'lost' }))
  const lastArchived = Math.max(0, ...whole.map(({ last }) => last))
  const lastSequence = runs.runs.reduce((last, range) => Math.max(last, range.last), lastArchived)
  const lastKnown = lost.reduce((last, range) => Math.max(last, range.last), lastSequence)
  const all = states === undefined ? [] : [states, ...branches]
  const held = [...runs.runs, ...lost]
  const going = thatGoOn(all, held, whole.flatMap(heldBy), lastKnown)
  for (const one of all) {
    await assertOwnName(options, one)
    await assertOwnNumbers(options, one, lastKnown, going.includes(one))
  }
  const savedThrough = going.map((one) => one.savedThrough)
  const needed = findGaps(held, Math.min(lastSequence, ...savedThrough) + 1, lastSequence)
  if (needed.length > 0)
    throw new VigiaError('BACKUP_UNSTEADY', { folder: log, numbers: rangesText(needed), attempts: 1 })
  // Last of all: days that went meanwhile are missed by nobody.
  const { first: begins } = await readLogBeginning(source.readLog(log))
  const gaps = findGaps([...runs.runs, ...whole.flatMap(heldBy), ...lost], begins, lastSequence)
  if (gaps.length > 0)
    throw new VigiaError('SERVING_LOG_GAPS', {
      folder: log,
      what: gapsText(gaps),
      numbers: rangesText(gaps),
    })
  const kept = catalog.filter((entry) => entry.last >= begins)
  const archived = kept.flatMap(({ files }) => files.map(({ name }) => name))
  return { folder: to, catalog: kept, archived, lastSequence, states, branches }
}

/**
 * States that go on from the copied segments: those that decide, and those that follow. A log keeps what
 * these lack, so others which lack a record that was in the archive alone before they were copied have
 * failed: they are copied as they are. So are those that have records which the log has lost.
 *
 * @param held numbers of the segments, and those that nobody misses
 * @param archived numbers of the archive, as it was before the states were copied
 * @param last number that the log has given, inclusive
 * @returns all that were ever used, where none would be left
 */
const thatGoOn = (
  all: readonly CopiedStates[],
  held: readonly HeldNumbers[],
  archived: readonly HeldNumbers[],
  last: number,
): readonly CopiedStates[] => {
  const used = all.filter(({ identity }) => identity !== undefined)
  const going = used.filter(
    ({ savedThrough }) =>
      savedThrough <= last &&
      !findGaps(held, savedThrough + 1, last).some((gap) =>
        archived.some((range) => range.first <= gap.last && range.last >= gap.first),
      ),
  )
  return going.length === 0 ? used : going
}

/**
 * Makes sure that the states are of this log: name and beginning are those that the log says. A log that was
 * written before logs said so is compared by its numbers alone.
 *
 * @throws BACKUP_STATES_FOREIGN
 */
const assertOwnName = async (options: LogCopyOptions, { identity }: CopiedStates): Promise<void> => {
  const reader = options.source.readLog(options.log)
  const name = (await readLogName(reader)) ?? (await readLoggedHistory(reader))?.identity.logName
  if (name !== undefined && identity !== undefined && name !== identity.logName)
    throw foreign(
      options,
      `its predictions are named ${name}-…, and those of the states ${identity.logName}-…`,
    )
  const begun = await reader.readDocument(ORIGIN_DOCUMENT)
  const own = begun === undefined ? undefined : (JSON.parse(begun) as StoreOrigin)
  if (
    own !== undefined &&
    identity?.origin !== undefined &&
    !isDeepStrictEqual(own.files, identity.origin.files)
  )
    throw foreign(
      options,
      `it began with the states of ${own.folder}, and these with those of ${identity.origin.folder}`,
    )
}

/**
 * Makes sure that no record in the states is later than the last one of the log.
 *
 * @param last number that the log has given, lost ones too, inclusive
 * @param isGoing false: the log has lost what they have, and others decide
 * @throws BACKUP_STATES_FOREIGN, BACKUP_UNSTEADY
 */
const assertOwnNumbers = async (
  options: LogCopyOptions,
  { savedThrough }: CopiedStates,
  last: number,
  isGoing: boolean,
): Promise<void> => {
  if (savedThrough <= last) return
  const { log } = options
  // All that the copy lacks may have become Parquet, and gone, since the archive was listed.
  const archived = (await readCatalog(log)).reduce((most, entry) => Math.max(most, entry.last), 0)
  if (archived > last)
    throw new VigiaError('BACKUP_UNSTEADY', { folder: log, numbers: `${last + 1}-${archived}`, attempts: 1 })
  if (isGoing)
    throw foreign(options, `they have its records up to ${savedThrough}, and its last one is ${last}`)
}

const foreign = ({ states, log }: LogCopyOptions, reason: string): VigiaError =>
  new VigiaError('BACKUP_STATES_FOREIGN', { states: String(states), log, reason })

/** Those of the server, and those of other layouts that follow or decide. */
const copyAllStates = async (
  options: LogCopyOptions,
  segments: string,
): Promise<Pick<LogCopy, 'states' | 'branches'>> => {
  if (options.states === undefined) return { states: undefined, branches: [] }
  const states = await copyStates(options, options.states, segments, 'state')
  const branches: CopiedStates[] = []
  for (const folder of await branchFolders(options.states))
    branches.push(await copyStates(options, folder, segments, `state/branches/${basename(folder)}`))
  return { states, branches }
}

const copyStates = async (
  { source, log, staging }: LogCopyOptions,
  states: string,
  segments: string,
  place: string,
): Promise<CopiedStates> => {
  const folder = join(staging, ...place.split('/'), 'states')
  const looking = new AbortController()
  const look = async (): Promise<void> => {
    while (!looking.signal.aborted) {
      await source.copySegments(log, segments, false)
      await wait(LOOK_MS, undefined, { signal: looking.signal }).catch(() => undefined)
    }
  }
  const looks = look()
  try {
    const copy = await source.copyStates(states, folder)
    const { savedThrough } = await readFrontier(copy)
    return { folder, place, savedThrough, identity: await readStoreIdentity(copy) }
  } finally {
    looking.abort()
    await looks
  }
}

/** Files in a folder that lie nowhere deeper; none where there is no such folder. */
export const filesIn = async (folder: string): Promise<string[]> => {
  const found = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return found
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort()
}
