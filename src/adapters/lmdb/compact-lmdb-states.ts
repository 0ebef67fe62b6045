import { mkdir, open as openFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { open } from 'lmdb'
import { type FolderOwner, holdFolder } from '../../disk/folder-lock.ts'
import { syncFolderAsync } from '../../disk/sync-folder.ts'
import { MOST_DATABASES } from './lmdb-databases.ts'

const FILE = 'data.mdb'

/**
 * Writes the states in `folder`, which nobody has open, anew without the pages that nothing uses. A store
 * that was filled with much that was removed again has so many of them that each transaction goes through
 * their list for longer than it writes.
 *
 * The file is there as it was, or as it becomes, whenever the process ends.
 *
 * @throws SERVING_FOLDER_IN_USE, what LMDB says
 */
export const compactLmdbStates = async (folder: string, owner: FolderOwner): Promise<void> => {
  const lease = await holdFolder(folder, owner)
  const draft = join(folder, '.compacting')
  try {
    await rm(draft, { recursive: true, force: true })
    await mkdir(draft)
    const source = open({ path: folder, maxDbs: MOST_DATABASES, noSubdir: false, readOnly: true })
    try {
      await source.backup(draft, true)
    } finally {
      await source.close()
    }
    const file = await openFile(join(draft, FILE), 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
    lease.check()
    await rename(join(draft, FILE), join(folder, FILE))
    await syncFolderAsync(folder)
  } finally {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined)
    lease.release()
  }
}
