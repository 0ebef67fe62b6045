import { setTimeout as wait } from 'node:timers/promises'
import { VigiaError } from '../../errors.ts'
import type { BackupTarget, KeptBlob } from '../../ports/backup-target.ts'
import { encodePart, queryText, type S3Credentials, signS3Request } from './sign-s3-request.ts'

/** A place in an object store that speaks S3's language. */
export interface S3Place {
  readonly bucket: string
  /** Before every key; empty, or ends with `/`. */
  readonly prefix: string
  /** `https://s3.eu-west-1.amazonaws.com`, or that of another store. */
  readonly endpoint: URL
  /** Whether the bucket is part of the path, as most stores but Amazon's want it, or of the host. */
  readonly isPathStyle: boolean
}

/** Pauses between attempts at a request, in milliseconds: a store that is busy answers 503. */
const PAUSES_MS = [200, 1000, 5000]
/** An answer that takes longer is none. */
const LIMIT_MS = 120_000

/** Backups in a bucket. Each request is signed, and tried again when it may succeed then. */
export const s3Target = (place: S3Place, credentials: S3Credentials): BackupTarget => {
  const name = `s3://${place.bucket}/${place.prefix}`
  const failed = (reason: string, cause?: unknown): VigiaError =>
    new VigiaError('BACKUP_TARGET_FAILED', { target: name, reason }, { cause })

  const once = async (method: string, key: string, query: Query, body: Uint8Array): Promise<Response> => {
    const { host, protocol } = hostOf(place)
    const path = pathOf(place, key)
    const headers = signS3Request({ method, host, path, query, body }, credentials, new Date())
    const search = queryText(query)
    return fetch(`${protocol}//${host}${path}${search === '' ? '' : `?${search}`}`, {
      method,
      headers,
      ...(method === 'PUT' && { body: body as Uint8Array<ArrayBuffer> }),
      signal: AbortSignal.timeout(LIMIT_MS),
      // To another host the signature would be wrong.
      redirect: 'manual',
    })
  }

  /** @returns the answer, or undefined for 404 */
  const send = async (
    method: string,
    key: string,
    query: Query = {},
    body: Uint8Array = NOTHING,
  ): Promise<Uint8Array | undefined> => {
    for (let attempt = 0; ; attempt++) {
      let problem: VigiaError
      try {
        const response = await once(method, key, query, body)
        const bytes = new Uint8Array(await response.arrayBuffer())
        if (response.ok) return bytes
        const text = new TextDecoder().decode(bytes)
        const code = textOf(text, 'Code')
        if (response.status === 404 && code !== 'NoSuchBucket') return undefined
        const message = textOf(text, 'Message') ?? ''
        problem = failed(`${method} ${key} was answered ${response.status} ${code ?? ''} ${message}`.trim())
        if (response.status < 500 && response.status !== 429) throw problem
      } catch (error) {
        if (error instanceof VigiaError) throw error
        const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
        problem = failed(`${method} ${key}: ${error instanceof Error ? error.message : error}${cause}`, error)
      }
      const pause = PAUSES_MS[attempt]
      if (pause === undefined) throw problem
      await wait(pause)
    }
  }

  return {
    name,
    put: async (key, bytes) => {
      if ((await send('PUT', key, {}, bytes)) === undefined) throw failed(`PUT ${key} was answered 404`)
    },
    get: (key) => send('GET', key),
    list: (prefix) => listAll(place, prefix, async (query) => (await send('GET', '', query)) ?? NOTHING),
    remove: async (key) => void (await send('DELETE', key)),
  }
}

type Query = Readonly<Record<string, string>>

const NOTHING = new Uint8Array(0)

const hostOf = ({ bucket, endpoint, isPathStyle }: S3Place): { host: string; protocol: string } => ({
  host: isPathStyle ? endpoint.host : `${bucket}.${endpoint.host}`,
  protocol: endpoint.protocol,
})

/** Of a key; of the bucket for the empty one. */
const pathOf = ({ bucket, prefix, endpoint, isPathStyle }: S3Place, key: string): string => {
  const base = endpoint.pathname.replace(/\/$/, '')
  const parts = [...(isPathStyle ? [bucket] : []), ...(key === '' ? [''] : `${prefix}${key}`.split('/'))]
  return `${base}/${parts.map(encodePart).join('/')}`
}

/** Keys come a thousand at a time. */
const listAll = async (
  { prefix: own }: S3Place,
  prefix: string,
  page: (query: Query) => Promise<Uint8Array>,
): Promise<KeptBlob[]> => {
  const found: KeptBlob[] = []
  let token: string | undefined
  do {
    const text = new TextDecoder().decode(
      await page({
        'list-type': '2',
        prefix: `${own}${prefix}`,
        ...(token !== undefined && { 'continuation-token': token }),
      }),
    )
    for (const [, content = ''] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs))
      found.push({
        key: (textOf(content, 'Key') ?? '').slice(own.length),
        bytes: Number(textOf(content, 'Size')),
      })
    token = textOf(text, 'IsTruncated') === 'true' ? textOf(text, 'NextContinuationToken') : undefined
  } while (token !== undefined)
  return found
}

/** Text of the first element of that name. */
const textOf = (xml: string, element: string): string | undefined =>
  new RegExp(`<${element}>([^<]*)</${element}>`)
    .exec(xml)?.[1]
    ?.replace(/&(lt|gt|quot|apos|amp|#13|#10);/g, (_, name: string) => ENTITIES[name]!)

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
  '#13': '\r',
  '#10': '\n',
}
