import { VigiaError } from '../../errors.ts'
import type { ServedLooks } from '../../monitoring/served-looks.ts'
import type { App } from '../dependencies.ts'
import { LookRunsAnswer, MonitoringReportAnswer } from '../schemas/monitoring.ts'
import { refTo } from '../schemas/named.ts'
import type { RouteContext } from './route-context.ts'

/** The page has styles and pictures of its own, and nothing else. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** GET /monitoring, /monitoring/page: the latest report of a look; GET /monitoring/runs: who looked when. */
export const addMonitoring = (app: App, { looks }: RouteContext): void => {
  app.get(
    '/monitoring',
    {
      config: { scope: 'read', errors: ['MONITORING_NO_REPORT'] },
      schema: {
        tags: ['administration'],
        operationId: 'getMonitoringReport',
        summary: 'The latest report on what comes in: drift, and what to do',
        response: { 200: refTo(MonitoringReportAnswer) },
      },
    },
    async (_request, reply) =>
      // It is kept as the JSON that is answered.
      reply.type('application/json; charset=utf-8').send(await taken(looks).readReport('json')),
  )
  app.get(
    '/monitoring/page',
    {
      config: { scope: 'read', errors: ['MONITORING_NO_REPORT'] },
      schema: {
        tags: ['administration'],
        operationId: 'getMonitoringPage',
        summary: 'The same as a page with pictures',
        produces: ['text/html'],
        response: {
          200: { description: 'A page.', content: { 'text/html': { schema: { type: 'string' } } } },
        },
      },
    },
    async (_request, reply) => {
      const page = await taken(looks).readReport('html')
      return reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY).send(page)
    },
  )
  app.get(
    '/monitoring/runs',
    {
      config: { scope: 'read', errors: ['MONITORING_NO_REPORT', 'SCHEDULE_JOURNAL_FAILED'] },
      schema: {
        tags: ['administration'],
        operationId: 'listLooks',
        summary: 'Looks that were taken or failed, and when the next one is due',
        response: { 200: refTo(LookRunsAnswer) },
      },
    },
    async () => runsAnswer(taken(looks)),
  )
}

/** @throws MONITORING_NO_REPORT of a server that takes no looks */
const taken = (looks: ServedLooks | undefined): ServedLooks => {
  if (looks !== undefined) return looks
  const reason = 'this server takes none (monitoring.enabled)'
  throw new VigiaError('MONITORING_NO_REPORT', { folder: 'monitoring.path', reason })
}

const runsAnswer = async (looks: ServedLooks) => {
  const runs = await looks.runs()
  return {
    next_at: timeOrNull(looks.status().nextMs),
    runs: runs.map(({ scheduledForMs, attempt, by, startedMs, endedMs, outcome, detail, againMs }) => ({
      scheduled_for: new Date(scheduledForMs).toISOString(),
      attempt,
      by,
      started_at: new Date(startedMs).toISOString(),
      ended_at: timeOrNull(endedMs),
      outcome,
      detail,
      again_at: timeOrNull(againMs),
    })),
  }
}

const timeOrNull = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : new Date(ms).toISOString()
