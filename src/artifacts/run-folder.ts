import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isAddress } from './model-source.ts'

/** The folder of the run that a source's model came from, where it is a folder. */
export const runFolderOf = async (source: string, workingDirectory: string): Promise<string | undefined> => {
  if (isAddress(source)) return undefined
  const folder = resolve(workingDirectory, source)
  const isRun = (await stat(join(folder, 'package')).catch(() => undefined)) !== undefined
  return isRun ? folder : resolve(folder, '..')
}
