import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'

/** Stands before a server and loses answers, as a broken network does. */
export interface AnswerDroppingProxy {
  readonly uri: string
  /**
   * Of the next request whose path ends so, the server's answer is lost: the server has acted, the client
   * sees the connection end.
   */
  dropNextAnswer(pathEnd: string): void
  /** Paths whose answers were lost. */
  readonly dropped: readonly string[]
  close(): Promise<void>
}

export const startAnswerDroppingProxy = async (target: string): Promise<AnswerDroppingProxy> => {
  const dropped: string[] = []
  let pathEnd: string | undefined
  const server = createServer(async (request, response) => {
    const answer = await forward(target, request)
    const path = (request.url ?? '').replace(/\?.*/, '')
    if (pathEnd !== undefined && path.endsWith(pathEnd)) {
      pathEnd = undefined
      dropped.push(path)
      response.destroy()
      return
    }
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return {
    uri: `http://127.0.0.1:${address.port}`,
    dropped,
    dropNextAnswer(end) {
      pathEnd = end
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const forward = async (target: string, request: IncomingMessage): Promise<Response> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { authorization, 'content-type': type } = request.headers
  return fetch(target + (request.url ?? ''), {
    method: request.method ?? 'GET',
    headers: { ...(authorization && { authorization }), ...(type && { 'content-type': type }) },
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
  })
}
