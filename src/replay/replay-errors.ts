import { asDatasetError } from '../disk/database-errors.ts'
import { VigiaError } from '../errors.ts'
import { asRegistryError } from '../threads/registry-error.ts'

/** The files of a replay, for its messages. */
export interface ReplayFiles {
  readonly prepared: string
  readonly out: string
  readonly statesOut?: string | undefined
}

/**
 * What stopped a replay, as an error of the registry. Whatever thread it comes from: there it was an error of
 * DuckDB, of the file system, or one of the registry, of which a message between threads keeps the details
 * but not the class.
 */
export const asReplayError = (error: unknown, files: ReplayFiles): VigiaError => {
  const known = asRegistryError(error)
  if (known !== undefined) return known
  const text = error instanceof Error ? error.message : String(error)
  const [reason = text] = text.split('\n')
  const activity = 'computing features'
  const written = [files.out, files.statesOut].find((path) => path !== undefined && text.includes(path))
  if (written === undefined) {
    const { prepared } = files
    if (/no files found|ENOENT/i.test(text))
      return new VigiaError('DATASET_PREPARED_MISSING', { path: prepared }, { cause: error })
    return asDatasetError(error, { activity, path: prepared, format: 'parquet' })
  }
  if (/cannot open file|permission denied|ENOENT|EACCES|EPERM|EROFS|EISDIR|ENOTDIR|ENOTEMPTY/i.test(text))
    return new VigiaError('DATASET_NOT_WRITABLE', { path: written, reason }, { cause: error })
  return asDatasetError(error, { activity, path: written, format: 'parquet' })
}
