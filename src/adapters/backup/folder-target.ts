import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import type { BackupTarget, KeptBlob } from '../../ports/backup-target.ts'

/** Keys with this ending are half written, by this process or one that was killed. */
const HALF = '.half'

/** Backups in a folder: a file for each blob, on the disk when `put` resolves. */
export const folderTarget = (folder: string): BackupTarget => {
  const pathOf = (key: string): string => join(folder, ...key.split('/'))
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new VigiaError('BACKUP_TARGET_FAILED', { target: folder, reason }, { cause: error })
    }
  }
  return {
    name: folder,
    folder,
    put: (key, bytes) =>
      guarded(async () => {
        const path = pathOf(key)
        await mkdir(dirname(path), { recursive: true })
        const half = `${path}.${process.pid}${HALF}`
        const file = await open(half, 'w')
        try {
          await file.writeFile(bytes)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(half, path)
      }),
    get: (key) => guarded(() => unlessMissing(readFile(pathOf(key)))),
    list: (prefix) =>
      guarded(async () => {
        const [top = ''] = prefix.split('/')
        const names = (await unlessMissing(readdir(join(folder, top), { recursive: true }))) ?? []
        const found: KeptBlob[] = []
        for (const name of names) {
          const key = `${top}/${name.replaceAll('\\', '/')}`
          if (!key.startsWith(prefix) || key.endsWith(HALF)) continue
          const about = await unlessMissing(stat(pathOf(key)))
          if (about?.isFile() === true) found.push({ key, bytes: about.size })
        }
        return found
      }),
    remove: (key) => guarded(() => rm(pathOf(key), { force: true })),
  }
}

const unlessMissing = async <T>(found: Promise<T>): Promise<T | undefined> => {
  try {
    return await found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
