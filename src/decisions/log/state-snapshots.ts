import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { snapshotFiles } from '../../artifacts/state-snapshot.ts'
import { faultOfFile } from '../../disk/fault-of-file.ts'
import { sha256 } from '../../foundation/hash.ts'
import type { EntityKind } from '../../transaction/entity-kind.ts'
import type { StoreIdentity } from '../states/store-identity.ts'

/*
 * Snapshots in the folder of a log, one folder each, named by the last record in them:
 *
 *     <log>/snapshots/000000120000/snapshot.json     what it is, and SHA-256 of each file; written last
 *     <log>/snapshots/000000120000/user.states       as a run keeps states (`state-snapshot.ts`)
 *     <log>/snapshots/000000120000/receipts.jsonl    labels that are due later, or wait for a transaction
 *
 * A folder whose name begins with a dot is being written or removed, and is none.
 */

/** What `snapshot.json` says. */
export interface SnapshotManifest {
  readonly format: 1
  /** Number of the last record in the states, inclusive: each has all records up to it, and no other. */
  readonly sequence: number
  readonly takenAtMs: number
  /** Latest event time of all decisions in it, epoch milliseconds; null where there was none. */
  readonly clockMs: number | null
  /**
   * Last decision, inclusive, whose due label and time the receipts count; 0 for none. Absent, as the next
   * one, in snapshots of before: a store cannot be rebuilt from them.
   */
  readonly clockThrough?: number
  /**
   * All records up to here, inclusive, are in the receipts: those after it are to be taken from the log, also
   * where the states have them.
   */
  readonly savedThrough?: number
  /** Of the store that it was taken of. */
  readonly identity: StoreIdentity
  readonly kinds: readonly EntityKind[]
  /** States of each kind. */
  readonly counts: Readonly<Record<EntityKind, number>>
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>
}

/** A snapshot, or why it cannot be used. */
export type FoundSnapshot =
  | { readonly name: string; readonly folder: string; readonly manifest: SnapshotManifest }
  | { readonly name: string; readonly folder: string; readonly problem: string }

const SNAPSHOTS = 'snapshots'
/** Name of the file that says what a snapshot is. */
export const SNAPSHOT_MANIFEST = 'snapshot.json'
/** Name of the file of receipts, JSON lines. */
export const RECEIPTS_FILE = 'receipts.jsonl'

/** Where the snapshots of the log in `folder` lie. */
export const snapshotsFolder = (folder: string): string => join(folder, SNAPSHOTS)

export const snapshotName = (sequence: number): string => String(sequence).padStart(12, '0')

/** Names of the files with states of these kinds. */
export const stateFiles = (kinds: readonly EntityKind[]): readonly string[] =>
  snapshotFiles(kinds).filter((name) => name.endsWith('.states'))

/** Text of `snapshot.json`. */
export const manifestText = (manifest: SnapshotManifest): string =>
  `${JSON.stringify({ sha256: sha256(JSON.stringify(manifest)), manifest })}\n`

/** All snapshots of the log in `folder`, oldest first; their files are not read (`verifySnapshot`). */
export const listSnapshots = async (folder: string): Promise<FoundSnapshot[]> => {
  const names = await readdir(snapshotsFolder(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const found: FoundSnapshot[] = []
  for (const name of names.filter((one) => /^\d{12,16}$/.test(one)).sort((a, b) => Number(a) - Number(b)))
    found.push(await readSnapshotManifest(join(snapshotsFolder(folder), name), name))
  return found
}

const readSnapshotManifest = async (folder: string, name: string): Promise<FoundSnapshot> => {
  const text = await readFile(join(folder, SNAPSHOT_MANIFEST), 'utf8').catch(() => undefined)
  if (text === undefined) return { name, folder, problem: `it has no ${SNAPSHOT_MANIFEST}` }
  try {
    const kept = JSON.parse(text) as { readonly sha256: string; readonly manifest: SnapshotManifest }
    if (sha256(JSON.stringify(kept.manifest)) !== kept.sha256)
      return { name, folder, problem: `the SHA-256 of ${SNAPSHOT_MANIFEST} is another` }
    if (kept.manifest.format !== 1)
      return { name, folder, problem: `its format ${kept.manifest.format} is of a later version` }
    if (snapshotName(kept.manifest.sequence) !== name)
      return { name, folder, problem: `it is of record ${kept.manifest.sequence}, and its name says another` }
    return { name, folder, manifest: kept.manifest }
  } catch {
    return { name, folder, problem: `${SNAPSHOT_MANIFEST} is no JSON` }
  }
}

/** Snapshots of which nothing is known to be wrong. */
export const usable = (
  found: readonly FoundSnapshot[],
): readonly Extract<FoundSnapshot, { readonly manifest: SnapshotManifest }>[] =>
  found.flatMap((snapshot) => ('manifest' in snapshot ? [snapshot] : []))

/** Reads every file of a snapshot. @returns the first that is not as it was written, and why */
export const verifySnapshot = async (
  snapshot: FoundSnapshot,
): Promise<{ readonly file: string; readonly reason: string } | undefined> => {
  if ('problem' in snapshot) return { file: SNAPSHOT_MANIFEST, reason: snapshot.problem }
  for (const [file, written] of Object.entries(snapshot.manifest.files)) {
    const reason = await faultOfFile(snapshot.folder, { name: file, ...written })
    if (reason !== undefined) return { file, reason }
  }
  return undefined
}

/**
 * A snapshot loses its name first: half removed it is none, and nothing is missed of it. What is left then
 * goes with the next one that is taken.
 */
export const removeSnapshot = async ({ name, folder }: FoundSnapshot): Promise<void> => {
  const leaving = join(dirname(folder), `.leaving-${name}`)
  await rm(leaving, { recursive: true, force: true })
  await rename(folder, leaving)
  await rm(leaving, { recursive: true, force: true })
}
