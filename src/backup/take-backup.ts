import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { branchFolders } from '../branches/branch-folders.ts'
import type { CatalogFile } from '../decisions/log/archive-catalog.ts'
import { readLogBeginning } from '../decisions/log/log-beginning.ts'
import { ORIGIN_DOCUMENT } from '../decisions/log/model-document.ts'
import { shadowsFolder } from '../decisions/log/shadow-answers.ts'
import { listSnapshots, SNAPSHOT_MANIFEST, usable } from '../decisions/log/state-snapshots.ts'
import type { StoreOrigin } from '../decisions/states/store-identity.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import type { BackupSource } from '../ports/backup-source.ts'
import type { BackupTarget } from '../ports/backup-target.ts'
import {
  type BackupFile,
  type BackupManifest,
  backupName,
  backupNames,
  keptParts,
  readManifest,
  removeManifest,
  writeManifest,
} from './backup-manifest.ts'
import { liesIn } from './folder-inside.ts'
import { copyLog, filesIn, type LogCopy } from './log-copy.ts'
import { type CopiedBytes, notKept, PartStore } from './part-store.ts'

export interface BackupOptions {
  readonly target: BackupTarget
  readonly source: BackupSource
  /** Folder of the log. */
  readonly log: string
  /** Folder of the states; undefined: the log alone. */
  readonly states: string | undefined
  /** An existing folder for copies of what changes: segments and states. */
  readonly workFolder: string
  /** Also reads back what the target had already, and puts again what is damaged. Default: false. */
  readonly isVerifying?: boolean
  /** Of Vigía. */
  readonly version: string
  readonly world: Pick<World, 'now'>
  readonly work: Work
}

export interface TakenBackup extends CopiedBytes {
  readonly manifest: BackupManifest
}

/** How often the copy is begun again when the log changes too fast. */
const ATTEMPTS = 3

/**
 * Copies a service that may be running to a target: states, log and archive of one moment, so that what is
 * restored has every decision up to a number, and none after it. What the target has already is not copied
 * again. The manifest comes last: without it there is no backup, and the earlier ones stay as they are.
 *
 * @throws BACKUP_TARGET_INVALID, BACKUP_TARGET_FAILED, BACKUP_TARGET_DAMAGED, BACKUP_UNSTEADY,
 * BACKUP_STATES_FOREIGN, BACKUP_SOURCE_DAMAGED, SERVING_LOG_GAPS, INTERRUPTED
 */
export const takeBackup = async (options: BackupOptions): Promise<TakenBackup> => {
  const { target, world, version, workFolder } = options
  await assertOutside(options)
  const createdAtMs = world.now()
  const name = backupName(createdAtMs)
  const staging = await mkdtemp(join(workFolder, '.backup-'))
  try {
    const copy = await copySteady(options, staging)
    const store = new PartStore(target, name, await keptParts(target), options.isVerifying === true)
    const earlier = await earlierFiles(target)
    const { files, origin } = await keepAll(options, copy, store, earlier, staging)
    const manifest: BackupManifest = {
      format: 1,
      name,
      createdAtMs,
      version,
      kind: copy.states === undefined ? 'log' : 'owned',
      logName: copy.states?.identity?.logName,
      lastSequence: copy.lastSequence,
      savedThrough: copy.states?.savedThrough ?? 0,
      origin,
      files,
    }
    assertGoesOn(options)
    await writeManifest(target, manifest).catch(async (error: unknown) => {
      await removeManifest(target, name)
      return notKept(target)(error)
    })
    return { manifest, ...store.figures }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** A target in what is backed up would be lost together with it. @throws BACKUP_TARGET_INVALID */
const assertOutside = async ({ target, log, states }: BackupOptions): Promise<void> => {
  if (target.folder === undefined) return
  for (const [what, folder] of [
    ['log', log],
    ['states', states],
  ] as const)
    if (folder !== undefined && (await liesIn(target.folder, folder)))
      throw new VigiaError('BACKUP_TARGET_INVALID', {
        target: target.name,
        reason: `it lies in ${folder}, the ${what} that it would be a backup of`,
      })
}

const assertGoesOn = ({ work }: Pick<BackupOptions, 'work'>): void => {
  if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'the backup' })
}

const copySteady = async (options: BackupOptions, staging: string): Promise<LogCopy> => {
  for (let attempt = 1; ; attempt++) {
    assertGoesOn(options)
    const folder = await mkdtemp(join(staging, 'copy-'))
    try {
      return await copyLog({ ...options, staging: folder, database: options.work.database })
    } catch (error) {
      if (!(error instanceof VigiaError) || error.code !== 'BACKUP_UNSTEADY') throw error
      if (attempt === ATTEMPTS)
        throw new VigiaError('BACKUP_UNSTEADY', { ...error.details, attempts: attempt } as never)
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Files of the latest backup that can be read, by path: what has not changed need not be read again. */
const earlierFiles = async (target: BackupTarget): Promise<ReadonlyMap<string, BackupFile>> => {
  for (const name of (await backupNames(target)).reverse()) {
    const manifest = await readManifest(target, name).catch((error: unknown) => {
      if (error instanceof VigiaError && error.code === 'BACKUP_DAMAGED') return undefined
      throw error
    })
    if (manifest !== undefined) return new Map(manifest.files.map((file) => [file.path, file]))
  }
  return new Map()
}

/** Beside segments, documents and archive; what is not there is left out. */
const BESIDE = ['audit.jsonl']

const keepAll = async (
  options: BackupOptions,
  copy: LogCopy,
  store: PartStore,
  earlier: ReadonlyMap<string, BackupFile>,
  staging: string,
): Promise<Pick<BackupManifest, 'files' | 'origin'>> => {
  const { log } = options
  const files: BackupFile[] = []
  const keep = async (source: string, path: string): Promise<void> => {
    assertGoesOn(options)
    files.push(await store.keepFile(source, path))
    options.work.reportProgress({ activity: 'backing up', done: files.length, unit: 'files' })
  }
  const segments = join(copy.folder, 'segments')
  for (const name of await filesIn(segments)) await keep(join(segments, name), `log/segments/${name}`)
  const shadows = shadowsFolder(copy.folder)
  for (const name of await filesIn(shadows)) await keep(join(shadows, name), `log/shadows/${name}`)
  const hashes = new Map(copy.catalog.flatMap(({ files: own }) => own.map((file) => [file.name, file])))
  const lastOf = new Map(copy.catalog.flatMap(({ files: own, last }) => own.map(({ name }) => [name, last])))
  for (const name of copy.archived) {
    assertGoesOn(options)
    try {
      files.push(await keepArchived(log, name, hashes.get(name), store, earlier))
    } catch (error) {
      if (!(await isRemoved(options, error, lastOf.get(name)))) throw error
    }
    options.work.reportProgress({ activity: 'backing up', done: files.length, unit: 'files' })
  }
  if (copy.catalog.length > 0) {
    const path = join(staging, 'archive.jsonl')
    await writeFile(path, copy.catalog.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    await keep(path, 'log/archive.jsonl')
  }
  // After the segments: each model wrote its document before its first record.
  const documents = join(log, 'documents')
  for (const name of await filesIn(documents)) await keep(join(documents, name), `log/documents/${name}`)
  for (const name of await filesIn(log)) if (BESIDE.includes(name)) await keep(join(log, name), `log/${name}`)
  await keepSnapshots(options, store, earlier, files)
  for (const { folder, place } of [...(copy.states === undefined ? [] : [copy.states]), ...copy.branches])
    await keep(join(folder, 'data.mdb'), `${place}/data.mdb`)
  const origin = await keepOrigin(options, keep)
  return { files, origin }
}

/** Whether a file is not there because the log begins after it by now (`prediction_log.keep`). */
const isRemoved = async (
  { source, log }: BackupOptions,
  error: unknown,
  last: number | undefined,
): Promise<boolean> => {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || last === undefined) return false
  return last < (await readLogBeginning(source.readLog(log))).first
}

/**
 * Snapshots of the states beside the log. After the documents: the one that the log begins with by what they
 * say is still there.
 */
const keepSnapshots = async (
  options: BackupOptions,
  store: PartStore,
  earlier: ReadonlyMap<string, BackupFile>,
  files: BackupFile[],
): Promise<void> => {
  await keepSnapshotsIn(options, '', store, earlier, files)
  for (const folder of await branchFolders(options.log))
    await keepSnapshotsIn(options, `branches/${basename(folder)}/`, store, earlier, files)
}

/** @param under where they lie in the folder of the log, with a slash after it; empty: in itself */
const keepSnapshotsIn = async (
  { log }: BackupOptions,
  under: string,
  store: PartStore,
  earlier: ReadonlyMap<string, BackupFile>,
  files: BackupFile[],
): Promise<void> => {
  for (const { name, folder, manifest } of usable(await listSnapshots(join(log, under)))) {
    const own: BackupFile[] = []
    try {
      for (const [file, { sha256 }] of [
        ...Object.entries(manifest.files),
        [SNAPSHOT_MANIFEST, { sha256: '' }],
      ] as const) {
        const path = `log/${under}snapshots/${name}/${file}`
        const known = earlier.get(path)
        const isKept = known !== undefined && known.sha256 === sha256 && (await store.has(known))
        const kept = isKept ? store.reuse(known) : await store.keepFile(join(folder, file), path)
        if (sha256 !== '' && kept.sha256 !== sha256)
          throw new VigiaError('BACKUP_SOURCE_DAMAGED', {
            folder: log,
            file: `${under}snapshots/${name}/${file}`,
            reason: `its SHA-256 is ${kept.sha256}, and it was written with ${sha256}`,
          })
        own.push(kept)
      }
    } catch (error) {
      // It was superfluous, and went at this moment.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      continue
    }
    files.push(...own)
  }
}

/** A file of the archive, whose contents the catalog knows. @throws BACKUP_SOURCE_DAMAGED */
const keepArchived = async (
  log: string,
  name: string,
  catalogued: CatalogFile | undefined,
  store: PartStore,
  earlier: ReadonlyMap<string, BackupFile>,
): Promise<BackupFile> => {
  const path = `log/${name}`
  const source = join(log, name)
  const known = earlier.get(path)
  const damaged = (reason: string) =>
    new VigiaError('BACKUP_SOURCE_DAMAGED', { folder: log, file: name, reason })
  const { size } = await stat(source)
  if (catalogued?.sha256 !== undefined && size !== catalogued.bytes)
    throw damaged(`it has ${size} bytes, and was written with ${catalogued.bytes}`)
  if (known !== undefined && known.sha256 === catalogued?.sha256 && (await store.has(known)))
    return store.reuse(known)
  const kept = await store.keepFile(source, path)
  if (catalogued?.sha256 !== undefined && kept.sha256 !== catalogued.sha256)
    throw damaged(`its SHA-256 is ${kept.sha256}, and it was written with ${catalogued.sha256}`)
  return kept
}

/** States that the log began with, from which `vigia parity` and a restored shared store begin. */
const keepOrigin = async (
  { source, log }: BackupOptions,
  keep: (source: string, path: string) => Promise<void>,
): Promise<BackupManifest['origin']> => {
  const text = await source.readLog(log).readDocument(ORIGIN_DOCUMENT)
  if (text === undefined) return 'none'
  const { folder } = JSON.parse(text) as StoreOrigin
  const names = await filesIn(folder)
  if (!names.includes('states.json')) return 'missing'
  for (const name of names) await keep(join(folder, name), `origin/${name}`)
  return 'kept'
}
