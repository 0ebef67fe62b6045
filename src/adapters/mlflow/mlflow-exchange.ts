import { openAsBlob } from 'node:fs'
import { VigiaError } from '../../errors.ts'
import { retryAfterMs } from './retry-pause.ts'

/** One call of MLflow's interface; `path` lies below the base address: `/api/2.0/mlflow/runs/get`. */
export interface MlflowRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT'
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

/** How the server is reached. */
export interface Line {
  /** Address without credentials. */
  readonly base: string
  /** The header; undefined without credentials. */
  readonly authorization: string | undefined
  /** Longest wait for one answer. */
  readonly timeoutMs: number
  /** Ends what is under way. */
  readonly closing: AbortSignal
}

/**
 * Sends a request once and reads its answer. @throws what is no matter of the network: a local file that
 * cannot be read
 */
export const exchange = async (line: Line, request: SentRequest, consume: Consume): Promise<Outcome> => {
  const blob = request.file === undefined ? undefined : await openAsBlob(request.file)
  const timer = createIdleTimer(line.timeoutMs + (blob?.size ?? 0) / BYTES_PER_MS)
  try {
    const response = await fetch(line.base + request.path + queryOf(request.query), {
      method: request.method,
      redirect: 'manual',
      signal: AbortSignal.any([timer.signal, line.closing]),
      headers: {
        accept: '*/*',
        ...(line.authorization !== undefined && { authorization: line.authorization }),
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
      failure: line.closing.aborted
        ? 'we stopped waiting'
        : timer.signal.aborted
          ? `no answer within ${line.timeoutMs} ms`
          : reasonOf(error),
    }
  } finally {
    timer.stop()
  }
}

/** Slower than 100 kB a second is taken for dead. */
const BYTES_PER_MS = 100

const TRY_AGAIN = new Set([408, 429, 500, 502, 503, 504])

export interface SentRequest extends MlflowRequest {
  /** Local file sent as it is. */
  readonly file?: string
}

export type Outcome = Answered | Refused | Failed

interface Answered {
  readonly kind: 'answered'
  readonly body: unknown
}

interface Refused {
  readonly kind: 'refused'
  readonly refusal: MlflowRefusal
}

/** May be tried again; with a refusal where the server did answer, for when no repetition helps. */
export interface Failed {
  readonly kind: 'failed'
  readonly failure: string
  readonly retryAfterMs?: number
  readonly refusal?: MlflowRefusal
}

export type Consume = (response: Response, timer: IdleTimer) => Promise<Outcome>

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

export const rearming = (timer: IdleTimer) =>
  async function* (chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of chunks) {
      timer.rearm()
      yield chunk
    }
  }

export const readJson =
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
