import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { VigiaError } from '../../errors.ts'
import { parseMlflowAddress } from './mlflow-address.ts'
import {
  type Consume,
  exchange,
  type Failed,
  type Line,
  type MlflowRefusal,
  type MlflowRequest,
  type Outcome,
  readJson,
  rearming,
  type SentRequest,
} from './mlflow-exchange.ts'
import { type Pause, retryPauseMs } from './retry-pause.ts'

export type { MlflowRefusal, MlflowRequest } from './mlflow-exchange.ts'

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
  const line: Line = { base, authorization, timeoutMs: options.timeoutMs, closing: closing.signal }
  const refused = (refusal: MlflowRefusal): VigiaError => refusedAt(base, refusal)

  const isLast = (attempt: number): boolean => closing.signal.aborted || attempt >= options.retries

  const pauseBefore = (attempt: number, failure: Failed): Promise<void> =>
    pause(retryPauseMs(attempt, random(), failure.retryAfterMs))

  const send = async (request: SentRequest, consume: Consume): Promise<MlflowAnswer> => {
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await exchange(line, request, consume)
      if (outcome.kind !== 'failed' || isLast(attempt)) return settleAt(base, outcome)
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
        const outcome = await exchange(line, request, readJson(request))
        if (outcome.kind === 'failed') {
          if (!isLast(attempt)) await pauseBefore(attempt, outcome)
          const made = await find(key)
          if (made !== undefined) return made
        }
        if (outcome.kind !== 'failed' || isLast(attempt)) {
          const answer = settleAt(base, outcome)
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

/** The error of a refusal that nobody expected. */
const refusedAt = (base: string, refusal: MlflowRefusal): VigiaError => {
  const { status, errorCode, reason, request } = refusal
  return isUnauthorized(refusal)
    ? new VigiaError('TRACKING_UNAUTHORIZED', { location: base, reason: `${status} ${reason}` })
    : new VigiaError('TRACKING_REFUSED', {
        location: base,
        request,
        reason: `${status}${errorCode && ` ${errorCode}`}: ${reason}`,
      })
}

/** What is answered when no more is tried. @throws TRACKING_UNREACHABLE, TRACKING_UNAUTHORIZED */
const settleAt = (base: string, outcome: Outcome): MlflowAnswer => {
  if (outcome.kind === 'answered') return { body: outcome.body }
  if (outcome.kind === 'failed') {
    if (outcome.refusal === undefined)
      throw new VigiaError('TRACKING_UNREACHABLE', { location: base, reason: outcome.failure })
    return { refusal: outcome.refusal }
  }
  if (isUnauthorized(outcome.refusal)) throw refusedAt(base, outcome.refusal)
  return { refusal: outcome.refusal }
}

/**
 * A server that does not know its own name (`--allowed-hosts`) says 403 too, but no credentials would help.
 */
const isUnauthorized = ({ status, reason }: MlflowRefusal): boolean =>
  status === 401 || (status === 403 && !reason.startsWith('Invalid Host header'))
