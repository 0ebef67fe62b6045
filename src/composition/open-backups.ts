import { isAbsolute, resolve } from 'node:path'
import { folderTarget } from '../adapters/backup/folder-target.ts'
import { s3Target } from '../adapters/backup/s3-target.ts'
import { copySegments } from '../adapters/segments/copy-segments.ts'
import { openLogReader } from '../adapters/segments/segment-files.ts'
import { VigiaError } from '../errors.ts'
import type { BackupSource } from '../ports/backup-source.ts'
import type { BackupTarget } from '../ports/backup-target.ts'

/** What `vigia backup` copies from. */
export const backupSource: BackupSource = {
  copyStates: async (folder, to) => {
    const { copyLmdbStates } = await import('../adapters/lmdb/copy-lmdb-states.ts')
    return copyLmdbStates(folder, to).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      throw new VigiaError('SERVING_STORE_FAILED', { store: folder, reason }, { cause: error })
    })
  },
  copySegments,
  readLog: openLogReader,
}

/**
 * A folder, or `s3://bucket/prefix` with what AWS's own tools take from the environment: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL.
 *
 * @throws BACKUP_TARGET_INVALID
 */
export const openBackupTarget = (
  target: string,
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): BackupTarget => {
  const invalid = (reason: string) => new VigiaError('BACKUP_TARGET_INVALID', { target, reason })
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]+):\/\/(.*)$/i.exec(target) ?? []
  if (scheme === undefined)
    return folderTarget(isAbsolute(target) ? target : resolve(workingDirectory, target))
  if (scheme !== 's3') throw invalid(`nothing is kept by ${scheme}://`)
  const [bucket = '', ...parts] = rest.split('/')
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) throw invalid(`"${bucket}" is no name of a bucket`)
  const accessKey = environment['AWS_ACCESS_KEY_ID']
  const secretKey = environment['AWS_SECRET_ACCESS_KEY']
  if (!accessKey || !secretKey)
    throw invalid('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the environment')
  const region = environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || 'us-east-1'
  const own = environment['AWS_ENDPOINT_URL_S3'] || environment['AWS_ENDPOINT_URL']
  const prefix = parts.filter((part) => part !== '').join('/')
  return s3Target(
    {
      bucket,
      prefix: prefix === '' ? '' : `${prefix}/`,
      endpoint: endpointOf(own ?? `https://s3.${region}.amazonaws.com`, invalid),
      // A name with a dot has no certificate of Amazon's as a host.
      isPathStyle: own !== undefined || bucket.includes('.'),
    },
    { accessKey, secretKey, region, sessionToken: environment['AWS_SESSION_TOKEN'] || undefined },
  )
}

const endpointOf = (text: string, invalid: (reason: string) => VigiaError): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url
  throw invalid(`AWS_ENDPOINT_URL is "${text}", and no address that begins with https:// or http://`)
}
