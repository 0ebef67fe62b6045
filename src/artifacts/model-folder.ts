import { readdir, rename, stat } from 'node:fs/promises'
import { VigiaError } from '../errors.ts'

/** Where a folder with a model is made. */
export interface ModelFolderPlace {
  readonly out: string
  /** Whether a model folder that is there may be replaced. */
  readonly replace: boolean
}

/** What a model folder holds, and nothing else. */
const PARTS = ['package', 'states']

/**
 * Checks that a model folder may be made at `out`.
 *
 * @throws DATASET_OUTPUT_EXISTS when there is something and `replace` is false; MODEL_FOLDER_FOREIGN when it
 * is no model folder
 */
export const requireFree = async ({ out, replace }: ModelFolderPlace): Promise<void> => {
  const found = await stat(out).catch(() => undefined)
  if (found === undefined) return
  if (!replace) throw new VigiaError('DATASET_OUTPUT_EXISTS', { path: out })
  const foreign = (reason: string) => new VigiaError('MODEL_FOLDER_FOREIGN', { path: out, reason })
  if (!found.isDirectory()) throw foreign('is no folder')
  const strangers = (await readdir(out)).filter((name) => !PARTS.includes(name))
  if (strangers.length > 0) throw foreign(`holds ${strangers.join(', ')}`)
}

/**
 * Renames the folder `made` to `out`; what was there goes to `replaced`.
 *
 * A folder that is not empty cannot be renamed over. What was there is put back when the new one cannot take
 * its place.
 */
export const putInPlace = async (
  made: string,
  replaced: string,
  { out, replace }: ModelFolderPlace,
): Promise<void> => {
  if (replace) await rename(out, replaced).catch(() => undefined)
  try {
    await rename(made, out)
  } catch (error) {
    await rename(replaced, out).catch(() => undefined)
    throw error
  }
}
