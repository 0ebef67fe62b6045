import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { AlertDelivery } from '../../ports/alert-channel.ts'
import { retryAfterMs } from '../mlflow/retry-pause.ts'
import { cut, onOneLine } from './alert-text.ts'
import { isInternalAddress } from './internal-addresses.ts'

/** A message for a receiver that speaks HTTP. */
export interface HttpPost {
  readonly url: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** Until the whole answer is there. */
  readonly timeoutMs: number
  /** Texts that must not stand in a reason. */
  readonly secrets: readonly string[]
  /** The address may come from someone whose requests must not reach this network. */
  readonly guard?: AddressGuard
}

/** Keeps requests away from internal addresses. */
export interface AddressGuard {
  /** Hosts, as they stand in the address, that may be internal. */
  readonly allowedHosts: readonly string[]
  /** That of the system when absent. */
  readonly lookup?: typeof systemLookup
}

/** `failed`: no answer came. `forbidden`: nothing was sent, because of the guard or the address itself. */
export type HttpAnswer =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** Without secrets. */
      readonly text: string
      /** 0 where it asked for nothing. */
      readonly retryAfterMs: number
    }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'forbidden'; readonly reason: string }

/**
 * Sends one POST and reads its answer. Redirections are not followed, since nobody has said where to. Never
 * rejects.
 *
 * By Node's own `request` and not by fetch, which cannot be told by which addresses to connect: the guard
 * must see those that the connection is made to, or a name that resolves twice could lead elsewhere the
 * second time.
 */
export const httpPost = async (post: HttpPost): Promise<HttpAnswer> => {
  const safely = (text: string): string => withoutSecrets(text, post.secrets)
  if (!URL.canParse(post.url)) return { kind: 'forbidden', reason: 'its address is no URL' }
  const url = new URL(post.url)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { kind: 'forbidden', reason: 'its address begins with neither https:// nor http://' }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const guard = post.guard?.allowedHosts.includes(host) === true ? undefined : post.guard
  // Addresses that are written out are not looked up.
  if (guard !== undefined && isIP(host) !== 0 && isInternalAddress(host))
    return { kind: 'forbidden', reason: new InternalAddress(host, host).message }
  try {
    const answer = await exchange(url, post, guard)
    return { ...answer, text: safely(answer.text) }
  } catch (error) {
    const kind = error instanceof InternalAddress ? 'forbidden' : 'failed'
    return { kind, reason: cut(onOneLine(safely(reasonOf(error))), LONGEST_REASON) }
  }
}

/** What became of a message, as most receivers say it: 2xx, later (408, 425, 429, 5xx), or never. */
export const deliveryOf = (answer: HttpAnswer, who: string): AlertDelivery => {
  if (answer.kind === 'failed') return { kind: 'retry', reason: `${who}: ${answer.reason}` }
  if (answer.kind === 'forbidden') return { kind: 'refused', reason: `${who}: ${answer.reason}` }
  const { status, text, retryAfterMs: afterMs } = answer
  const reason = `${who} answered ${status} ${cut(onOneLine(text), LONGEST_REASON)}`.trim()
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  if (LATER.has(status) || status >= 500)
    return afterMs > 0 ? { kind: 'retry', reason, afterMs } : { kind: 'retry', reason }
  return { kind: 'refused', reason }
}

const LATER = new Set([408, 425, 429])
const LONGEST_REASON = 300
const LONGEST_ANSWER = 65_536

/** `text` without any of the secrets, plain or as JSON and addresses write them. */
export const withoutSecrets = (text: string, secrets: readonly string[]): string => {
  const written = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ])
  return written
    .filter((secret) => secret.length > 0)
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, '…'), text)
}

interface Exchanged {
  readonly kind: 'answered'
  readonly status: number
  readonly text: string
  readonly retryAfterMs: number
}

const exchange = (url: URL, post: HttpPost, guard: AddressGuard | undefined): Promise<Exchanged> =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const body = Buffer.from(post.body)
    const request: ClientRequest = send(url, {
      method: 'POST',
      // A connection that was made without the guard must not be used again.
      agent: false,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'vigia',
        ...post.headers,
        'content-length': body.length,
      },
      ...(guard !== undefined && { lookup: guardedLookup(guard) }),
    })
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${post.timeoutMs} ms`)),
      post.timeoutMs,
    )
    request.once('close', () => clearTimeout(timer))
    request.once('error', reject)
    request.once('response', (response) => {
      readText(response).then((text) => {
        const { statusCode: status = 0, headers } = response
        const asked = headers['retry-after'] ?? null
        resolve({ kind: 'answered', status, text, retryAfterMs: retryAfterMs(asked, Date.now()) })
      }, reject)
    })
    request.end(body)
  })

const readText = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > LONGEST_ANSWER) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

class InternalAddress extends Error {
  constructor(host: string, address: string) {
    super(
      `${host === address ? address : `${host} is ${address}, which`} is an internal address; allowed_hosts of the channel names hosts that may be`,
    )
  }
}

/** Every address of the name must be public: one that is not shows that the name is no public one. */
const guardedLookup = ({ lookup = systemLookup }: AddressGuard): LookupFunction => {
  return (host, options: LookupOptions, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      const addresses = found as readonly LookupAddress[] | undefined
      const internal = addresses?.find(({ address }) => isInternalAddress(address))
      const [first] = addresses ?? []
      if (error !== null || addresses === undefined) return callback(error, '', 0)
      if (internal !== undefined) return callback(new InternalAddress(host, internal.address), '', 0)
      if (options.all === true) return callback(null, [...addresses])
      return callback(null, first?.address ?? '', first?.family ?? 0)
    })
  }
}

/** The reason hides in the first of several where a name has several addresses. */
const reasonOf = (error: unknown): string => {
  const root = error instanceof AggregateError ? error.errors[0] : error
  return root instanceof Error ? root.message || root.name : String(root)
}
