import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderOwner } from '../disk/folder-lock.ts'
import { VigiaError } from '../errors.ts'

const PREFIX = 'vigia-backup-'

/**
 * Makes a folder for copies in `workFolder`. Those of backups that were killed on this host go first: they
 * may be as large as the states. `workFolder` is made where it is missing.
 *
 * @throws CLI_INVALID_ARGUMENT
 */
export const makeStagingFolder = async (workFolder: string, owner: FolderOwner): Promise<string> => {
  const own = `${PREFIX}${owner.host.replace(/[^\w.-]/g, '_')}-`
  for (const name of await namesIn(workFolder)) {
    if (!name.startsWith(own)) continue
    const [, processId = ''] = /^(\d+)-/.exec(name.slice(own.length)) ?? []
    if (processId === '' || owner.isAlive(Number(processId))) continue
    await rm(join(workFolder, name), { recursive: true, force: true })
  }
  return mkdtemp(join(workFolder, `${own}${owner.processId}-`))
}

const namesIn = async (workFolder: string): Promise<string[]> => {
  try {
    await mkdir(workFolder, { recursive: true })
    return await readdir(workFolder)
  } catch (error) {
    const reason = `--work is ${workFolder}, which is no folder to write to: ${(error as Error).message}`
    throw new VigiaError('CLI_INVALID_ARGUMENT', { command: 'backup', reason }, { cause: error })
  }
}
