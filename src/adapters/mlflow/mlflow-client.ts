import { randomUUID } from 'node:crypto'
import { createWriteStream, openAsBlob } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { VigiaError } from '../../errors.ts'
import { parseMlflowAddress } from './mlflow-address.ts'
import { type Pause, retryAfterMs, retryPauseMs } from './retry-pause.ts'

/** Where the server is and how patient we are with it. */
export interface MlflowClientOptions {
  /** `http(s)://[user:password@]host[:port][/path]` */
  readonly uri: string
  /** Holds the credentials: see `parseMlflowAddress`. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Longest wait for one answer. A file gets a second more for every 100 kB. */
  readonly timeoutMs: number
  /** Times that a request is sent again. */
  readonly retries: number
  /** Waits by the clock when absent. */
  readonly pause?: Pause
  /** From [0, 1), for the pauses; Math.random when absent. */
  readonly random?: () => number
}

/** One call of MLflow's interface; `path` lies below the base address: `/api/2.0/mlflow/runs/get`. */
export interface MlflowRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PUT'
  readonly path: string
  /** undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>
  /** Sent as JSON. */
  readonly body?: object
}

/** What the server said no to, and how. */
export interface MlflowRefusal {
  readonly status: number
  /** MLflow's word, such as RESOURCE_DOES_NOT_EXIST; empty where something before MLflow answered. */
  readonly errorCode: string
  readonly reason: string
  /** `POST /api/2.0/mlflow/runs/create` */
  readonly request: string
}

/** The body of an answer, or the refusal. */
export type MlflowAnswer = { readonly body: unknown } | { readonly refusal: MlflowRefusal }

/**
 * The one place that talks HTTP with an MLflow server.
 *
 * A request is sent again after a lost connection, a timeout and the statuses 408, 429, 500, 502, 503 and
 * 504. After any of these the server may have acted already, so everything but `createOnce` must have the
 * same effect sent twice as sent once.
 *
 * @throws TRACKING_UNREACHABLE when the last repetition failed too (a 500 is TRACKING_REFUSED: the server
 * works, but not with this request); TRACKING_UNAUTHORIZED for 401 and 403
 */
export interface MlflowClient {
  /** Address without credentials. */
  readonly location: string
  /** A refusal is an answer: for callers that expect one. */
  call(request: MlflowRequest): Promise<MlflowAnswer>
  /** The body of the answer. @throws TRACKING_REFUSED */
  ask<Body>(request: MlflowRequest): Promise<Body>
  /**
   * Sends what must not happen twice. `create` makes the request with a key that is new; whenever it is
   * unknown whether the server acted, `find` looks for what bears the key before anything is sent again.
   */
  createOnce<Made>(
    create: (key: string) => MlflowRequest,
    read: (body: unknown) => Made,
    find: (key: string) => Promise<Made | undefined>,
  ): Promise<Made | { readonly refusal: MlflowRefusal }>
  /** Sends a local file of any size as it is. @throws TRACKING_REFUSED */
  upload(localFile: string, path: string): Promise<void>
  /** Writes the answer into a local file. @throws TRACKING_REFUSED */
  download(path: string, localFile: string): Promise<void>
  /** The error of a refusal that nobody expected. */
  refused(refusal: MlflowRefusal): VigiaError
  /**
   * Ends what is under way with TRACKING_UNREACHABLE, so that a silent server keeps no process from ending.
   */
  close(): void
}

/** Nothing is contacted yet. @throws TRACKING_URI_UNSUPPORTED */
export const createMlflowClient = (options: MlflowClientOptions): MlflowClient => {
  const { base, authorization } = parseMlflowAddress(options.uri, options.environment)
  const closing = new AbortController()
  const pause: Pause =
    options.pause ?? ((ms) => wait(ms, undefined, { signal: closing.signal }).catch(() => undefined))
  const random = options.random ?? Math.random

  const sendOnce = async (request: SentRequest, consume: Consume): Promise<Outcome> => {
    const blob = request.file === undefined ? undefined : await openAsBlob(request.file)
    const timer = createIdleTimer(options.timeoutMs + (blob?.size ?? 0) / BYTES_PER_MS)
    try {
      const response = await fetch(base + request.path + queryOf(request.query), {
        method: request.method,
        redirect: 'manual',
        signal: AbortSignal.any([timer.signal, closing.signal]),
        headers: {
          accept: '*/*',
          ...(authorization !== undefined && { authorization }),
          ...(request.body !== undefined && { 'content-type': 'application/json' }),
          ...(blob !== undefined && { 'content-type': 'application/octet-stream' }),
        },
        ...(request.body !== undefined && { body: jsonOf(request) }),
        ...(blob !== undefined && { body: blob }),
      })
      if (response.ok) return await consume(response, timer)
      return outcomeOf(request, response, await response.text())
    } catch (error) {
      if (isOurs(error)) throw error
      return {
        kind: 'failed',
        failure: closing.signal.aborted
          ? 'we stopped waiting'
          : timer.signal.aborted
            ? `no answer within ${options.timeoutMs} ms`
            : reasonOf(error),
      }
    } finally {
      timer.stop()
    }
  }

  const unreachable = (reason: string): VigiaError =>
    new VigiaError('TRACKING_UNREACHABLE', { location: base, reason })

  const refused = (refusal: MlflowRefusal): VigiaError => {
    const { status, errorCode, reason, request } = refusal
    return isUnauthorized(refusal)
      ? new VigiaError('TRACKING_UNAUTHORIZED', { location: base, reason: `${status} ${reason}` })
      : new VigiaError('TRACKING_REFUSED', {
          location: base,
          request,
          reason: `${status}${errorCode && ` ${errorCode}`}: ${reason}`,
        })
  }

  const settle = (outcome: Outcome): MlflowAnswer => {
    if (outcome.kind === 'answered') return { body: outcome.body }
    if (outcome.kind === 'failed') {
      if (outcome.refusal === undefined) throw unreachable(outcome.failure)
      return { refusal: outcome.refusal }
    }
    if (isUnauthorized(outcome.refusal)) throw refused(outcome.refusal)
    return { refusal: outcome.refusal }
  }

  const isLast = (attempt: number): boolean => closing.signal.aborted || attempt >= options.retries

  const pauseBefore = (attempt: number, failure: Failed): Promise<void> =>
    pause(retryPauseMs(attempt, random(), failure.retryAfterMs))

  const send = async (request: SentRequest, consume: Consume): Promise<MlflowAnswer> => {
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await sendOnce(request, consume)
      if (outcome.kind !== 'failed' || isLast(attempt)) return settle(outcome)
      await pauseBefore(attempt, outcome)
    }
  }

  return {
    location: base,
    refused,
    close: () => closing.abort(),
    call: (request) => send(request, readJson(request)),
    async ask<Body>(request: MlflowRequest) {
      const answer = await send(request, readJson(request))
      if ('refusal' in answer) throw refused(answer.refusal)
      return answer.body as Body
    },
    async createOnce(create, read, find) {
      const key = randomUUID()
      const request = create(key)
      for (let attempt = 0; ; attempt += 1) {
        const outcome = await sendOnce(request, readJson(request))
        if (outcome.kind === 'failed') {
          if (!isLast(attempt)) await pauseBefore(attempt, outcome)
          const made = await find(key)
          if (made !== undefined) return made
        }
        if (outcome.kind !== 'failed' || isLast(attempt)) {
          const answer = settle(outcome)
          return 'refusal' in answer ? answer : read(answer.body)
        }
      }
    },
    async upload(localFile, path) {
      const answer = await send({ method: 'PUT', path, file: localFile }, async (response) => {
        await response.arrayBuffer()
        return { kind: 'answered', body: undefined }
      })
      if ('refusal' in answer) throw refused(answer.refusal)
    },
    async download(path, localFile) {
      const answer = await send({ method: 'GET', path }, async (response, timer) => {
        await pipeline(response.body ?? Readable.from([]), rearming(timer), createWriteStream(localFile))
        return { kind: 'answered', body: undefined }
      })
      if ('refusal' in answer) throw refused(answer.refusal)
    },
  }
}

/** Slower than 100 kB a second is taken for dead. */
const BYTES_PER_MS = 100

const TRY_AGAIN = new Set([408, 429, 500, 502, 503, 504])

interface SentRequest extends MlflowRequest {
  /** Local file sent as it is. */
  readonly file?: string
}

type Outcome = Answered | Refused | Failed

interface Answered {
  readonly kind: 'answered'
  readonly body: unknown
}

interface Refused {
  readonly kind: 'refused'
  readonly refusal: MlflowRefusal
}

/** May be tried again; with a refusal where the server did answer, for when no repetition helps. */
interface Failed {
  readonly kind: 'failed'
  readonly failure: string
  readonly retryAfterMs?: number
  readonly refusal?: MlflowRefusal
}

type Consume = (response: Response, timer: IdleTimer) => Promise<Outcome>

interface IdleTimer {
  readonly signal: AbortSignal
  readonly rearm: () => void
  readonly stop: () => void
}

const createIdleTimer = (ms: number): IdleTimer => {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), ms)
  return { signal: controller.signal, rearm: () => timer.refresh(), stop: () => clearTimeout(timer) }
}

const rearming = (timer: IdleTimer) =>
  async function* (chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of chunks) {
      timer.rearm()
      yield chunk
    }
  }

const readJson =
  (request: MlflowRequest): Consume =>
  async (response) => {
    const text = await response.text()
    try {
      return { kind: 'answered', body: JSON.parse(text) }
    } catch {
      // Not sent again: something other than MLflow answers here, and will the next time.
      const reason = `the answer is not JSON, so this is no MLflow server: ${excerpt(text)}`
      return {
        kind: 'refused',
        refusal: { status: response.status, errorCode: '', reason, request: nameOf(request) },
      }
    }
  }

const outcomeOf = (request: MlflowRequest, response: Response, text: string): Outcome => {
  const refusal = refusalOf(request, response, text)
  if (!TRY_AGAIN.has(response.status)) return { kind: 'refused', refusal }
  return {
    kind: 'failed',
    failure: `it answers ${refusal.status} ${refusal.reason}`.trim(),
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), Date.now()),
    ...(response.status === 500 && { refusal }),
  }
}

const refusalOf = (request: MlflowRequest, response: Response, text: string): MlflowRefusal => {
  const target = response.headers.get('location')
  const { error_code: errorCode, message } = parseError(text)
  return {
    status: response.status,
    errorCode: errorCode ?? '',
    reason: target === null ? (message ?? excerpt(text)) : `the server sends us on to ${target}`,
    request: nameOf(request),
  }
}

const parseError = (text: string): { readonly error_code?: string; readonly message?: string } => {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/**
 * A server that does not know its own name (`--allowed-hosts`) says 403 too, but no credentials would help.
 */
const isUnauthorized = ({ status, reason }: MlflowRefusal): boolean =>
  status === 401 || (status === 403 && !reason.startsWith('Invalid Host header'))

const nameOf = ({ method, path }: MlflowRequest): string => `${method} ${path}`

const excerpt = (text: string): string =>
  text
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300)

const queryOf = (query: MlflowRequest['query'] = {}): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? ''
    : `?${given.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&')}`
}

/**
 * fetch hides the reason in the cause, and that in the first of several where a name has several addresses.
 */
const reasonOf = (error: unknown): string => {
  const { cause } = error as { cause?: unknown }
  const root = cause instanceof AggregateError ? cause.errors[0] : (cause ?? error)
  return root instanceof Error ? root.message : String(root)
}

/** Failures that are no matter of the network: of a local file, and of what is to be sent. */
const isOurs = (error: unknown): boolean =>
  error instanceof VigiaError || (error instanceof Error && 'syscall' in error && 'path' in error)

/**
 * What MLflow's parser of JSON cannot take it drops without a word, with all that follows, and answers 200.
 * Half a surrogate pair is such a thing; JSON.stringify writes it as an escape.
 */
const jsonOf = (request: MlflowRequest): string => {
  const json = JSON.stringify(request.body)
  if (!/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(json)) return json
  throw new VigiaError('TRACKING_VALUE_INVALID', {
    what: 'The body of',
    key: nameOf(request),
    reason: 'a text in it holds half of a character (a lone surrogate)',
  })
}
