import type { IncomingMessage } from 'node:http'
import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
  type RouteOptions,
} from 'fastify'
import { VigiaError } from '../errors.ts'
import { parseDuration } from '../foundation/duration.ts'
import { quoteNumbers } from '../mapping/sent-values.ts'
import { nullForNaN } from './bare-nan.ts'
import type { App, ServerDependencies } from './dependencies.ts'
import {
  addMissingRoutes,
  answerAnyErrors,
  errorBody,
  hasTextErrors,
  textErrorBody,
} from './error-answers.ts'
import { createFrameReader } from './frames/frame-values.ts'
import type { GrpcParts } from './grpc/grpc-server.ts'
import { addJsonBodies, type PrepareJson } from './json-bodies.ts'
import { createLogBuffer, type LogStream } from './log-buffer.ts'
import { addOpenApi } from './openapi.ts'
import { requireFree, rewritingOf } from './platform-routes.ts'
import { createTransactionReader } from './read-transaction.ts'
import { TLS_OPTIONS } from './reload.ts'
import { createRequestLog } from './request-log.ts'
import { createRequestNames, traceIdOf, traceParentOf } from './request-names.ts'
import { addAdmin } from './routes/admin.ts'
import { addAlerts } from './routes/alerts.ts'
import { addAlertsPage } from './routes/alerts-page.ts'
import { addBranches } from './routes/branches.ts'
import { addFeedback } from './routes/feedback.ts'
import { addKServeV1 } from './routes/kserve-v1.ts'
import { addKServeV2 } from './routes/kserve-v2.ts'
import { isOfSource } from './routes/mapping-query.ts'
import { addMlflow } from './routes/mlflow.ts'
import { addMonitoring } from './routes/monitoring.ts'
import { addNdjsonBodies } from './routes/ndjson.ts'
import { addPredict } from './routes/predict.ts'
import { addPredictBatch } from './routes/predict-batch.ts'
import { addPredictions } from './routes/predictions.ts'
import { addRetraining } from './routes/retraining.ts'
import type { RouteContext } from './routes/route-context.ts'
import { addSampleTransaction } from './routes/sample-transaction.ts'
import { addService } from './routes/service.ts'
import { addTables } from './routes/tables.ts'
import { assertGuarded } from './safety/api-keys.ts'
import { createGuard, type Guard } from './safety/guard.ts'
import { KeyRing } from './safety/key-ring.ts'
import { watchLoad } from './safety/load-shedding.ts'
import { createPatience } from './safety/patience.ts'
import { limitOf, sourceOf } from './safety/rate-limits.ts'
import { addSchemas } from './schemas/named.ts'
import { serializerCompiler } from './serialization.ts'
import { createSourceRows } from './source-rows.ts'
import { validatorCompiler } from './validation.ts'

/** How often idle connections are closed while the server closes, milliseconds. */
const CLOSE_IDLE_MS = 50

/**
 * The HTTP server over an inference pipeline; the caller lets it listen and closes it. Closing finishes what
 * was accepted, then closes the pipeline.
 *
 * The way of a request, and where it may end:
 *
 * 1. guard: closing or overloaded (503), no key or a wrong one (401, 403), a coding that is not read (415)
 * 2. rate limit (429)
 * 3. body: too slow (408), too large (413), another type (415), no JSON (400)
 * 4. query and body by schema (422)
 * 5. the route: the transaction itself (422), conflicts (409), the log or the store fails (503, 507)
 * 6. one line in the log, one count in the metrics
 *
 * @throws SERVING_KEYS_MISSING, SERVING_TLS_INVALID, SERVING_ROUTE_TAKEN
 */
export const createServer = async (dependencies: ServerDependencies): Promise<FastifyInstance> => {
  const { settings, keys, pipeline, metrics, version, notReady } = dependencies
  const { limits, security, api } = settings
  assertGuarded(keys, api.host, security.guarded_by)
  const lines = createLogBuffer(dependencies.logStream ?? process.stdout)
  const app = createApp(dependencies, lines)
  const load = watchLoad(
    {
      requestsInFlight: limits.requests_in_flight,
      eventLoopDelayMs: parseDuration(limits.event_loop_delay),
      bodyTimeoutMs: parseDuration(limits.body_timeout),
    },
    (request) => expire(request, limits.body_timeout),
  )
  metrics.watch(pipeline, load, dependencies)
  const source = createSourceRows(pipeline, metrics.observer)
  const graceMs = parseDuration(limits.shutdown_grace)
  closeInTime(app, graceMs, async () => {
    load.stop()
    source.close()
    await pipeline.close()
    lines.flush()
  })
  app.setErrorHandler(answerAnyErrors)
  addSchemas(app)
  const isBehindGuard = security.guarded_by === 'platform'
  const guard = createGuard(app, { load, metrics, isTls: dependencies.tls !== undefined, isBehindGuard })
  watchRoutes(app, dependencies, lines, guard)
  if (security.cors_origins.length > 0)
    await app.register(cors, { origin: [...security.cors_origins], methods: ['GET', 'POST'], maxAge: 600 })
  // A file of keys may name a rate later.
  if (limits.requests_per_minute > 0 || keys.length > 0)
    await app.register(rateLimit, rateLimits(limits.requests_per_minute))
  const parseJson = addJsonBodies(app, preparationOf)
  if (api.docs) await addOpenApi(app, version, pipeline)
  const context: RouteContext = {
    ...dependencies,
    parseJson,
    load,
    source,
    readFrame: createFrameReader(pipeline),
    readTransaction: createTransactionReader(pipeline, api.unknown_fields, metrics),
    reasonsNotReady: () => [notReady?.() ?? '', reasonOf(pipeline)].filter((reason) => reason !== ''),
  }
  await app.register(async (routes) => {
    addPredict(routes, context)
    addPredictions(routes, context)
    addSampleTransaction(routes, context)
    addService(routes, context)
    addAdmin(routes, context)
    addAlerts(routes, context)
    addAlertsPage(routes, context)
    addBranches(routes, context)
    addTables(routes, context)
    addMonitoring(routes, context)
    addRetraining(routes, context)
  })
  await app.register(async (routes) => {
    addNdjsonBodies(routes, context)
    addPredictBatch(routes, context)
    addFeedback(routes, context)
  })
  for (const addProtocol of [addMlflow, addKServeV1, addKServeV2])
    await app.register(async (routes) => addProtocol(routes, context))
  requireFree(app, api)
  await addGrpc(app, { ...dependencies, guard, load }, graceMs)
  return app
}

/** What becomes of the JSON of a request before it is parsed. */
const preparationOf = ({ routeOptions, query }: FastifyRequest): PrepareJson | undefined => {
  if (routeOptions.config.readsNaN === true) return nullForNaN
  return isOfSource({ query }) ? quoteNumbers : undefined
}

const reasonOf = (pipeline: ServerDependencies['pipeline']): string => {
  const { isReady, reason } = pipeline.status()
  return isReady ? '' : reason || 'the pipeline is not ready'
}

const createApp = ({ settings, tls, keys, metrics }: ServerDependencies, lines: LogStream): App => {
  const { api, limits, security, log } = settings
  const requestName = createRequestNames()
  const http = {
    headersTimeout: parseDuration(limits.header_timeout),
    connectionsCheckingInterval: Math.min(1000, parseDuration(limits.header_timeout)),
    maxHeaderSize: 16 * 1024,
  }
  const options = {
    logger: {
      level: log.level,
      base: undefined,
      timestamp: isoTime,
      stream: lines,
    },
    // A logger for each request would cost more than the line that it writes.
    childLoggerFactory: (logger: unknown) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.body_size * 1024,
    connectionTimeout: parseDuration(limits.idle_timeout),
    keepAliveTimeout: parseDuration(limits.keep_alive),
    // Bodies have a limit of their own, from which streams are exempt.
    requestTimeout: 0,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: security.trusted_proxies.length > 0 ? [...security.trusted_proxies] : false,
    genReqId: requestName,
    ...rewritingOf(api),
    routerOptions: { maxParamLength: 1024 },
    // Said here, Fastify does not load compilers of its own.
    schemaController: {
      compilersFactory: { buildValidator: () => validatorCompiler, buildSerializer: serializerCompiler },
    },
    frameworkErrors: answerAnyErrors,
    ...(tls === undefined ? { http } : { https: { ...http, key: tls.key, cert: tls.cert, ...TLS_OPTIONS } }),
  }
  try {
    const app = fastify(options as object) as unknown as App
    app.server.maxConnections = limits.connections
    app.decorate('keyRing', new KeyRing(keys))
    app.decorate('countError', metrics.countError)
    app.decorateRequest('caller', null)
    app.decorateRequest('subject', null)
    return app
  } catch (error) {
    if (tls === undefined) throw error
    throw new VigiaError('SERVING_TLS_INVALID', { reason: (error as Error).message }, { cause: error })
  }
}

/**
 * The door for gRPC, which is loaded only where it is asked for. It closes before the HTTP server, while the
 * clock of that runs already: the grace is that of both.
 */
const addGrpc = async (app: App, parts: GrpcParts, graceMs: number): Promise<void> => {
  if (parts.settings.api.grpc_port === 0) {
    app.decorate('grpc', undefined)
    return
  }
  const { createGrpcServer } = await import('./grpc/grpc-server.ts')
  const grpc = createGrpcServer(app, parts)
  app.decorate('grpc', grpc)
  app.addHook('preClose', () => grpc.close(graceMs))
}

/** Ends connections when the server is to end: idle ones at once, others after `graceMs`; then all else. */
const closeInTime = (app: App, graceMs: number, end: () => Promise<void>): void => {
  let closer: NodeJS.Timeout | undefined
  let cutter: NodeJS.Timeout | undefined
  app.addHook('preClose', (done) => {
    // Connections become idle as their last answers go out; clients would keep them until keep_alive ends.
    closer = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_MS)
    // What is slower than that would be killed together with the server, before its states are saved.
    cutter = setTimeout(() => app.server.closeAllConnections(), graceMs)
    done()
  })
  app.addHook('onClose', async () => {
    clearInterval(closer)
    clearTimeout(cutter)
    await end()
  })
}

/** Levels at which requests are logged. */
const REQUEST_LEVELS: ReadonlySet<string> = new Set(['trace', 'debug', 'info'])

const isoTime = (): string => `,"time":"${new Date().toISOString()}"`

/** Each route gets its guard before everything else, and is watched to its end. */
const watchRoutes = (
  app: App,
  { metrics, settings }: ServerDependencies,
  lines: LogStream,
  guard: Guard,
): void => {
  const logOf = createRequestLog(lines, settings.log)
  const watch = (method: string, route: string) => {
    const count = metrics.requestsOf(method, route)
    const log = logOf(method, route)
    return (request: FastifyRequest, reply: FastifyReply): void => {
      const latencyMs = reply.elapsedTime
      const traceParent = traceParentOf(request.headers['traceparent'])
      count(reply.statusCode, latencyMs / 1000, traceParent && traceIdOf(traceParent))
      // The level may change while the server runs.
      if (REQUEST_LEVELS.has(app.log.level)) log(request, reply, latencyMs)
    }
  }
  const patience = createPatience(parseDuration(settings.limits.idle_timeout))
  app.addHook('onRoute', (route: RouteOptions) => {
    const { url, method, config } = route
    // As OpenAPI has it, without what says what a parameter may be.
    const finished = watch([method].flat().join(' '), url.replace('(.+)::', ':'))
    route.onRequest = [
      guard.forRoute(config?.scope, config?.isExempt === true),
      ...(config?.scope === 'admin' ? [patience] : []),
      ...[route.onRequest ?? []].flat(),
    ]
    route.onResponse = [
      (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
        finished(request, reply)
        done()
      },
      ...[route.onResponse ?? []].flat(),
    ]
  })
  addMissingRoutes(app, guard.stamp, watch('other', 'none'))
}

const rateLimits = (byDefault: number) => ({
  timeWindow: 60_000,
  max: (request: FastifyRequest) => limitOf(request.caller, byDefault),
  allowList: (request: FastifyRequest) => limitOf(request.caller, byDefault) === 0,
  keyGenerator: (request: FastifyRequest) => sourceOf(request.caller, request.ip),
  errorResponseBuilder: (_request: FastifyRequest, { max }: { readonly max: number }) =>
    new VigiaError('REQUEST_RATE_LIMITED', { limit: max }),
})

/** Ends a connection whose body does not come, as Node ends one whose headers do not. */
const expire = (request: IncomingMessage, limit: string): void => {
  const error = new VigiaError('REQUEST_TOO_SLOW', { limit })
  const body = JSON.stringify(hasTextErrors(request.url) ? textErrorBody(error) : { error: errorBody(error) })
  const head = `HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
  const { socket } = request
  if (socket.writable) socket.write(head + body)
  socket.destroySoon()
}
