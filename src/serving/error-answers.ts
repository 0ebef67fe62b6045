import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { VigiaError } from '../errors.ts'
import { type FieldProblem, RequestProblemsError } from '../transaction/request-problem.ts'
import type { App } from './dependencies.ts'

/** The one shape of every error that is answered. */
export interface ErrorBody {
  readonly code: string
  readonly message: string
  /** What to do next. */
  readonly fix: string
  readonly request_id?: string
  readonly problems?: readonly FieldProblem[]
}

/** A deliberate error as it is; anything else as SERVING_UNEXPECTED, which says nothing of what happened. */
export const asVigiaError = (error: unknown): VigiaError => {
  if (error instanceof VigiaError) return error
  const { code, statusCode, message } = (error ?? {}) as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new VigiaError('REQUEST_MEDIA_TYPE', { got: 'another type, or none', allowed: 'application/json' })
  if (statusCode === 413)
    return new VigiaError('REQUEST_TOO_LARGE', { what: 'The body', limit: 'limits.body_size' })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new VigiaError('REQUEST_MALFORMED', { reason: String(message) })
  return new VigiaError('SERVING_UNEXPECTED', {}, { cause: error })
}

export const errorBody = (error: VigiaError, requestId?: string): ErrorBody => {
  const { code, message, fix } = error
  return {
    code,
    message,
    fix,
    ...(requestId !== undefined && { request_id: requestId }),
    ...(error instanceof RequestProblemsError && { problems: error.problems }),
  }
}

/**
 * What a client should wait before it sends the same again, in seconds; undefined when that would not help.
 */
const retryAfterOf = (error: VigiaError): string | undefined => (error.status === 503 ? '1' : undefined)

const JSON_IN_UTF8 = 'application/json; charset=utf-8'

/** How errors become answers; groups of routes with a protocol of their own give another `bodyOf`. */
export const answerErrors =
  (bodyOf: (error: VigiaError, request: FastifyRequest) => unknown, type = JSON_IN_UTF8) =>
  (cause: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = asVigiaError(cause)
    request.server.countError(error.code)
    if (error.status >= 500) logFailure(error, cause, request)
    const retryAfter = retryAfterOf(error)
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    if (error.status === 401) reply.header('www-authenticate', 'Bearer')
    reply.code(error.status).type(type).serializer(JSON.stringify).send(bodyOf(error, request))
  }

const logFailure = (error: VigiaError, cause: unknown, request: FastifyRequest): void => {
  const names = { request_id: request.id, code: error.code }
  if (error.code === 'SERVING_UNEXPECTED') request.log.error({ ...names, err: cause }, 'unexpected failure')
  else if (error.code !== 'SERVING_OVERLOADED')
    request.log.warn({ ...names, reason: error.message }, 'request failed')
}

/** The error of one row of a request, which is counted; one that nobody expected is logged. Rows from 1. */
export const rowError = (cause: unknown, request: FastifyRequest, line: number): ErrorBody => {
  const error = asVigiaError(cause)
  request.server.countError(error.code)
  if (error.code === 'SERVING_UNEXPECTED')
    request.log.error({ request_id: request.id, line, err: cause }, 'unexpected failure')
  return errorBody(error)
}

/** Vigía's own shape: `{error: {...}}`. */
export const vigiaErrorBody = (
  error: VigiaError,
  request: FastifyRequest,
): { readonly error: ErrorBody } => ({
  error: errorBody(error, request.id),
})

/** What happened and what to do next, as sentences. */
export const sentencesOf = ({ message, fix }: Pick<VigiaError, 'message' | 'fix'>): string =>
  `${message}${/[.!?:]$/.test(message) ? '' : '.'} ${fix}`

/** The shape of the Open Inference Protocol and of KServe: a text. */
export const textErrorBody = (error: VigiaError): { readonly error: string } => ({
  error: `${error.code}: ${sentencesOf(error)}`,
})

/** Errors as clients of KServe show them: they read only what is of this very type. */
export const answerTextErrors = answerErrors(textErrorBody, 'application/json')

/** Whether all errors below a path are texts: /v1 and /v2. */
export const hasTextErrors = (url: string | undefined): boolean => /^\/v[12]([/?]|$)/.test(url ?? '')

const answerOwnErrors = answerErrors(vigiaErrorBody)

/** Errors of requests that found no route of a protocol, in the shape of the one that they are below. */
export const answerAnyErrors = (error: unknown, request: FastifyRequest, reply: FastifyReply): void =>
  (hasTextErrors(request.url) ? answerTextErrors : answerOwnErrors)(error, request, reply)

/** Answers unknown paths and methods. `started` and `finished` are called for each. */
export const addMissingRoutes = (
  app: App,
  started: (request: FastifyRequest, reply: FastifyReply) => void,
  finished: (request: FastifyRequest, reply: FastifyReply) => void,
): void => {
  const routes: { readonly segments: readonly string[]; readonly methods: Set<string> }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const segments = url.split('/')
    const known = routes.find((route) => route.segments.join('/') === url)
    const methods = known?.methods ?? new Set<string>()
    for (const name of [method].flat()) methods.add(name)
    if (known === undefined) routes.push({ segments, methods })
  })
  const missing = (request: FastifyRequest, reply: FastifyReply): VigiaError => {
    const path = request.url.split('?', 1)[0] ?? ''
    const segments = path.split('/')
    const found = routes.filter((route) => matches(route.segments, segments))
    // A verb behind a parameter is no part of its value.
    const verbs = found.filter((route) => route.segments.at(-1)?.includes('::') === true)
    const allowed = new Set((verbs.length > 0 ? verbs : found).flatMap(({ methods }) => [...methods]))
    started(request, reply)
    reply.raw.once('finish', () => finished(request, reply))
    if (allowed.size === 0) return new VigiaError('REQUEST_ROUTE_UNKNOWN', { path: path.slice(0, 200) })
    const names = [...allowed].sort().join(', ')
    reply.header('allow', names)
    const { method } = request
    return new VigiaError('REQUEST_METHOD_NOT_ALLOWED', { path: path.slice(0, 200), method, allowed: names })
  }
  // Before the body is validated.
  app.addHook('onRequest', (request, reply, done) =>
    done(request.is404 ? missing(request, reply) : undefined),
  )
}

const matches = (route: readonly string[], path: readonly string[]): boolean =>
  route.length === path.length &&
  route.every((segment, index) => {
    // A parameter, and behind two colons what must follow it: `:model(.+)::predict`.
    const [name = '', verb] = segment.split('::')
    const sent = path[index]!
    return (
      segment === sent ||
      (name.startsWith(':') && sent !== '' && (verb === undefined || sent.endsWith(`:${verb}`)))
    )
  })
