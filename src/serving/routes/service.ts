import { modelsAnswer, savedLogsAnswer, statusAnswer } from '../answers.ts'
import type { App } from '../dependencies.ts'
import { OPEN_METRICS_TYPE, prefersOpenMetrics, renderOpenMetrics } from '../metrics/open-metrics.ts'
import { refTo } from '../schemas/named.ts'
import { HealthAnswer, LiveAnswer, ModelsAnswer, SavedLogsAnswer } from '../schemas/service.ts'
import type { RouteContext } from './route-context.ts'
import { runAudited } from './run-audited.ts'

/** GET /model, /health, /health/live (liveness), /health/ready (readiness), /metrics; POST /save-logs. */
export const addService = (app: App, context: RouteContext): void => {
  const { pipeline } = context
  app.get(
    '/model',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['service'],
        operationId: 'getModel',
        summary: 'The models in service',
        response: { 200: refTo(ModelsAnswer) },
      },
    },
    async () => modelsAnswer(pipeline.models),
  )
  addHealth(app, context)
  addMetrics(app, context)
  app.post(
    '/save-logs',
    {
      config: { scope: 'admin', errors: ['SERVING_LOG_FAILED'] },
      schema: {
        tags: ['service'],
        operationId: 'saveLogs',
        summary: 'Write everything logged so far to Parquet',
        response: { 200: refTo(SavedLogsAnswer) },
      },
    },
    async (request) =>
      savedLogsAnswer(await runAudited(context, request, 'logs.save', {}, () => pipeline.saveLogs())),
  )
}

const addHealth = (app: App, { pipeline, version, world, load, reasonsNotReady }: RouteContext): void => {
  const startedAtMs = world.now()
  app.get(
    '/health/live',
    {
      config: { isExempt: true, rateLimit: false },
      schema: {
        tags: ['service'],
        operationId: 'isLive',
        summary: 'Whether the process answers',
        response: { 200: refTo(LiveAnswer) },
      },
    },
    async () => ({ status: 'live' }),
  )
  for (const [url, operationId, summary] of [
    ['/health', 'getHealth', 'How the server is'],
    ['/health/ready', 'isReady', 'Whether the server can decide'],
  ] as const)
    app.get(
      url,
      {
        config: { isExempt: true, rateLimit: false },
        schema: {
          tags: ['service'],
          operationId,
          summary,
          response: {
            200: refTo(HealthAnswer),
            503: { description: 'It is not ready; reasons say why.', ...refTo(HealthAnswer) },
          },
        },
      },
      async (_request, reply) => {
        const reasons = reasonsNotReady()
        const [champion] = pipeline.models
        reply.code(reasons.length === 0 ? 200 : 503)
        return {
          status: reasons.length === 0 ? 'ready' : 'not_ready',
          reasons,
          version,
          uptime_s: (world.now() - startedAtMs) / 1000,
          model: champion && { name: champion.name, version: champion.version },
          requests_in_flight: load.inFlight,
          ...statusAnswer(pipeline.status()),
        }
      },
    )
}

const addMetrics = (app: App, { metrics }: RouteContext): void => {
  app.get(
    '/metrics',
    {
      config: { scope: 'metrics', isExempt: true, rateLimit: false },
      schema: {
        tags: ['service'],
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus',
        description:
          'In OpenMetrics where Accept asks for it, with the trace of one request of each bucket of durations.',
        produces: ['text/plain', 'application/openmetrics-text'],
        response: {
          200: {
            description: "Prometheus's text format, or OpenMetrics.",
            content: {
              'text/plain': { schema: { type: 'string' } },
              'application/openmetrics-text': { schema: { type: 'string' } },
            },
          },
        },
      },
    },
    async ({ headers }, reply) => {
      reply.header('vary', 'accept')
      return prefersOpenMetrics(headers.accept)
        ? reply.type(OPEN_METRICS_TYPE).send(await renderOpenMetrics(metrics.registry))
        : reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
    },
  )
}
