import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { VigiaError } from '../errors.ts'
import { asDatasetError } from './database-errors.ts'

/**
 * Lets `write` fill a temporary file beside `path` and puts it in place only when it is whole; otherwise
 * removes it.
 *
 * @throws DATASET_NOT_WRITABLE, DATASET_NO_SPACE, and what `write` throws
 */
export const writeAtomically = async <T>(
  path: string,
  write: (temporaryPath: string) => Promise<T>,
): Promise<T> => {
  const temporary = `${path}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    const result = await write(temporary)
    await rename(temporary, path)
    return result
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    if (
      error instanceof Error &&
      /EACCES|EPERM|EROFS|EISDIR|ENOTDIR|cannot open file|permission denied/i.test(error.message)
    )
      throw new VigiaError(
        'DATASET_NOT_WRITABLE',
        // Under the name that was asked for, not the temporary one.
        { path, reason: (error.message.split('\n')[0] ?? '').replaceAll(temporary, path) },
        { cause: error },
      )
    throw asDatasetError(error, { activity: `writing ${path}`, path, format: 'parquet' })
  }
}

/** Writes `text` as UTF-8, whole or not at all. @throws DATASET_NOT_WRITABLE, DATASET_NO_SPACE */
export const writeTextAtomically = (path: string, text: string): Promise<void> =>
  writeAtomically(path, (temporary) => writeFile(temporary, text))
