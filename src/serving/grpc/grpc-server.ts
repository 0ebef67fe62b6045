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
import type { DescMethodUnary } from '@bufbuild/protobuf'
import { Code, ConnectError, createContextKey, createContextValues } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { VigiaError } from '../../errors.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { App, ServerDependencies } from '../dependencies.ts'
import { textErrorBody } from '../error-answers.ts'
import { TLS_OPTIONS } from '../reload.ts'
import type { Guard } from '../safety/guard.ts'
import type { Load } from '../safety/load-shedding.ts'
import {
  type Answered,
  type AskHttp,
  answerCall,
  anyRequestOf,
  type Call,
  errorOf,
  HEALTH_CALLS,
  INFERENCE_CALLS,
  passedOn,
} from './calls.ts'
import type { GrpcServer } from './grpc-door.ts'
import { HEALTH, INFERENCE } from './services.ts'

/** What the door is made of. */
export interface GrpcParts extends Pick<ServerDependencies, 'settings' | 'tls'> {
  readonly guard: Pick<Guard, 'refusalOf'>
  readonly load: Pick<Load, 'hold'>
}

/** Of a message, beside the tensors. */
const SPARE_BYTES = 64 * 1024

/** Address of the caller. */
const CALLER = createContextKey('')

/** Calls at the same time on one connection, as most servers of gRPC allow. */
const MOST_STREAMS = 1000

/**
 * `inference.GRPCInferenceService` and `grpc.health.v1.Health`, over the routes of `app`.
 *
 * @throws SERVING_TLS_INVALID comes from `app`, which is made of the same texts first
 */
export const createGrpcServer = (app: App, parts: GrpcParts): GrpcServer => {
  const { tls } = parts
  const { limits } = parts.settings
  const options = {
    settings: { maxConcurrentStreams: MOST_STREAMS, maxHeaderListSize: 16 * 1024 },
  }
  const server: Http2Server | Http2SecureServer =
    tls === undefined
      ? createServer(options)
      : createSecureServer({ ...options, ...tls, ...TLS_OPTIONS, allowHTTP1: false })
  server.maxConnections = limits.connections
  const sessions = watchSessions(server, parseDuration(limits.keep_alive))
  server.on('request', createHandler(app, parts))
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

/** Methods by their paths. */
const METHODS: ReadonlyMap<string, { readonly method: DescMethodUnary; readonly call: Call }> = new Map(
  (
    [
      [INFERENCE, INFERENCE_CALLS],
      [HEALTH, HEALTH_CALLS],
    ] as const
  ).flatMap(([service, calls]) =>
    Object.entries(calls).map(([name, call]) => {
      const method = service.method[name] as DescMethodUnary
      return [`/${service.typeName}/${method.name}`, { method, call }] as const
    }),
  ),
)

const createHandler = (app: App, { settings: { limits }, guard, load }: GrpcParts) => {
  const ask = askHttp(app)
  const handle = connectNodeAdapter({
    connect: false,
    grpcWeb: false,
    acceptCompression: [],
    // The error of the HTTP API names the setting; this one bounds what is read at all.
    readMaxBytes: limits.body_size * 1024 + SPARE_BYTES,
    contextValues: callerOf,
    routes: (router) => {
      for (const { method, call } of METHODS.values())
        router.rpc(method, answerCall(call, method.output, ask, app.countError))
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
    // What is answered before all of it has come is not waited for.
    response.once('finish', () => {
      if (!request.complete) stream.close(constants.NGHTTP2_NO_ERROR)
    })
    // A deadline is the client's own: what has been decided is not taken back by it, and no timer runs here.
    delete request.headers['grpc-timeout']
    const called = METHODS.get(request.url.split('?', 1)[0] ?? '')
    if (called !== undefined) {
      const { scope } = called.call
      // Before a byte of the message is kept.
      if (guard.refusalOf(request.headers, scope, scope === undefined) !== undefined) {
        void refuse(request, scope, ask)
        return
      }
      const release = load.hold()
      request.once('end', release)
      stream.once('close', release)
    }
    try {
      handle(request, response)
    } catch {
      // No request of HTTP: nobody to answer.
      stream.close(constants.NGHTTP2_PROTOCOL_ERROR)
    }
  }
}

const callerOf = ({ socket }: Pick<Http2ServerRequest, 'socket'>) =>
  createContextValues().set(CALLER, socket.remoteAddress ?? '')

/** Ends a call with what the HTTP API, asked by the same caller, refuses it with. */
const refuse = async (request: Http2ServerRequest, scope: Call['scope'], ask: AskHttp): Promise<void> => {
  const { stream } = request
  const headers = passedOn((name) => request.headers[name])
  const { code, rawMessage, metadata } = await ask(
    { ...anyRequestOf(scope), headers },
    { values: callerOf(request) },
  ).then(errorOf, ConnectError.from)
  if (stream.destroyed) return
  stream.resume()
  stream.respond(
    {
      ...Object.fromEntries(metadata),
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-status': String(code),
      'grpc-message': encodeURIComponent(rawMessage),
    },
    { endStream: true },
  )
  stream.close(constants.NGHTTP2_NO_ERROR)
}

const askHttp =
  (app: App): AskHttp =>
  async ({ method, path, headers, body }, { values }): Promise<Answered> => {
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
