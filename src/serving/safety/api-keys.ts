import { createHash, timingSafeEqual } from 'node:crypto'
import { VigiaError } from '../../errors.ts'

/** What a key may do. */
export const SCOPES = ['predict', 'feedback', 'read', 'admin', 'metrics'] as const

export type Scope = (typeof SCOPES)[number]

/** A caller that the server knows. */
export interface ApiKey {
  readonly name: string
  /** 32 bytes. */
  readonly sha256: Uint8Array
  readonly scopes: ReadonlySet<Scope>
  /** Undefined: that of `limits.requests_per_minute`. */
  readonly requestsPerMinute?: number
}

/**
 * The keys in the text of a file: a JSON list of `{name, sha256, scopes, requests_per_minute?}`.
 *
 * @throws SERVING_KEYS_INVALID
 */
export const parseApiKeys = (text: string, file: string): readonly ApiKey[] => {
  const invalid = (reason: string) => new VigiaError('SERVING_KEYS_INVALID', { file, reason })
  const entries = parsed(text)
  if (!Array.isArray(entries) || entries.length === 0)
    throw invalid('it holds no JSON list with at least one key')
  const names = new Set<string>()
  return entries.map((entry: unknown, index) => {
    const key = readKey(entry)
    if (typeof key === 'string') throw invalid(`key ${index + 1} ${key}`)
    if (names.has(key.name)) throw invalid(`two keys are named ${key.name}`)
    names.add(key.name)
    return key
  })
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A key, or what is wrong with it. */
const readKey = (entry: unknown): ApiKey | string => {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return 'is no object'
  const {
    name,
    sha256,
    scopes,
    requests_per_minute: most,
    ...others
  } = entry as Readonly<Record<string, unknown>>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) return `has the unknown property ${unknown}`
  if (typeof name !== 'string' || !/^[\w.@-]{1,64}$/.test(name))
    return 'has no name of 1 to 64 letters, digits, _, ., @ and -'
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    return `(${name}) has no sha256 of 64 hexadecimal digits`
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every((scope) => SCOPES.includes(scope)))
    return `(${name}) has no scopes of ${SCOPES.join(', ')}`
  if (most !== undefined && !(Number.isInteger(most) && (most as number) >= 0))
    return `(${name}) has requests_per_minute that are no whole number`
  const key = { name, sha256: Buffer.from(sha256, 'hex'), scopes: new Set(scopes as Scope[]) }
  return most === undefined ? key : { ...key, requestsPerMinute: most as number }
}

/**
 * The key that `secret` is; undefined when it is none. Takes equally long for each, so that time says
 * nothing.
 */
export const findKey = (keys: readonly ApiKey[], secret: string): ApiKey | undefined => {
  const hash = createHash('sha256').update(secret).digest()
  let found: ApiKey | undefined
  for (const key of keys) if (timingSafeEqual(key.sha256, hash)) found = key
  return found
}

/**
 * The key that a request brings: `Authorization: Bearer <key>` or `X-API-Key: <key>`; undefined without one.
 */
export const secretOf = (headers: {
  readonly authorization?: string | undefined
  readonly [name: string]: string | string[] | undefined
}): string | undefined => {
  const own = headers['x-api-key']
  if (typeof own === 'string' && own !== '') return own
  const bearer = headers.authorization
  return bearer !== undefined && /^bearer /i.test(bearer) ? bearer.slice(7).trim() || undefined : undefined
}

/** @throws SERVING_KEYS_MISSING when anyone on the network could do anything */
export const assertGuarded = (
  keys: readonly ApiKey[],
  host: string,
  guardedBy: 'keys' | 'platform',
): void => {
  if (guardedBy === 'keys' && keys.length === 0 && !isLoopback(host))
    throw new VigiaError('SERVING_KEYS_MISSING', { host })
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
