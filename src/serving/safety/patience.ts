import type { Socket } from 'node:net'
import type { onRequestHookHandler } from 'fastify'

/**
 * Keeps a connection open while the server works on its answer, however long: `limits.idle_timeout` ends
 * clients that stand still, and here the server does. An act of administration may take minutes (states that
 * catch up, a log that becomes Parquet); whoever asked for it would hear nothing of what came of it.
 *
 * @param idleMs `limits.idle_timeout`, by which a client must send and read
 */
export const createPatience =
  (idleMs: number): onRequestHookHandler =>
  (request, reply, done) => {
    const response = reply.raw
    response.on('timeout', (socket: Socket) => {
      if (request.raw.complete && !response.headersSent) socket.setTimeout(idleMs)
      else socket.destroy()
    })
    done()
  }
