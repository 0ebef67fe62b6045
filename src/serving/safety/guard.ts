import type { FastifyReply, FastifyRequest } from 'fastify'
import { VigiaError } from '../../errors.ts'
import type { App } from '../dependencies.ts'
import type { ServingMetrics } from '../metrics/serving-metrics.ts'
import { traceParentOf } from '../request-names.ts'
import { type ApiKey, type Scope, secretOf } from './api-keys.ts'
import type { Load } from './load-shedding.ts'

interface GuardParts {
  readonly load: Load
  readonly metrics: ServingMetrics
  readonly isTls: boolean
  /** Whether strangers are kept out by what stands before this server, so that requests need no key. */
  readonly isBehindGuard: boolean
}

/** What says who asks. */
export type CallerHeaders = Parameters<typeof secretOf>[0]

type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void

/** What every answer says to browsers: it is data, for nobody else, and not to be kept. */
const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

const overloaded = (reason: string): VigiaError => new VigiaError('SERVING_OVERLOADED', { reason })

/**
 * Load shedding. Made once: capturing a stack trace costs as much as a decision, and these are returned under
 * overload.
 */
const REFUSALS = {
  closing: new VigiaError('SERVING_CLOSING', {}),
  requests_in_flight: overloaded('as many requests are in work as are allowed (limits.requests_in_flight)'),
  event_loop_delay: overloaded('it answers later than is allowed (limits.event_loop_delay)'),
} as const

/** The first thing that a request meets. */
export interface Guard {
  /** Gives an answer the headers that all of them have. */
  readonly stamp: (request: FastifyRequest, reply: FastifyReply) => void
  /** Why a request of these headers would not be let in; undefined when it would. */
  readonly refusalOf: (
    headers: CallerHeaders,
    scope: Scope | undefined,
    isExempt: boolean,
  ) => VigiaError | undefined
  /** Lets a request in or not; synchronous, and made once for each route. */
  readonly forRoute: (scope: Scope | undefined, isExempt: boolean) => Hook
}

export const createGuard = (app: App, { load, metrics, isTls, isBehindGuard }: GuardParts): Guard => {
  let isClosing = false
  app.addHook('preClose', (done) => {
    isClosing = true
    done()
  })
  const headers = isTls ? { ...SAFE_HEADERS, 'strict-transport-security': 'max-age=31536000' } : SAFE_HEADERS
  const stamp = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers(headers).header('x-request-id', request.id)
    const traceParent = traceParentOf(request.headers['traceparent'])
    if (traceParent !== undefined) reply.header('traceparent', traceParent)
  }
  const refuseLoad = (): VigiaError | undefined => {
    if (isClosing) return REFUSALS.closing
    const { reason } = load
    return reason && REFUSALS[reason]
  }
  const callerOf = (headers: CallerHeaders, scope: Scope): ApiKey | VigiaError | undefined => {
    const secret = secretOf(headers)
    const caller = secret === undefined ? undefined : app.keyRing.find(secret)
    if (caller !== undefined)
      return caller.scopes.has(scope)
        ? caller
        : new VigiaError('REQUEST_SCOPE_MISSING', { name: caller.name, scope })
    // Authorization may be what the platform let the caller in with.
    const isOfPlatform = isBehindGuard && headers['x-api-key'] === undefined
    if (isOfPlatform && scope !== 'admin') return undefined
    return new VigiaError(
      secret === undefined || isOfPlatform ? 'REQUEST_KEY_MISSING' : 'REQUEST_KEY_UNKNOWN',
      {},
    )
  }
  /** Whose key comes with the request, or why it is not let in; undefined: anybody may ask. */
  const admit = (
    headers: CallerHeaders,
    scope: Scope | undefined,
    isExempt: boolean,
  ): ApiKey | VigiaError | undefined => {
    const refused = isExempt ? undefined : refuseLoad()
    const asksForKey = scope !== undefined && (isBehindGuard || !app.keyRing.isEmpty)
    return refused ?? (asksForKey ? callerOf(headers, scope) : undefined)
  }
  const refusalOf: Guard['refusalOf'] = (headers, scope, isExempt) => {
    const admitted = admit(headers, scope, isExempt)
    return admitted instanceof VigiaError ? admitted : undefined
  }
  const forRoute =
    (scope: Scope | undefined, isExempt: boolean): Hook =>
    (request, reply, done) => {
      stamp(request, reply)
      const admitted = admit(request.headers, scope, isExempt)
      if (admitted !== undefined && !(admitted instanceof VigiaError)) request.caller = admitted
      const refusal =
        admitted instanceof VigiaError ? admitted : refuseCoding(request.headers['content-encoding'])
      if (load.reason !== undefined && refusal === REFUSALS[load.reason]) metrics.countShed(load.reason)
      if (refusal !== undefined) {
        done(refusal)
        return
      }
      if (!isExempt) load.enter(reply.raw)
      done()
    }
  return { stamp, refusalOf, forRoute }
}

const refuseCoding = (coding: string | undefined): VigiaError | undefined =>
  coding === undefined || coding === 'identity'
    ? undefined
    : new VigiaError('REQUEST_MEDIA_TYPE', {
        got: `a compressed body (${coding.slice(0, 40)})`,
        allowed: 'a plain one',
      })
