import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import { VigiaError } from '../../errors.ts'
import { quoteNumbers } from '../../mapping/sent-values.ts'
import type { App } from '../dependencies.ts'
import { rowError } from '../error-answers.ts'
import { answerNdjson } from '../ndjson-answers.ts'
import { isOfSource } from './mapping-query.ts'
import type { RouteContext } from './route-context.ts'

export const NDJSON = 'application/x-ndjson'
const LINE_TYPES = [NDJSON, 'application/ndjson', 'application/jsonl']

/** Bodies of lines are handed to the route as a stream, whatever their length. */
export const addNdjsonBodies = (app: App, { load }: RouteContext): void => {
  app.addContentTypeParser(LINE_TYPES, (request, payload, done) => {
    load.exempt(request.raw)
    done(null, payload)
  })
}

/** Whether a body came as lines. */
export const isNdjson = (body: unknown): body is Readable =>
  typeof body === 'object' && body !== null && typeof (body as Partial<Readable>).pipe === 'function'

/** A stream may outlive the key that it came with. @throws REQUEST_KEY_UNKNOWN */
const assertAllowed = ({ caller, server, routeOptions }: FastifyRequest): void => {
  const { scope } = routeOptions.config
  if (caller === null || scope === undefined || server.keyRing.allows(caller, scope)) return
  throw new VigiaError('REQUEST_KEY_UNKNOWN', {})
}

/**
 * Answers each line of the body by `work`, whose result is written by `schema`; what it throws becomes the
 * line's error.
 */
export const replyWithNdjson = (
  request: FastifyRequest,
  reply: FastifyReply,
  schema: TSchema,
  context: RouteContext,
  work: (row: unknown) => Promise<object>,
): FastifyReply => {
  const { limits } = context.settings
  const prepare = isOfSource(request) ? quoteNumbers : undefined
  const write = reply.compileSerializationSchema(schema as never) as (row: object) => string
  const refuse = (cause: unknown, line: number): string =>
    JSON.stringify({ line, error: rowError(cause, request, line) })
  const answers = answerNdjson(
    request.body as Readable,
    { rows: limits.stream_rows, lineBytes: limits.line_size * 1024 },
    async (bytes, line) => {
      try {
        assertAllowed(request)
        return write(await work(context.parseJson(bytes, prepare)))
      } catch (error) {
        return refuse(error, line)
      }
    },
    refuse,
  )
  return reply.type(`${NDJSON}; charset=utf-8`).send(answers)
}
