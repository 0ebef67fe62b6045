import { readSnapshot } from '../../artifacts/state-snapshot.ts'
import { readStates } from '../../artifacts/states-manifest.ts'
import { VigiaError } from '../../errors.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import type { LogReader } from '../../ports/prediction-log.ts'
import { stateKindsOf } from '../../transaction/entity-kind.ts'
import type { StoreOrigin } from '../states/store-identity.ts'
import { goneThrough, readLogBeginning } from './log-beginning.ts'
import type { StartState } from './log-features.ts'
import type { LogEntry } from './log-record.ts'
import { type LoggedEntries, type LoggedEntriesOptions, logIncomplete } from './logged-entries.ts'
import { type ModelDocument, ORIGIN_DOCUMENT } from './model-document.ts'
import {
  type FoundSnapshot,
  listSnapshots,
  type SnapshotManifest,
  usable,
  verifySnapshot,
} from './state-snapshots.ts'

/** What the replay of a log begins with. */
export interface StartOfLog extends LoggedEntriesOptions {
  /** Folder of the states that the log began with; default: what the log says, or none. */
  readonly states?: string
  /**
   * Last record of the snapshot to begin with, 0 for the first record of the log. Left out: 0 where the log
   * is whole, the oldest snapshot where its first days were removed.
   */
  readonly from?: number | undefined
}

/** Where a replay begins. */
export interface LogStart {
  /** Entries after this number are replayed; 0: all. */
  readonly after: number
  /** The states after that one; undefined: those that the log began with. */
  readonly snapshot: Extract<FoundSnapshot, { readonly manifest: SnapshotManifest }> | undefined
}

/**
 * Finds where to begin. Of several logs, any may have the snapshot: it is one and the same in all of them.
 *
 * @throws SERVING_SNAPSHOT_UNUSABLE for a snapshot that is not there, or not as it was written
 */
export const startOfLog = async ({ folders, openLog, from }: StartOfLog): Promise<LogStart> => {
  const gone = await goneThroughAll(folders, openLog)
  if (gone === 0 && (from ?? 0) === 0) return { after: 0, snapshot: undefined }
  const found = await Promise.all(folders.map(async (folder) => usable(await listSnapshots(folder))))
  const ready = found.flat().filter(({ manifest }) => manifest.sequence >= gone)
  const sequences = [...new Set(ready.map(({ manifest }) => manifest.sequence))].sort((a, b) => a - b)
  const wanted = from ?? sequences[0] ?? gone
  const refuse = (reason: string, others = sequences) =>
    new VigiaError('SERVING_SNAPSHOT_UNUSABLE', {
      folder: folders.join(', '),
      got: wanted,
      reason,
      allowed: others.join(', ') || 'none',
    })
  const same = ready.filter(({ manifest }) => manifest.sequence === wanted)
  if (same.length === 0)
    throw refuse(wanted < gone ? `records up to ${gone} were removed (prediction_log.keep)` : 'there is none')
  const faults: string[] = []
  for (const snapshot of same) {
    const fault = await verifySnapshot(snapshot)
    if (fault === undefined) return { after: wanted, snapshot }
    faults.push(`${fault.file}: ${fault.reason}`)
  }
  throw refuse(
    faults.join('; '),
    sequences.filter((one) => one !== wanted),
  )
}

/** What was decided up to here may have gone from one of the logs: a replay of all begins after it. */
export const goneThroughAll = async (
  folders: readonly string[],
  openLog: LoggedEntriesOptions['openLog'],
): Promise<number> => {
  let gone = 0
  for (const folder of folders) gone = Math.max(gone, goneThrough(await readLogBeginning(openLog(folder))))
  return gone
}

/** @throws SERVING_LOG_INCOMPLETE when records between the start and this one are missing */
export const assertFirst = (first: LogEntry, options: StartOfLog, start: LogStart): void => {
  if (first.sequence !== start.after + 1)
    throw logIncomplete(
      options.folders,
      `its first record ${start.after === 0 ? '' : `after ${start.after} `}is ${first.sequence}, so earlier files are missing`,
    )
}

/** The states of a snapshot. @throws SERVING_LOG_INCOMPLETE when the model has another layout */
export const snapshotStates = (
  { identity, name, version }: ModelDocument,
  { folder, manifest }: NonNullable<LogStart['snapshot']>,
  { folders }: Pick<StartOfLog, 'folders'>,
): StartState => {
  if (manifest.identity.identity.layouts !== identity.layouts)
    throw logIncomplete(
      folders,
      `the snapshot in ${folder} was made with other windows or bounds than ${name} ${version}`,
    )
  const stored = readSnapshot(folder, manifest.kinds)
  return (kind, token) => stored.get(kind)?.get(token)
}

/** The model of a log that begins with no decision. */
export const anyModel = async ({ folders }: StartOfLog, { logs }: LoggedEntries): Promise<string> => {
  for (const log of logs)
    for (const name of await log.documentNames()) if (name.startsWith('model-')) return name.slice(6)
  throw logIncomplete(folders, 'no model is described in it')
}

/** The states before the first record. */
export const startStates = async (
  { identity, fitted }: ModelDocument,
  { states, folders }: StartOfLog,
  { logs }: LoggedEntries,
): Promise<StartState> => {
  const folder = states ?? (await originOf(logs))?.folder
  if (folder === undefined) return () => undefined
  const manifest = await readStates(folder, identity)
  if (manifest === undefined)
    throw logIncomplete(
      folders,
      `the states that it began with are not in ${folder}; a snapshot of its own can be named with --from`,
    )
  const { entities = [] } = (fitted as { features: FittedFeatures }).features
  const stored = readSnapshot(folder, stateKindsOf(entities))
  return (kind, token) => stored.get(kind)?.get(token)
}

const originOf = async (logs: readonly LogReader[]): Promise<StoreOrigin | undefined> => {
  for (const log of logs) {
    const text = await log.readDocument(ORIGIN_DOCUMENT)
    if (text !== undefined) return JSON.parse(text) as StoreOrigin
  }
  return undefined
}
