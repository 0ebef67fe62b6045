import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { encodeEntryHeader } from '../artifacts/state-snapshot.ts'
import {
  type FoundSnapshot,
  listSnapshots,
  manifestText,
  RECEIPTS_FILE,
  removeSnapshot,
  SNAPSHOT_MANIFEST,
  type SnapshotManifest,
  snapshotName,
  snapshotsFolder,
  verifySnapshot,
} from '../decisions/log/state-snapshots.ts'
import { syncFolderAsync } from '../disk/sync-folder.ts'
import { writePieces } from '../disk/write-pieces.ts'
import { VigiaError } from '../errors.ts'
import type { EntityKind } from '../transaction/entity-kind.ts'
import type { StatesAgain } from './states-again.ts'

/** What becomes a snapshot. */
export interface SnapshotContents {
  readonly states: Pick<StatesAgain, 'kinds' | 'entries'>
  /** Of the file of receipts. */
  readonly lines: readonly Uint8Array[]
  readonly says: Omit<SnapshotManifest, 'format' | 'kinds' | 'counts' | 'files'>
}

export interface Publishing {
  /** Part of the names of what is written on the way; no other process has the same. */
  readonly id: string
  readonly signal: AbortSignal
}

/**
 * Writes a snapshot beside a log, whole and on the disk, or not at all: under a name that is none until the
 * last step. Another process may publish the same one meanwhile.
 *
 * @param folder of the log
 * @throws INTERRUPTED
 */
export const publishSnapshot = async (
  folder: string,
  { states, lines, says }: SnapshotContents,
  publishing: Publishing,
): Promise<SnapshotManifest> => {
  const counts: Record<EntityKind, number> = {}
  const piecesOf = function* (kind: EntityKind): Generator<Uint8Array> {
    counts[kind] = 0
    for (const { token, bytes } of states.entries(kind)) {
      yield encodeEntryHeader(token, bytes.length)
      yield bytes
      counts[kind]++
    }
  }
  return publish(folder, says.sequence, publishing, async (write) => {
    const files: Record<string, SnapshotManifest['files'][string]> = {}
    for (const kind of states.kinds) files[`${kind}.states`] = await write(`${kind}.states`, piecesOf(kind))
    files[RECEIPTS_FILE] = await write(RECEIPTS_FILE, lines)
    return { format: 1, ...says, kinds: states.kinds, counts, files }
  })
}

/** Copies a whole snapshot of another log beside this one. @throws SERVING_SNAPSHOT_UNUSABLE, INTERRUPTED */
export const copySnapshot = async (
  from: string,
  manifest: SnapshotManifest,
  folder: string,
  publishing: Publishing,
): Promise<void> => {
  await publish(folder, manifest.sequence, publishing, async (write) => {
    for (const [name, { sha256 }] of Object.entries(manifest.files))
      if ((await write(name, createReadStream(join(from, name)))).sha256 !== sha256)
        throw new VigiaError('SERVING_SNAPSHOT_UNUSABLE', {
          folder: dirname(dirname(from)),
          got: manifest.sequence,
          reason: `the SHA-256 of ${name} is another`,
          allowed: 'others',
        })
    return manifest
  })
}

/** Whether a log has the whole snapshot of that record; what is damaged under its name is removed. */
export const hasWhole = async (folder: string, sequence: number): Promise<boolean> => {
  const found = await findSnapshot(folder, sequence)
  if (found === undefined) return false
  if ((await verifySnapshot(found)) === undefined) return true
  await removeSnapshot(found)
  return false
}

/** What a log's snapshot of that record says; undefined: it has none. */
export const manifestOf = async (folder: string, sequence: number): Promise<SnapshotManifest | undefined> => {
  const found = await findSnapshot(folder, sequence)
  return found !== undefined && 'manifest' in found ? found.manifest : undefined
}

const findSnapshot = async (folder: string, sequence: number): Promise<FoundSnapshot | undefined> =>
  (await listSnapshots(folder)).find(({ name }) => name === snapshotName(sequence))

type WriteFile = (
  name: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
) => ReturnType<typeof writePieces>

const publish = async (
  folder: string,
  sequence: number,
  { id, signal }: Publishing,
  fill: (write: WriteFile) => Promise<SnapshotManifest>,
): Promise<SnapshotManifest> => {
  const all = snapshotsFolder(folder)
  await mkdir(all, { recursive: true })
  await removeDrafts(all)
  const draft = join(all, `${DRAFT}${snapshotName(sequence)}-${id}`)
  await mkdir(draft)
  try {
    const write: WriteFile = async (name, pieces) => {
      const written = await writePieces(join(draft, name), pieces, { isOver: () => signal.aborted })
      if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'writing the snapshot' })
      return written
    }
    const manifest = await fill(write)
    await write(SNAPSHOT_MANIFEST, [Buffer.from(manifestText(manifest))])
    await syncFolderAsync(draft)
    await rename(draft, join(all, snapshotName(sequence))).catch(async (error: unknown) => {
      // Somebody else was faster.
      if (!(await hasWhole(folder, sequence))) throw error
    })
    await syncFolderAsync(all)
    return manifest
  } catch (error) {
    // Another process that began later has taken the draft for one that was left.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const activity = 'writing a snapshot that another process writes too'
    throw new VigiaError('INTERRUPTED', { activity }, { cause: error })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

const DRAFT = '.taking-'

/**
 * Removes what killed processes have left. A draft loses its name first: whoever still writes it cannot
 * publish half of it, and fails.
 */
const removeDrafts = async (all: string): Promise<void> => {
  for (const name of await readdir(all)) {
    if (!name.startsWith(DRAFT)) continue
    const leaving = join(all, name.replace(DRAFT, '.leaving-'))
    const isMine = await rename(join(all, name), leaving).then(
      () => true,
      () => false,
    )
    if (isMine) await rm(leaving, { recursive: true, force: true })
  }
}
