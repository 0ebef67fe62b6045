import { VigiaError } from '../errors.ts'
import type { BackupTarget } from '../ports/backup-target.ts'
import {
  type BackupManifest,
  backupNames,
  keptParts,
  partKey,
  readManifest,
  removeManifest,
} from './backup-manifest.ts'

/** A backup of a target, or why it cannot be read. */
export type ListedBackup =
  | { readonly name: string; readonly manifest: BackupManifest }
  | { readonly name: string; readonly problem: string }

/** All backups of a target, oldest first. */
export const listBackups = async (target: BackupTarget): Promise<ListedBackup[]> => {
  const listed: ListedBackup[] = []
  for (const name of await backupNames(target)) {
    try {
      listed.push({ name, manifest: await readManifest(target, name) })
    } catch (error) {
      if (!(error instanceof VigiaError) || error.code !== 'BACKUP_DAMAGED') throw error
      listed.push({ name, problem: error.message })
    }
  }
  return listed
}

export interface RemovedBackups {
  readonly backups: readonly string[]
  readonly parts: number
  readonly bytes: number
  /** Backups that cannot be read, for which all parts stay. */
  readonly unreadable: readonly string[]
}

/**
 * Removes all backups but the latest `keep` that can be read, and parts that none of those has. A backup that
 * cannot be read stays, and with it all parts: nobody knows which are its own.
 */
export const removeOldBackups = async (target: BackupTarget, keep: number): Promise<RemovedBackups> => {
  const listed = await listBackups(target)
  const readable = listed.filter((backup) => 'manifest' in backup).map(({ name }) => name)
  const removed = readable.slice(0, Math.max(0, readable.length - keep))
  for (const name of removed) await removeManifest(target, name)
  const left = listed.filter(({ name }) => !removed.includes(name))
  const unreadable = left.filter((backup) => 'problem' in backup).map(({ name }) => name)
  if (unreadable.length > 0) return { backups: removed, parts: 0, bytes: 0, unreadable }
  const used = new Set(
    left.flatMap((backup) =>
      'manifest' in backup ? backup.manifest.files.flatMap(({ parts }) => parts) : [],
    ),
  )
  let [parts, bytes] = [0, 0]
  for (const [hash, size] of await keptParts(target)) {
    if (used.has(hash)) continue
    await target.remove(partKey(hash))
    parts++
    bytes += size
  }
  return { backups: removed, parts, bytes, unreadable }
}
