import type { DescMessage, JsonValue, MessageShape } from '@bufbuild/protobuf'
import { create, fromJson } from '@bufbuild/protobuf'
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect'
import { VigiaError } from '../../errors.ts'
import { asVigiaError, textErrorBody } from '../error-answers.ts'
import { JSON_LENGTH, OCTET_STREAM } from '../inference/infer-bodies.ts'
import { inferAnswerOf, inferBodyOf } from './infer-call.ts'
import { HEALTH, INFERENCE, type ModelInferRequest } from './services.ts'

/** A request of the HTTP API. */
export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** Its answer. */
export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
}

/** Asks the HTTP API of this very server, without a connection. */
export type AskHttp = (asked: Asked, from: Pick<HandlerContext, 'values'>) => Promise<Answered>

/** How a call is answered by the HTTP API. */
export interface Call {
  readonly ask: (message: never) => Omit<Asked, 'headers'> & Partial<Pick<Asked, 'headers'>>
  /** What a key must be allowed to do, as at the route; undefined: anybody may ask, under load too. */
  readonly scope?: 'predict' | 'read'
  /** Statuses that are answers, not errors. */
  readonly answers?: readonly number[]
  readonly read?: (schema: DescMessage, answered: Answered) => MessageShape<DescMessage>
}

interface Named {
  readonly name: string
  /** Empty: any. */
  readonly version: string
}

const get = (path: string) => ({ method: 'GET', path }) as const

/** @throws SERVING_MODEL_UNKNOWN for what would be another path */
const pathOf = ({ name, version }: Named): string => {
  for (const part of [name, version])
    if (/^\.{1,2}$/.test(part) || (name === '' && part === name))
      throw new VigiaError('SERVING_MODEL_UNKNOWN', {
        got: JSON.stringify(part),
        allowed: 'a name and a version',
      })
  return `/v2/models/${encodeURIComponent(name)}${version === '' ? '' : `/versions/${encodeURIComponent(version)}`}`
}

/** The JSON of an answer as the message of the same fields; those that the protocol has not are left out. */
const readJson = (schema: DescMessage, json: JsonValue): MessageShape<DescMessage> =>
  fromJson(schema, json, { ignoreUnknownFields: true })

const jsonOf = ({ body }: Answered): JsonValue => JSON.parse(body.toString()) as JsonValue

/** Not ready is an answer. */
const READINESS = [200, 503]

/** The calls of `GRPCInferenceService`, by their local names. */
export const INFERENCE_CALLS: Readonly<Record<string, Call>> = {
  serverLive: { ask: () => get('/v2/health/live') },
  serverReady: { ask: () => get('/v2/health/ready'), answers: READINESS },
  modelReady: { ask: (named: Named) => get(`${pathOf(named)}/ready`), answers: READINESS },
  serverMetadata: { ask: () => get('/v2') },
  modelMetadata: { scope: 'read', ask: (named: Named) => get(pathOf(named)) },
  modelConfig: {
    scope: 'read',
    ask: (named: Named) => get(`${pathOf(named)}/config`),
    read: (schema, answered) => readJson(schema, { config: jsonOf(answered) }),
  },
  modelStatistics: {
    scope: 'read',
    ask: (named: Named) => get(named.name === '' ? '/v2/models/stats' : `${pathOf(named)}/stats`),
  },
  repositoryIndex: {
    scope: 'read',
    ask: ({ ready }: { readonly ready: boolean }) => ({
      method: 'POST',
      path: '/v2/repository/index',
      body: Buffer.from(JSON.stringify({ ready })),
    }),
    read: (schema, answered) => readJson(schema, { models: jsonOf(answered) }),
  },
  modelInfer: {
    scope: 'predict',
    ask: (request: ModelInferRequest) => {
      const { body, jsonLength } = inferBodyOf(request)
      return {
        method: 'POST',
        path: `${pathOf({ name: request.modelName, version: request.modelVersion })}/infer`,
        headers: { [JSON_LENGTH]: String(jsonLength), 'content-type': OCTET_STREAM },
        body,
      }
    },
    read: (schema, { headers, body }) => inferAnswerOf(schema, headers, body),
  },
}

/** Services whose health is that of the server; the empty name is the server itself. */
const HEALTHY_SERVICES = ['', INFERENCE.typeName, HEALTH.typeName]

/** `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
const SERVING = 1
const NOT_SERVING = 2

/** The calls of `Health`. */
export const HEALTH_CALLS: Readonly<Record<string, Call>> = {
  check: {
    ask: ({ service }: { readonly service: string }) => {
      if (HEALTHY_SERVICES.includes(service)) return get('/v2/health/ready')
      throw new ConnectError(`there is no service ${JSON.stringify(service.slice(0, 100))}`, Code.NotFound)
    },
    answers: READINESS,
    read: (schema, { status }) =>
      create(schema, { status: status === 200 ? SERVING : NOT_SERVING } as Readonly<Record<string, unknown>>),
  },
}

/** A request without content, which the HTTP API refuses whom it lets nothing do of this scope. */
export const anyRequestOf = (scope: Call['scope']) =>
  scope === 'predict' ? ({ method: 'POST', path: '/v2/models/any/infer' } as const) : get('/v2/models/any')

/** What callers say beside the message that the HTTP API reads. */
const PASSED_ON = ['authorization', 'x-api-key', 'traceparent', 'x-forwarded-for', 'user-agent']

export const passedOn = (headerOf: (name: string) => unknown): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = headerOf(name)
      return typeof value === 'string' ? [[name, value] as const] : []
    }),
  )

/** What the HTTP API says beside the body, as metadata. */
const TOLD_BACK = ['x-request-id', 'traceparent', 'retry-after']

/** Tells it. @returns `told` */
const tellBack = ({ headers }: Answered, told: Headers): Headers => {
  for (const name of TOLD_BACK) if (headers[name] !== undefined) told.set(name, String(headers[name]))
  return told
}

/** The error that an answer over HTTP is. */
export const errorOf = (answered: Answered): ConnectError =>
  new ConnectError(cut(textOf(answered)), codeOf(answered.status), tellBack(answered, new Headers()))

/**
 * Makes a call one of the HTTP API, so that keys, limits, logs and metrics are the same whichever way a
 * request comes in.
 *
 * @param countError told of errors that are found before the HTTP API is asked
 */
export const answerCall =
  (call: Call, output: DescMessage, askHttp: AskHttp, countError: (code: string) => void) =>
  async (message: unknown, context: HandlerContext): Promise<MessageShape<DescMessage>> => {
    const asked = askOf(call, message, countError)
    const headers = { ...asked.headers, ...passedOn((name) => context.requestHeader.get(name)) }
    const answered = await askHttp({ ...asked, headers }, context)
    if (!(call.answers ?? [200]).includes(answered.status)) throw errorOf(answered)
    tellBack(answered, context.responseHeader)
    return call.read?.(output, answered) ?? readJson(output, jsonOf(answered))
  }

const askOf = ({ ask }: Call, message: unknown, countError: (code: string) => void) => {
  try {
    return ask(message as never)
  } catch (cause) {
    if (cause instanceof ConnectError) throw cause
    const error = asVigiaError(cause)
    countError(error.code)
    throw new ConnectError(cut(textErrorBody(error).error), codeOf(error.status), undefined, undefined, cause)
  }
}

/** Clients refuse headers of more than 8 KiB, with an error of their own. */
const MOST_ENCODED = 6000

/** A text that fits into `grpc-message`, where many signs take three bytes and more. */
const cut = (text: string): string => {
  const bytes = Buffer.from(text)
  for (let most = MOST_ENCODED; ; most /= 2) {
    const kept = bytes.subarray(0, most).toString()
    if (encodeURIComponent(kept).length <= MOST_ENCODED)
      return bytes.length <= most ? kept : `${kept}… (and more)`
  }
}

/** The text of an error, as routes below /v2 answer it. */
const textOf = ({ body }: Answered): string => {
  const { error } = JSON.parse(body.toString()) as { readonly error?: unknown }
  return typeof error === 'string' ? error : body.toString()
}

const CODES: ReadonlyMap<number, Code> = new Map([
  [400, Code.InvalidArgument],
  [401, Code.Unauthenticated],
  [403, Code.PermissionDenied],
  [404, Code.NotFound],
  [408, Code.DeadlineExceeded],
  [409, Code.AlreadyExists],
  [413, Code.ResourceExhausted],
  [415, Code.InvalidArgument],
  [422, Code.InvalidArgument],
  [429, Code.ResourceExhausted],
  [503, Code.Unavailable],
  [507, Code.ResourceExhausted],
])

/** What gRPC calls an HTTP status. */
const codeOf = (status: number): Code => CODES.get(status) ?? Code.Internal
