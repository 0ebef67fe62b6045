import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type FolderOwner, holdFolder } from '../../disk/folder-lock.ts'
import { syncFolderAsync } from '../../disk/sync-folder.ts'
import { copyDatabases } from './lmdb-databases.ts'
import { storeFailed } from './store-failed.ts'

const FILE = 'data.mdb'

/**
 * Writes the states in `folder`, which nobody has open, anew without the pages that nothing uses. A store
 * that was filled with much that was removed again has so many of them that each transaction goes through
 * their list for longer than it writes.
 *
 * The file is there as it was, or as it becomes, whenever the process ends.
 *
 * @throws SERVING_FOLDER_IN_USE, SERVING_STORE_FAILED
 */
export const compactLmdbStates = async (folder: string, owner: FolderOwner): Promise<void> => {
  const lease = await holdFolder(folder, owner)
  const draft = join(folder, '.compacting')
  try {
    await rm(draft, { recursive: true, force: true })
    await mkdir(draft)
    await copyDatabases(folder, draft, true)
    const file = await open(join(draft, FILE), 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
    lease.check()
    await rename(join(draft, FILE), join(folder, FILE))
    await syncFolderAsync(folder)
  } catch (error) {
    throw storeFailed(folder, error)
  } finally {
    await rm(draft, { recursive: true, force: true }).catch(() => undefined)
    lease.release()
  }
}
