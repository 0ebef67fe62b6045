import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { DescMethodUnary, DescService } from '@bufbuild/protobuf'
import { Code, ConnectError, createContextKey, createContextValues } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { App, ServerDependencies } from '../dependencies.ts'
import { textErrorBody } from '../error-answers.ts'
import { TLS_OPTIONS } from '../reload.ts'
import { type AskHttp, answerCall, HEALTH_CALLS, INFERENCE_CALLS } from './calls.ts'
import type { GrpcServer } from './grpc-door.ts'
import { HEALTH, INFERENCE } from './services.ts'

/** Address of the caller. */
const CALLER = createContextKey('')

/** Calls at the same time on one connection, as most servers of gRPC allow. */
const MOST_STREAMS = 1000

/**
 * `inference.GRPCInferenceService` and `grpc.health.v1.Health`, over the routes of `app`.
 *
 * @throws SERVING_TLS_INVALID comes from `app`, which is made of the same texts first
 */
export const createGrpcServer = (
  app: App,
  { settings: { limits }, tls }: Pick<ServerDependencies, 'settings' | 'tls'>,
): GrpcServer => {
  const options = {
    settings: { maxConcurrentStreams: MOST_STREAMS, maxHeaderListSize: 16 * 1024 },
  }
  const server: Http2Server | Http2SecureServer =
    tls === undefined
      ? createServer(options)
      : createSecureServer({ ...options, ...tls, ...TLS_OPTIONS, allowHTTP1: false })
  server.maxConnections = limits.connections
  const sessions = watchSessions(server, parseDuration(limits.keep_alive))
  server.on('request', createHandler(app, limits))
  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port }, () => {
          server.off('error', reject)
          resolve((server.address() as AddressInfo).port)
        })
      }),
    setSecureContext: (secrets) => {
      if (tls !== undefined) (server as Http2SecureServer).setSecureContext(secrets)
    },
    close: async (graceMs) => {
      if (!server.listening) return
      const closed = new Promise((resolve) => server.close(resolve))
      for (const session of sessions) session.close()
      const cutter = setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, graceMs)
      await closed
      clearTimeout(cutter)
    },
  }
}

/** Connections that are open. One on which nothing moves for a while is asked to end. */
const watchSessions = (
  server: Http2Server | Http2SecureServer,
  idleMs: number,
): ReadonlySet<ServerHttp2Session> => {
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.setTimeout(idleMs, () => session.close())
    // What a peer does to its connection ends that one, and nothing else.
    session.on('error', () => session.destroy())
    session.once('close', () => sessions.delete(session))
  })
  return sessions
}

const createHandler = (app: App, limits: ServerDependencies['settings']['limits']) => {
  const handle = connectNodeAdapter({
    connect: false,
    grpcWeb: false,
    acceptCompression: [],
    // The error of the HTTP API names the setting; this one bounds what is read at all.
    readMaxBytes: 2 * limits.body_size * 1024,
    contextValues: ({ socket }) => createContextValues().set(CALLER, socket.remoteAddress ?? ''),
    routes: (router) => {
      const add = (service: DescService, calls: typeof INFERENCE_CALLS): void => {
        for (const [name, call] of Object.entries(calls)) {
          const method = service.method[name] as DescMethodUnary
          router.rpc(method, answerCall(call, method.output, askHttp(app), app.countError))
        }
      }
      add(INFERENCE, INFERENCE_CALLS)
      add(HEALTH, HEALTH_CALLS)
    },
  })
  const bodyMs = parseDuration(limits.body_timeout)
  return (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    const { stream } = request
    const slow = setTimeout(() => {
      if (!request.complete) stream.close(constants.NGHTTP2_CANCEL)
    }, bodyMs)
    stream.once('close', () => clearTimeout(slow))
    stream.on('error', () => undefined)
    try {
      handle(request, response)
    } catch {
      // No request of HTTP: nobody to answer.
      stream.close(constants.NGHTTP2_PROTOCOL_ERROR)
    }
  }
}

const askHttp =
  (app: App): AskHttp =>
  async ({ method, path, headers, body }, { values }) => {
    const remoteAddress = values.get(CALLER)
    try {
      const { statusCode, rawPayload, ...answer } = await app.inject({
        method,
        url: path,
        headers,
        remoteAddress,
        ...(body !== undefined && { payload: body }),
      })
      return { status: statusCode, headers: answer.headers, body: rawPayload }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'FST_ERR_REOPENED_CLOSE_SERVER') throw cause
      const { error } = textErrorBody(new VigiaError('SERVING_CLOSING', {}))
      throw new ConnectError(error, Code.Unavailable, undefined, undefined, cause)
    }
  }
