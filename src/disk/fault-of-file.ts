import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256OfFile } from './sha256-of-file.ts'

/** What is known of a file since it was written. */
export interface WrittenFile {
  /** From its folder. */
  readonly name: string
  readonly bytes: number
  /** Absent where nobody has kept it: only the size is compared then. */
  readonly sha256?: string | undefined
}

/** Why a file in `folder` is not what was written; undefined when it is. */
export const faultOfFile = async (
  folder: string,
  { name, bytes, sha256 }: WrittenFile,
): Promise<string | undefined> => {
  const path = join(folder, name)
  const size = (await stat(path).catch(ofMissing))?.size
  if (size === undefined) return 'it is missing'
  if (size !== bytes) return `it has ${size} bytes, and was written with ${bytes}`
  if (sha256 === undefined) return undefined
  const got = await sha256OfFile(path)
  return got === sha256 ? undefined : `its SHA-256 is ${got}, and it was written with ${sha256}`
}

const ofMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT') return undefined
  throw error
}
