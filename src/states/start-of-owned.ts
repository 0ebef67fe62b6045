import { readStates } from '../artifacts/states-manifest.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { archiveFileNames, readCatalog } from '../decisions/log/archive-catalog.ts'
import { archiveIsFurther, findGaps, gapsText, readHeld } from '../decisions/log/log-gaps.ts'
import { layoutFolder } from '../decisions/log/log-layouts.ts'
import { readLogName } from '../decisions/log/log-name.ts'
import { logIncomplete } from '../decisions/log/logged-entries.ts'
import { ORIGIN_DOCUMENT } from '../decisions/log/model-document.ts'
import { type NumberRange, rangesText } from '../decisions/log/number-ranges.ts'
import {
  type FoundSnapshot,
  listSnapshots,
  type SnapshotManifest,
  verifySnapshot,
} from '../decisions/log/state-snapshots.ts'
import type { StoreOrigin } from '../decisions/states/store-identity.ts'
import { goesOnFrom } from '../decisions/states/store-identity.ts'
import { faultOfFile } from '../disk/fault-of-file.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { PredictionLog } from '../ports/prediction-log.ts'

export interface StartOfOwnedParts {
  readonly log: PredictionLog
  /** Of the log, with its archive and its snapshots. */
  readonly folder: string
  readonly model: LoadedModel
  /** Folder of the states that the log began with: the replay begins there, and not at a snapshot. */
  readonly from?: string | undefined
  readonly work: Pick<Work, 'database'>
}

/** A snapshot that has all that a store is made of. */
export interface WholeSnapshot {
  readonly name: string
  readonly folder: string
  readonly manifest: SnapshotManifest & Required<Pick<SnapshotManifest, 'savedThrough' | 'clockThrough'>>
}

/** What a store that is made again from its log begins with. */
export interface StartOfOwned {
  /** Of the predictions of the log. */
  readonly logName: string
  /** Records after this one are replayed; 0: all. */
  readonly after: number
  /** Undefined: the log's own beginning. */
  readonly snapshot: WholeSnapshot | undefined
  /** The states that the log began with; undefined where it began with none, or at a snapshot. */
  readonly origin: { readonly folder: string; readonly says: StoreOrigin } | undefined
  /** Snapshots that were passed over, newest first, and why. */
  readonly unusable: readonly { readonly name: string; readonly reason: string }[]
  /** Numbers up to `after` that no file has, so that nobody knows their transactions. */
  readonly missing: readonly NumberRange[]
}

/**
 * Finds the newest snapshot that can be used, else the states that the log began with, and makes sure that
 * no record after it is missing, and that the archive is as it was written.
 *
 * @throws SERVING_SNAPSHOT_UNUSABLE when the first days of the log were removed, and no snapshot can be used;
 * SERVING_LOG_INCOMPLETE, SERVING_LOG_GAPS, BACKUP_SOURCE_DAMAGED, MODEL_STATES_REFUSED
 */
export const startOfOwned = async (parts: StartOfOwnedParts): Promise<StartOfOwned> => {
  const { log, folder, work, from } = parts
  const held = await readHeld({ log, folder, database: work.database })
  const { first } = held
  const unusable: { name: string; reason: string }[] = []
  let snapshot: WholeSnapshot | undefined
  for (const found of from === undefined ? await newestFirst(folder, parts.model) : []) {
    const reason = await whyNot(found, parts.model, first)
    if (reason === '') snapshot = found as WholeSnapshot
    if (reason === '') break
    unusable.push({ name: found.name, reason })
  }
  if (snapshot === undefined && first > 1)
    throw new VigiaError('SERVING_SNAPSHOT_UNUSABLE', {
      folder,
      got: first - 1,
      reason:
        unusable.map(({ name, reason }) => `${name}: ${reason}`).join('; ') ||
        `the log begins with record ${first}, and there is no snapshot beside it`,
      allowed: 'none',
    })
  const after = snapshot?.manifest.savedThrough ?? 0
  // What a replay reads is what the log has given: the log has to be recovered first.
  if (held.lastArchived > log.lastSequence) throw archiveIsFurther(log, folder, held.lastArchived)
  const gaps = findGaps(held.held, after + 1, log.lastSequence)
  if (gaps.length > 0)
    throw new VigiaError('SERVING_LOG_GAPS', { folder, what: gapsText(gaps), numbers: rangesText(gaps) })
  const logName = (await readLogName(log)) ?? snapshot?.manifest.identity.logName
  if (logName === undefined)
    throw logIncomplete([folder], 'nothing in it says by which name its predictions are called')
  const origin = snapshot === undefined ? await originOf(parts) : undefined
  await assertArchiveAsWritten(folder)
  return { logName, after, snapshot, origin, unusable, missing: findGaps(held.held, first, after) }
}

/** A file may be damaged and can still be read. @throws BACKUP_SOURCE_DAMAGED */
const assertArchiveAsWritten = async (folder: string): Promise<void> => {
  const isThere = new Set(await archiveFileNames(folder))
  for (const { files } of await readCatalog(folder))
    for (const file of files) {
      const reason = isThere.has(file.name) ? await faultOfFile(folder, file) : undefined
      if (reason !== undefined)
        throw new VigiaError('BACKUP_SOURCE_DAMAGED', { folder, file: file.name, reason })
    }
}

/** Snapshots of when states of the model's layout decided, and of when they followed. */
const newestFirst = async (folder: string, { layoutKey }: LoadedModel): Promise<FoundSnapshot[]> =>
  [...(await listSnapshots(folder)), ...(await listSnapshots(layoutFolder(folder, layoutKey)))].sort(
    (a, b) => Number(b.name) - Number(a.name),
  )

/** Why a store cannot be made from a snapshot; empty when it can. @param first where the log begins */
const whyNot = async (found: FoundSnapshot, model: LoadedModel, first: number): Promise<string> => {
  if ('problem' in found) return found.problem
  const { savedThrough, clockThrough, identity } = found.manifest
  if (savedThrough === undefined || clockThrough === undefined)
    return 'it is of an earlier version, which did not say from where on its labels lack records'
  if (savedThrough < first - 1)
    return `its labels lack records after ${savedThrough}, and the log begins with ${first}`
  if (!goesOnFrom(identity, model))
    return `it was made for other features, windows or cleaning than ${model.description.name} ${model.description.version}`
  const fault = await verifySnapshot(found)
  return fault === undefined ? '' : `${fault.file}: ${fault.reason}`
}

const originOf = async ({ log, folder, model, from }: StartOfOwnedParts): Promise<StartOfOwned['origin']> => {
  const text = await log.readDocument(ORIGIN_DOCUMENT)
  if (text === undefined) return undefined
  const says = JSON.parse(text) as StoreOrigin
  const place = from ?? says.folder
  const manifest = await readStates(place, model.identity)
  if (manifest === undefined)
    throw logIncomplete(
      [folder],
      `the states that it began with are not in ${place}: name their folder with --from`,
    )
  const isOrigin = Object.entries(says.files).every(([name, sha256]) => manifest.files[name] === sha256)
  if (!isOrigin) throw logIncomplete([folder], `the states in ${place} are not those that it began with`)
  return { folder: place, says: { ...says, folder: place } }
}
