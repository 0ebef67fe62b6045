import { VigiaError } from '../errors.ts'
import { sha256 } from '../foundation/hash.ts'
import type { BackupTarget } from '../ports/backup-target.ts'

/** A file of a backup. */
export interface BackupFile {
  /** `log/…`, `state/…` or `origin/…`. */
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  /** SHA-256 of each part, in order: `PART_BYTES` each, but the last. */
  readonly parts: readonly string[]
}

/** What a backup is made of. */
export interface BackupManifest {
  readonly format: 1
  /** Its name: the time at which it was begun. */
  readonly name: string
  readonly createdAtMs: number
  /** Of Vigía. */
  readonly version: string
  /** `owned`: states and log. `log`: the log alone, its states are in a shared store or in memory. */
  readonly kind: 'owned' | 'log'
  /** First part of the prediction ids; undefined where nobody says. */
  readonly logName: string | undefined
  /** The log up to this record, inclusive, and states with no later one. */
  readonly lastSequence: number
  /** Of the states: all records up to here are in them, inclusive. */
  readonly savedThrough: number
  /** States that the log began with: `kept` with it; `missing`: they were not where the log says. */
  readonly origin: 'kept' | 'missing' | 'none'
  readonly files: readonly BackupFile[]
}

/** Bytes of a part. An append-only file has the same parts again but for its last one. */
export const PART_BYTES = 4 << 20

const MANIFESTS = 'backups/'
const PARTS = 'parts/'

export const partKey = (hash: string): string => `${PARTS}${hash.slice(0, 2)}/${hash}`

const manifestKey = (name: string): string => `${MANIFESTS}${name}.json`

/** Name of a backup that begins at that time: `2026-11-29T07-05-33-120Z`. */
export const backupName = (timeMs: number): string =>
  new Date(timeMs).toISOString().replaceAll(':', '-').replace('.', '-')

/** Names of all backups, oldest first. */
export const backupNames = async (target: BackupTarget): Promise<string[]> =>
  (await target.list(MANIFESTS))
    .map(({ key }) => /^backups\/([\w-]+)\.json$/.exec(key)?.[1])
    .filter((name) => name !== undefined)
    .sort()

/** What parts a target has: bytes by SHA-256. */
export const keptParts = async (target: BackupTarget): Promise<Map<string, number>> =>
  new Map((await target.list(PARTS)).map(({ key, bytes }) => [key.slice(key.lastIndexOf('/') + 1), bytes]))

/** Puts a manifest, which makes the backup one, and reads it back. @throws BACKUP_DAMAGED */
export const writeManifest = async (target: BackupTarget, manifest: BackupManifest): Promise<void> => {
  const text = JSON.stringify(manifest)
  await target.put(
    manifestKey(manifest.name),
    Buffer.from(`${JSON.stringify({ sha256: sha256(text), manifest })}\n`),
  )
  await readManifest(target, manifest.name)
}

/** @throws BACKUP_NOT_FOUND, BACKUP_DAMAGED */
export const readManifest = async (target: BackupTarget, name: string): Promise<BackupManifest> => {
  const bytes = /^[\w-]+$/.test(name) ? await target.get(manifestKey(name)) : undefined
  if (bytes === undefined)
    throw new VigiaError('BACKUP_NOT_FOUND', {
      target: target.name,
      name,
      allowed: (await backupNames(target)).join(', ') || 'none',
    })
  const kept = parse(Buffer.from(bytes).toString('utf8'))
  if (kept === undefined || sha256(JSON.stringify(kept.manifest)) !== kept.sha256)
    throw damaged(target, name, manifestKey(name), 'its SHA-256 is another')
  if (kept.manifest.format !== 1)
    throw damaged(target, name, manifestKey(name), `format ${kept.manifest.format} is of a later version`)
  return kept.manifest
}

const parse = (text: string): { readonly sha256: string; readonly manifest: BackupManifest } | undefined => {
  try {
    const kept = JSON.parse(text) as { readonly sha256: string; readonly manifest: BackupManifest }
    return typeof kept?.manifest === 'object' && kept.manifest !== null ? kept : undefined
  } catch {
    return undefined
  }
}

export const removeManifest = (target: BackupTarget, name: string): Promise<void> =>
  target.remove(manifestKey(name))

export const damaged = (target: BackupTarget, backup: string, file: string, reason: string): VigiaError =>
  new VigiaError('BACKUP_DAMAGED', { target: target.name, backup, file, reason })

/** A part of a file, whose bytes are those that were kept. @throws BACKUP_DAMAGED */
export const readPart = async (
  target: BackupTarget,
  backup: string,
  file: string,
  hash: string,
): Promise<Uint8Array> => {
  const bytes = await target.get(partKey(hash))
  if (bytes === undefined) throw damaged(target, backup, file, `its part ${partKey(hash)} is missing`)
  const got = sha256(bytes)
  if (got === hash) return bytes
  throw damaged(target, backup, file, `its part ${partKey(hash)} has the SHA-256 ${got}`)
}
