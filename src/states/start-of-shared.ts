import { join } from 'node:path'
import { readStates } from '../artifacts/states-manifest.ts'
import { type LoadedModel, modelName } from '../decisions/loaded-model.ts'
import { goneThroughAll } from '../decisions/log/features-of-log.ts'
import { logIncomplete } from '../decisions/log/logged-entries.ts'
import {
  type FoundSnapshot,
  listSnapshots,
  RECEIPTS_FILE,
  type SnapshotManifest,
  verifySnapshot,
} from '../decisions/log/state-snapshots.ts'
import { goesOnFrom, type StoreIdentity } from '../decisions/states/store-identity.ts'
import { VigiaError } from '../errors.ts'
import type { LogReader } from '../ports/prediction-log.ts'
import type { LabelsAgain } from './restore-labels.ts'

export interface StartOfSharedParts {
  /** Folders of the logs of all servers of a store. */
  readonly logs: readonly string[]
  readonly openLog: (folder: string) => LogReader
  readonly model: LoadedModel
  /** Of the store, as its logs say it. */
  readonly identity: StoreIdentity
  /** Folder of the states that the history began with: the replay begins there, and not at a snapshot. */
  readonly from?: string | undefined
}

/** What a replay of the logs of a shared store begins with. */
export interface StartOfShared {
  /** Records after this one are replayed; 0: all. */
  readonly after: number
  /** Folder of the states; undefined: nobody has a history. */
  readonly folder: string | undefined
  readonly snapshot: SnapshotManifest | undefined
  /** Snapshots that were passed over, newest first, and why. */
  readonly unusable: readonly { readonly folder: string; readonly reason: string }[]
}

/**
 * Finds the newest snapshot in any of the logs that is whole and after which none of them lacks a record,
 * else the states that the history began with. A snapshot is one and the same in all logs that have it.
 *
 * @throws SERVING_SNAPSHOT_UNUSABLE when first days of a log were removed, and no snapshot can be used;
 * SERVING_LOG_INCOMPLETE, PIPELINE_HISTORY_MISSING, MODEL_STATES_REFUSED
 */
export const startOfShared = async (parts: StartOfSharedParts): Promise<StartOfShared> => {
  const { logs, openLog, from } = parts
  const gone = await goneThroughAll(logs, openLog)
  const unusable: { folder: string; reason: string }[] = []
  for (const found of from === undefined ? await newestFirst(logs) : []) {
    const reason = await whyNot(found, parts, gone)
    if (reason !== '') unusable.push({ folder: found.folder, reason })
    else if ('manifest' in found) {
      const { folder, manifest } = found
      return { after: manifest.sequence, folder, snapshot: manifest, unusable }
    }
  }
  if (gone > 0)
    throw new VigiaError('SERVING_SNAPSHOT_UNUSABLE', {
      folder: logs.join(', '),
      got: gone,
      reason:
        unusable.map(({ folder, reason }) => `${folder}: ${reason}`).join('; ') ||
        `records up to ${gone} were removed (prediction_log.keep), and ${from === undefined ? 'there is no later snapshot' : 'the states that it began with are no beginning any more: without --from it begins with a snapshot'}`,
      allowed: from === undefined ? 'none' : await namedAfter(logs, gone),
    })
  return { after: 0, folder: await originOf(parts), snapshot: undefined, unusable }
}

/** Makes sure that the model goes on from the states of a store. @throws SERVING_STATES_FOREIGN */
export const assertModel = (
  { model, storeName }: { readonly model: LoadedModel; readonly storeName: string },
  identity: StoreIdentity,
): void => {
  if (goesOnFrom(identity, model)) return
  throw new VigiaError('SERVING_STATES_FOREIGN', {
    store: storeName,
    what: 'other features, windows, bounds or cleaning',
    model: modelName(model),
  })
}

/** Gives labels what waited or was due at the start, and the clock. */
export const beginLabels = async (
  labels: LabelsAgain,
  { folder, snapshot }: StartOfShared,
): Promise<void> => {
  if (folder === undefined) return
  if (snapshot === undefined) labels.beginWithHistory(folder)
  else await labels.beginWithSnapshot(join(folder, RECEIPTS_FILE), snapshot.clockMs)
}

const newestFirst = async (logs: readonly string[]): Promise<FoundSnapshot[]> => {
  const found = await Promise.all(logs.map(listSnapshots))
  return found.flat().sort((a, b) => Number(b.name) - Number(a.name))
}

/** Records of the snapshots after all that was removed, for people. */
const namedAfter = async (logs: readonly string[], gone: number): Promise<string> => {
  const found = (await newestFirst(logs)).map(({ name }) => Number(name)).filter((last) => last >= gone)
  return [...new Set(found)].join(', ') || 'none'
}

/** Why a replay cannot begin with a snapshot; empty when it can. @param gone see `goneThroughAll` */
const whyNot = async (
  found: FoundSnapshot,
  { model, identity }: StartOfSharedParts,
  gone: number,
): Promise<string> => {
  if ('problem' in found) return found.problem
  const { manifest } = found
  if (manifest.sequence < gone) return `records up to ${gone} were removed (prediction_log.keep)`
  if (manifest.identity.logName !== identity.logName)
    return `it is of ${manifest.identity.logName}-…, and the logs of ${identity.logName}-…`
  if (!goesOnFrom(manifest.identity, model))
    return `it was made for other features, windows or cleaning than ${modelName(model)}`
  const fault = await verifySnapshot(found)
  return fault === undefined ? '' : `${fault.file}: ${fault.reason}`
}

/** Folder of the states before the first decision; undefined: there were none. */
const originOf = async ({
  logs,
  model,
  from,
  identity: { origin },
}: StartOfSharedParts): Promise<string | undefined> => {
  if (origin === undefined) return undefined
  const folder = from ?? origin.folder
  const manifest = await readStates(folder, model.identity)
  if (manifest === undefined) throw new VigiaError('PIPELINE_HISTORY_MISSING', { folder })
  const isOrigin = Object.entries(origin.files).every(([name, sha256]) => manifest.files[name] === sha256)
  if (!isOrigin) throw logIncomplete(logs, `the states in ${folder} are not those that it began with`)
  return folder
}
