import type { FastifyReply, FastifyRequest } from 'fastify'
import { VigiaError } from '../../errors.ts'
import type { App } from '../dependencies.ts'
import type { ServingMetrics } from '../metrics/serving-metrics.ts'
import { type ApiKey, findKey, type Scope, secretOf } from './api-keys.ts'
import type { Load } from './load.ts'

interface GuardParts {
  readonly keys: readonly ApiKey[]
  readonly load: Load
  readonly metrics: ServingMetrics
  readonly isTls: boolean
}

type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void

/** What every answer says to browsers: it is data, for nobody else, and not to be kept. */
const SAFE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

const REASONS = {
  requests_in_flight: 'as many requests are in work as are allowed (limits.requests_in_flight)',
  event_loop_delay: 'it answers later than is allowed (limits.event_loop_delay)',
} as const

/** The first thing that a request meets. Synchronous, and made once for each route. */
export const createGuard = (app: App, { keys, load, metrics, isTls }: GuardParts) => {
  let isClosing = false
  app.addHook('preClose', (done) => {
    isClosing = true
    done()
  })
  const headers = isTls ? { ...SAFE_HEADERS, 'strict-transport-security': 'max-age=31536000' } : SAFE_HEADERS
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })
  const refusalOf = (request: FastifyRequest, scope: Scope): VigiaError | undefined => {
    const secret = secretOf(request.headers)
    if (secret === undefined) return new VigiaError('REQUEST_KEY_MISSING', {})
    const caller = findKey(keys, secret)
    if (caller === undefined) return new VigiaError('REQUEST_KEY_UNKNOWN', {})
    request.caller = caller
    return caller.scopes.has(scope)
      ? undefined
      : new VigiaError('REQUEST_SCOPE_MISSING', { name: caller.name, scope })
  }
  const forRoute =
    (scope: Scope | undefined, isExempt: boolean): Hook =>
    (request, reply, done) => {
      if (!isExempt) {
        if (isClosing) return done(new VigiaError('SERVING_CLOSING', {}))
        const { reason } = load
        if (reason !== undefined) {
          metrics.countShed(reason)
          return done(new VigiaError('SERVING_OVERLOADED', { reason: REASONS[reason] }))
        }
        load.enter(reply.raw)
      }
      if (scope !== undefined && keys.length > 0) {
        const refusal = refusalOf(request, scope)
        if (refusal !== undefined) return done(refusal)
      }
      const coding = request.headers['content-encoding']
      if (coding !== undefined && coding !== 'identity')
        return done(
          new VigiaError('REQUEST_MEDIA_TYPE', {
            got: `a compressed body (${coding.slice(0, 40)})`,
            allowed: 'a plain one',
          }),
        )
      done()
    }
  return { forRoute }
}
