import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { branchFolders } from '../branches/branch-folders.ts'
import { NAME_DOCUMENT, type NameDocument } from '../decisions/log/log-name.ts'
import { ORIGIN_DOCUMENT } from '../decisions/log/model-document.ts'
import { HISTORY_DOCUMENT, type LoggedHistory } from '../decisions/shared/known-history.ts'
import {
  readStoreIdentity,
  type StoreIdentity,
  type StoreOrigin,
  writeStoreIdentity,
} from '../decisions/states/store-identity.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { BackupTarget } from '../ports/backup-target.ts'
import type { StateStore } from '../ports/state-store.ts'
import {
  type BackupFile,
  type BackupManifest,
  backupNames,
  damaged,
  readManifest,
  readPart,
} from './backup-manifest.ts'
import { liesIn } from './folder-inside.ts'

export interface RestoreOptions {
  readonly target: BackupTarget
  /** Name of a backup; undefined: the latest. */
  readonly at: string | undefined
  /** A new or empty folder, absolute. */
  readonly to: string
  readonly openStates: (folder: string) => Promise<StateStore>
  readonly world: Pick<World, 'newId'>
  readonly work: Pick<Work, 'signal' | 'reportProgress'>
}

export interface RestoredBackup {
  readonly manifest: BackupManifest
  /** `to`'s `log`, and its `state` where the backup has some. */
  readonly log: string
  readonly states: string | undefined
  /** First part of the ids of predictions to come; undefined for the log alone. */
  readonly logName: string | undefined
}

/**
 * Writes a backup to an empty folder, each byte by its SHA-256, and gives the states a name of their own:
 * the original may have decided on more than the backup has, and may still be running, so numbers from here
 * on are of predictions with other ids.
 *
 * Fails it, nothing is left; killed, it leaves `<to>.restoring`, which the next one removes, and nothing in
 * `to`.
 *
 * @throws BACKUP_NOT_FOUND, BACKUP_DAMAGED, BACKUP_FOLDER_NOT_EMPTY, BACKUP_FOLDER_INVALID,
 * BACKUP_TARGET_FAILED, INTERRUPTED
 */
export const restoreBackup = async (options: RestoreOptions): Promise<RestoredBackup> => {
  const { target, to } = options
  if (target.folder !== undefined && (await liesIn(to, target.folder)))
    throw new VigiaError('BACKUP_FOLDER_INVALID', {
      folder: to,
      reason: `it lies in ${target.folder}, which has the backups`,
    })
  await assertEmpty(to)
  const manifest = await readManifest(target, options.at ?? (await latestName(target)))
  const partial = `${to}.restoring`
  await rm(partial, { recursive: true, force: true })
  try {
    return await writeRestored(options, manifest, partial)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw error
  }
}

const writeRestored = async (
  options: RestoreOptions,
  manifest: BackupManifest,
  partial: string,
): Promise<RestoredBackup> => {
  const { target, to } = options
  for (const [i, file] of manifest.files.entries()) {
    if (options.work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'the restore' })
    await writeFileOf(target, manifest, file, partial)
    options.work.reportProgress({ activity: 'restoring', done: i + 1, unit: 'files' })
  }
  await mkdir(join(partial, 'log'), { recursive: true })
  const origin = manifest.origin === 'kept' ? join(to, 'origin') : undefined
  await adaptDocuments(join(partial, 'log'), manifest, origin)
  const hasStates = manifest.kind === 'owned'
  const logName = hasStates ? await beginNames(join(partial, 'state'), manifest, origin, options) : undefined
  if (logName !== undefined)
    await rewriteDocument<NameDocument>(join(partial, 'log'), NAME_DOCUMENT, () => ({ logName }))
  await rmdir(to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await rename(partial, to)
  return {
    manifest,
    log: join(to, 'log'),
    states: hasStates ? join(to, 'state') : undefined,
    logName,
  }
}

const assertEmpty = async (folder: string): Promise<void> => {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    const reason = error.code === 'ENOTDIR' ? 'it, or what it should lie in, is a file' : error.message
    throw new VigiaError('BACKUP_FOLDER_INVALID', { folder, reason }, { cause: error })
  })
  if (found.length > 0)
    throw new VigiaError('BACKUP_FOLDER_NOT_EMPTY', { folder, found: found.slice(0, 3).join(', ') })
}

const latestName = async (target: BackupTarget): Promise<string> =>
  (await backupNames(target)).at(-1) ?? 'latest'

/** Each name of a path; none leads out of the folder. */
const PATH = /^(log|state|origin)(\/[\w=][\w.=-]*)+$/

const writeFileOf = async (
  target: BackupTarget,
  { name }: BackupManifest,
  { path, bytes, sha256, parts }: BackupFile,
  folder: string,
): Promise<void> => {
  if (!PATH.test(path)) throw damaged(target, name, path, 'it is no file of a backup')
  const to = join(folder, ...path.split('/'))
  await mkdir(dirname(to), { recursive: true })
  const file = await open(to, 'wx')
  try {
    const whole = createHash('sha256')
    let written = 0
    for (const hash of parts) {
      const part = await readPart(target, name, path, hash)
      whole.update(part)
      await file.writeFile(part)
      written += part.length
    }
    if (written !== bytes || whole.digest('hex') !== sha256)
      throw damaged(target, name, path, 'its parts are not the file')
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Documents speak of the copy from now on: of the states that the log began with, which lie beside it, and,
 * where servers shared their states, of no record that the copy does not have.
 */
const adaptDocuments = async (
  log: string,
  { lastSequence }: BackupManifest,
  folder: string | undefined,
): Promise<void> => {
  const moved = (origin: StoreOrigin | undefined): StoreOrigin | undefined =>
    origin === undefined || folder === undefined ? origin : { ...origin, folder }
  await rewriteDocument<StoreOrigin>(log, ORIGIN_DOCUMENT, (origin) => moved(origin)!)
  await rewriteDocument<LoggedHistory>(log, HISTORY_DOCUMENT, (history) => ({
    ...history,
    identity: { ...history.identity, origin: moved(history.identity.origin) },
    lastRecord: Math.min(history.lastRecord, lastSequence),
  }))
}

const rewriteDocument = async <T>(log: string, name: string, change: (document: T) => T): Promise<void> => {
  const path = join(log, 'documents', `${name}.json`)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text !== undefined) await writeFile(path, JSON.stringify(change(JSON.parse(text) as T)))
}

/** Begins a new name for all states. @returns it; undefined where none were ever used */
const beginNames = async (
  states: string,
  manifest: BackupManifest,
  origin: string | undefined,
  { openStates, world }: RestoreOptions,
): Promise<string | undefined> => {
  const logName = world.newId().slice(0, 8)
  let isUsed = false
  for (const folder of [states, ...(await branchFolders(states))])
    isUsed = (await beginName(await openStates(folder), manifest, origin, logName)) || isUsed
  return isUsed ? logName : undefined
}

/** Begins a new name after the last number of the backup. @returns whether the store was ever used */
const beginName = async (
  store: StateStore,
  { lastSequence }: BackupManifest,
  origin: string | undefined,
  logName: string,
): Promise<boolean> => {
  try {
    const identity = await readStoreIdentity(store)
    if (identity === undefined) return false
    const renamed: StoreIdentity = {
      ...identity,
      logName,
      earlierNames: [...(identity.earlierNames ?? []), { logName: identity.logName, through: lastSequence }],
      ...(identity.origin !== undefined &&
        origin !== undefined && { origin: { ...identity.origin, folder: origin } }),
    }
    await writeStoreIdentity(store, renamed)
    return true
  } finally {
    await store.close()
  }
}
