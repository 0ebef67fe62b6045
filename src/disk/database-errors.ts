import { VigiaError } from '../errors.ts'

/** What was being done, for the message: `reading transactions.csv`. */
export interface Activity {
  readonly activity: string
  /** The file being read or written. */
  readonly path: string
  /** As `source.format` names it. */
  readonly format: string
  readonly encoding?: string
}

const ENCODINGS = 'utf-8, latin-1, utf-16'

/**
 * `error` of DuckDB or of the file system as an error of the registry; an error of the registry stays what it
 * is.
 */
export const asDatasetError = (error: unknown, activity: Activity): VigiaError => {
  if (error instanceof VigiaError) return error
  const text = error instanceof Error ? error.message : String(error)
  const reason = text.split('\n')[0] ?? text
  const options = { cause: error }
  const { path, format } = activity
  if (/INTERRUPT/i.test(reason))
    return new VigiaError('INTERRUPTED', { activity: activity.activity }, options)
  if (/no space left|ENOSPC|disk.*full/i.test(text))
    return new VigiaError('DATASET_NO_SPACE', { path }, options)
  if (/out of memory|failed to (allocate|pin)|max_temp_directory_size/i.test(text))
    return new VigiaError('DATASET_OUT_OF_MEMORY', { activity: activity.activity, reason }, options)
  if (/gzip|zlib|zstd|miniz|decompress|deflate/i.test(text))
    return new VigiaError('DATASET_COMPRESSION_BROKEN', { path, reason }, options)
  if (/not utf-?(8|16) encoded|invalid (unicode|encoding)|byte sequence/i.test(text))
    return new VigiaError(
      'DATASET_ENCODING',
      { path, encoding: activity.encoding ?? 'utf-8', allowed: ENCODINGS },
      options,
    )
  if (/permission denied|EACCES|EPERM/i.test(text))
    return new VigiaError('DATASET_NOT_READABLE', { path, reason }, options)
  if (/magic bytes|parquet|thrift|snappy|not a valid/i.test(text))
    return new VigiaError('DATASET_FORMAT_BROKEN', { path, format, reason }, options)
  return new VigiaError('DATASET_QUERY_FAILED', { activity: activity.activity, reason }, options)
}
