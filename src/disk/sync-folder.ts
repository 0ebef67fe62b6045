import { closeSync, fsyncSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'

/** Brings the names in a folder to the disk: a file that was made there is there after a power failure. */
export const syncFolder = (folder: string): void => {
  // Windows opens no folders, and has nothing of the kind.
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** The same where nobody must wait for it meanwhile. */
export const syncFolderAsync = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
