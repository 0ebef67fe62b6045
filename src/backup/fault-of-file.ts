import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CatalogFile } from '../decisions/log/archive-catalog.ts'
import { sha256OfFile } from '../disk/sha256-of-file.ts'

/** Why a file of the archive in `folder` is not what the catalog says; undefined when it is. */
export const faultOfFile = async (
  folder: string,
  { name, bytes, sha256 }: CatalogFile,
): Promise<string | undefined> => {
  const path = join(folder, name)
  const { size } = await stat(path)
  if (size !== bytes) return `it has ${size} bytes, and was written with ${bytes}`
  if (sha256 === undefined) return undefined
  const got = await sha256OfFile(path)
  return got === sha256 ? undefined : `its SHA-256 is ${got}, and it was written with ${sha256}`
}
