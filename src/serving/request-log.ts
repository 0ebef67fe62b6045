import { hash, randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpSettings } from './dependencies.ts'
import type { LogStream } from './log-buffer.ts'
import { traceIdOf, traceParentOf } from './request-names.ts'

/** Writes one line for each request of a method to a route: never a body, a key, or a path with ids in it. */
export type LogRequest = (request: FastifyRequest, reply: FastifyReply, latencyMs: number) => void

/** pino's level info. */
const LEVEL = 30

/**
 * Lines are those of pino, put together here: all that stands
 * in them is known to need no escapes but the user's id, and that takes a quarter of the time.
 */
export const createRequestLog = (
  stream: LogStream,
  settings: HttpSettings['log'],
): ((method: string, route: string) => LogRequest) => {
  const nameOf = settings.hash_identifiers ? hashedWith(settings.hash_key) : (text: string) => text
  return (method, route) => {
    const about = `","method":"${method}","route":"${route}","status":`
    return (request, reply, latencyMs) => {
      const { subject, caller } = request
      const traceParent = traceParentOf(request.headers['traceparent'])
      let line = `{"level":${LEVEL},"time":"${new Date().toISOString()}","request_id":"${request.id}${about}${reply.statusCode},"latency_ms":${latencyMs.toFixed(3)}`
      if (traceParent !== undefined) line += `,"trace_id":"${traceIdOf(traceParent)}"`
      if (caller !== null) line += `,"caller":"${caller.name}"`
      if (subject !== null)
        line += `,"prediction_id":"${subject.predictionId}","user":${JSON.stringify(nameOf(subject.userId))}`
      stream.write(`${line},"msg":"request"}\n`)
    }
  }
}

/**
 * The first 16 hexadecimal digits of a keyed hash: enough to find all lines of one user, too few to find the
 * user.
 */
const hashedWith = (key: string): ((text: string) => string) => {
  const secret = key === '' ? randomBytes(32).toString('hex') : key
  return (text) => hash('sha256', `${secret}\0${text}`).slice(0, 16)
}
