import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { BackupTarget } from '../ports/backup-target.ts'
import {
  type BackupManifest,
  backupNames,
  keptParts,
  partKey,
  readManifest,
  readPart,
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

/** Reads every part of a backup back. @returns bytes that were read @throws BACKUP_DAMAGED, INTERRUPTED */
export const verifyBackup = async (
  target: BackupTarget,
  { name, files }: BackupManifest,
  work: Pick<Work, 'signal' | 'reportProgress'>,
): Promise<number> => {
  const read = new Set<string>()
  let bytes = 0
  for (const [i, file] of files.entries()) {
    for (const part of file.parts) {
      if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'verifying the backup' })
      if (read.has(part)) continue
      bytes += (await readPart(target, name, file.path, part)).length
      read.add(part)
    }
    work.reportProgress({ activity: 'verifying', done: i + 1, unit: 'files' })
  }
  return bytes
}

export interface RemovedBackups {
  readonly backups: readonly string[]
  readonly parts: number
  readonly bytes: number
}

/**
 * Removes all backups but the latest `keep`, and parts that none of those has. A backup that cannot be read
 * stays, and with it all parts: nobody knows which are its own.
 */
export const removeOldBackups = async (target: BackupTarget, keep: number): Promise<RemovedBackups> => {
  const listed = await listBackups(target)
  const old = listed.slice(0, Math.max(0, listed.length - keep))
  const removed = old.filter((backup) => 'manifest' in backup).map(({ name }) => name)
  for (const name of removed) await removeManifest(target, name)
  const left = listed.filter(({ name }) => !removed.includes(name))
  if (left.some((backup) => 'problem' in backup)) return { backups: removed, parts: 0, bytes: 0 }
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
  return { backups: removed, parts, bytes }
}
