import { closeSync, fsyncSync, openSync } from 'node:fs'

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
