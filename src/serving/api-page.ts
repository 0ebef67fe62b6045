import type { OutgoingHttpHeaders } from 'node:http'
import swagger from '@fastify/swagger'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { VigiaError } from '../errors.ts'
import type { App } from './dependencies.ts'

const PREFIX = '/docs'

/** The page runs its own scripts and styles, and nothing else. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40" height="40"><text x="0" y="30" font-family="sans-serif" font-size="30" font-weight="bold" fill="#fff">Vigía</text></svg>'

/** Headers that the server itself says of each answer. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['connection', 'content-length', 'date', 'keep-alive'])

/**
 * The description of the API for people, at /docs.
 *
 * Its pages are an application of their own, made when somebody looks: most servers start without ever being
 * looked at.
 */
export const addApiPage = (app: App): void => {
  let made: Promise<FastifyInstance> | undefined
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    made ??= createApiPage(app.swagger())
    const { statusCode, headers, rawPayload } = await (await made).inject({
      method: 'GET',
      url: request.url,
      headers: request.headers,
    })
    if (statusCode === 404) {
      const path = request.url.split('?', 1)[0] ?? ''
      throw new VigiaError('REQUEST_ROUTE_UNKNOWN', { path: path.slice(0, 200) })
    }
    return reply
      .code(statusCode)
      .headers(withoutOwn(headers))
      .header('content-security-policy', PAGE_POLICY)
      .send(rawPayload)
  }
  for (const url of [PREFIX, `${PREFIX}/*`]) app.get(url, { schema: { hide: true }, config: {} }, answer)
  app.addHook('onClose', async () => (await made)?.close())
}

const createApiPage = async (document: object): Promise<FastifyInstance> => {
  const { default: swaggerUi } = await import('@fastify/swagger-ui')
  const pages = fastify()
  await pages.register(swagger, { mode: 'static', specification: { document: document as never } })
  await pages.register(swaggerUi, {
    routePrefix: PREFIX,
    theme: { title: 'Vigía API' },
    logo: { type: 'image/svg+xml', content: LOGO },
  })
  return pages
}

const withoutOwn = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name)))
