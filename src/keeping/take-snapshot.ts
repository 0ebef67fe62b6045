import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeEntryHeader } from '../artifacts/state-snapshot.ts'
import {
  listSnapshots,
  manifestText,
  RECEIPTS_FILE,
  type SnapshotManifest,
  snapshotName,
  snapshotsFolder,
  usable,
} from '../decisions/log/state-snapshots.ts'
import { readStoredClock } from '../decisions/owned/due-labels.ts'
import type { StoreIdentity } from '../decisions/states/store-identity.ts'
import { syncFolderAsync } from '../disk/sync-folder.ts'
import { writePieces } from '../disk/write-pieces.ts'
import type { OwnedStateStore, StatesView } from '../ports/state-store.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'
import { type RolledStates, type RollParts, rollStates } from './roll-states.ts'

export interface TakeSnapshotParts extends Omit<RollParts, 'view'> {
  readonly store: Pick<OwnedStateStore, 'view' | 'flush'>
  readonly identity: StoreIdentity
  /** Of the log. */
  readonly folder: string
  readonly nowMs: number
  /** Asked before each write: true ends it, and nothing is left. */
  readonly isOver: () => boolean
  /** Whether states that have no record yet are written too: those with which a layout begins. */
  readonly isFirst?: boolean
}

/** Between two writes: decisions have their turn, as long again as a write takes, or nobody else had half. */
const PAUSE_MS = 1

/** Receipts that a restored store needs and that are in no record of the log which it would replay. */
const KEPT_RECEIPTS = ['due/', 'waiting/']

/**
 * Writes the states as of one record beside the log, so that a replay can begin there instead of at the first
 * record. The store is looked at as it is at one moment, and goes on being written; what is written at a time
 * is small, so no decision waits for it. Whole and on the disk, or not there.
 *
 * @returns undefined when it is over, or nothing has come since the last snapshot
 */
export const takeSnapshot = async (parts: TakeSnapshotParts): Promise<SnapshotManifest | undefined> => {
  const { folder, store } = parts
  const all = snapshotsFolder(folder)
  await mkdir(all, { recursive: true })
  // Of a process that was killed.
  for (const name of await readdir(all))
    if (name.startsWith('.')) await rm(join(all, name), { recursive: true, force: true })
  // Numbers that a snapshot has are never given again, also after a power failure: the store has them then.
  await store.flush()
  const view = await store.view()
  try {
    const rolled = await rollStates({ ...parts, view })
    const none = parts.isFirst === true ? -1 : 0
    const known = usable(await listSnapshots(folder)).at(-1)?.manifest.sequence ?? none
    if (rolled.sequence <= known) return undefined
    const name = snapshotName(rolled.sequence)
    const draft = join(all, `.taking-${name}`)
    await mkdir(draft)
    try {
      const manifest = await writeFiles(parts, view, rolled, draft)
      if (parts.isOver()) return undefined
      await rm(join(all, name), { recursive: true, force: true })
      await rename(draft, join(all, name))
      await syncFolderAsync(all)
      return manifest
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  } finally {
    view.close()
  }
}

const writeFiles = async (
  { identity, nowMs, isOver }: TakeSnapshotParts,
  view: StatesView,
  rolled: RolledStates,
  draft: string,
): Promise<SnapshotManifest> => {
  const files: Record<string, SnapshotManifest['files'][string]> = {}
  const writeFile = (path: string, pieces: () => AsyncIterable<Uint8Array>) =>
    writePieces(path, pieces(), { isOver, pauseMs: PAUSE_MS })
  const counts: Record<EntityKind, number> = {}
  for (const kind of view.kinds) {
    let count = 0
    const name = `${kind}.states`
    files[name] = await writeFile(join(draft, name), async function* () {
      for await (const { token, bytes } of rolled.entries(kind)) {
        yield encodeEntryHeader(token, bytes.length)
        yield bytes
        count++
      }
    })
    counts[kind] = count
  }
  files[RECEIPTS_FILE] = await writeFile(join(draft, RECEIPTS_FILE), async function* () {
    for (const prefix of KEPT_RECEIPTS)
      for await (const { id, bytes } of view.receipts(prefix))
        yield Buffer.from(`${JSON.stringify({ id, body: Buffer.from(bytes).toString('base64') })}\n`)
  })
  const { clockMs, through } = await readStoredClock(view)
  const manifest: SnapshotManifest = {
    format: 1,
    sequence: rolled.sequence,
    takenAtMs: nowMs,
    clockMs: Number.isFinite(clockMs) ? clockMs : null,
    clockThrough: through,
    savedThrough: rolled.savedThrough,
    identity,
    kinds: view.kinds,
    counts,
    files,
  }
  await writeFile(join(draft, 'snapshot.json'), async function* () {
    yield Buffer.from(manifestText(manifest))
  })
  await syncFolderAsync(draft)
  return manifest
}
