import { createHash, randomBytes } from 'node:crypto'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { HttpSettings } from './dependencies.ts'
import { traceIdOf, traceParentOf } from './request-names.ts'

/** Writes one line for each request: never a body, a key, or a path with ids in it. */
export type LogRequest = (
  request: FastifyRequest,
  reply: FastifyReply,
  route: string,
  latencyMs: number,
) => void

/** Undefined when nothing so harmless is logged. */
export const createRequestLog = (
  log: FastifyBaseLogger,
  settings: HttpSettings['log'],
): LogRequest | undefined => {
  if (!['trace', 'debug', 'info'].includes(settings.level)) return undefined
  const nameOf = settings.hash_identifiers ? hashedWith(settings.hash_key) : (text: string) => text
  return (request, reply, route, latencyMs) => {
    const { subject, caller } = request
    const traceParent = traceParentOf(request.headers['traceparent'])
    log.info(
      {
        request_id: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        latency_ms: Math.round(latencyMs * 1000) / 1000,
        trace_id: traceParent && traceIdOf(traceParent),
        caller: caller?.name,
        prediction_id: subject?.predictionId,
        transaction: subject === null ? undefined : nameOf(subject.transactionId),
        user: subject === null ? undefined : nameOf(subject.userId),
      },
      'request',
    )
  }
}

/** The first 16 hexadecimal digits of a keyed hash: enough to find all lines of one user, too few to find the user. */
const hashedWith = (key: string): ((text: string) => string) => {
  const secret = key === '' ? randomBytes(32).toString('hex') : key
  return (text) => createHash('sha256').update(`${secret}\0${text}`).digest('hex').slice(0, 16)
}
