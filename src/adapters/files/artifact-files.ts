import { constants } from 'node:fs'
import { copyFile, cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { VigiaError } from '../../errors.ts'
import type { ArtifactEntry } from '../../ports/experiment-tracker.ts'
import type { StoreFolder } from './store-folder.ts'

/** Copies a file, or a folder file by file, so that each is there whole or not at all. */
export const copyIntoStore = async (store: StoreFolder, from: string, to: string): Promise<void> => {
  if ((await stat(from)).isDirectory()) {
    await mkdir(to, { recursive: true })
    for (const name of await readdir(from)) await copyIntoStore(store, join(from, name), join(to, name))
    return
  }
  const made = store.temporary()
  await mkdir(dirname(to), { recursive: true })
  try {
    await copyFile(from, made, constants.COPYFILE_FICLONE)
    await rename(made, to)
  } catch (error) {
    await rm(made, { force: true })
    throw error
  }
}

/** What lies directly in `folder` of the artifacts. */
export const listFiles = async (root: string, folder: string): Promise<ArtifactEntry[]> => {
  const path = join(root, folder)
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  const listed = await Promise.all(
    entries.map(async (entry): Promise<ArtifactEntry> => {
      const inside = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return { path: inside, isFolder: true }
      return { path: inside, isFolder: false, size: (await stat(join(path, entry.name))).size }
    }),
  )
  return listed.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Copies a file or folder out of the store. @throws TRACKING_NOT_FOUND */
export const copyFromStore = async (
  location: string,
  what: string,
  from: string,
  to: string,
): Promise<void> => {
  if ((await stat(from).catch(() => undefined)) === undefined)
    throw new VigiaError('TRACKING_NOT_FOUND', { location, what })
  await mkdir(dirname(to), { recursive: true })
  await cp(from, to, { recursive: true, errorOnExist: true, force: false })
}
