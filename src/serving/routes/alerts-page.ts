import { readFileSync } from 'node:fs'
import { alertsAnswer, historyAnswer } from '../alert-answers.ts'
import { renderAlerts } from '../alerts-page/render-alerts.ts'
import { SHELL, STYLE } from '../alerts-page/render-shell.ts'
import type { App } from '../dependencies.ts'
import { configuredAlerts } from './alerts.ts'
import type { RouteContext } from './route-context.ts'

/** The page runs its own script and style, and asks its own server; nothing else, and nothing of a text. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Records of the history that the page shows; `vigia alerts history` has all. */
const MOST_RECORDS = 100

/**
 * GET /alerts/page: what fires and what is done about it, for people. Page, script and style hold nothing of
 * the alerts and need no key; what is told and done needs one like the rest of the API.
 */
export const addAlertsPage = (app: App, context: RouteContext): void => {
  let client: string | undefined
  const files: readonly (readonly [url: string, type: string, text: () => string])[] = [
    ['/alerts/page', 'text/html; charset=utf-8', () => SHELL],
    ['/alerts/page/style.css', 'text/css; charset=utf-8', () => STYLE],
    [
      '/alerts/page/client.js',
      'text/javascript; charset=utf-8',
      () => {
        client ??= readFileSync(new URL('../alerts-page/client.mjs', import.meta.url), 'utf8')
        return client
      },
    ],
  ]
  for (const [url, type, text] of files)
    app.get(url, { schema: { hide: true }, config: {} }, async (_request, reply) =>
      reply.header('content-security-policy', PAGE_POLICY).type(type).send(text()),
    )
  app.get(
    '/alerts/page/content',
    { schema: { hide: true }, config: { scope: 'read' } },
    async (_request, reply) => {
      const alerts = configuredAlerts(context)
      const book = await alerts.center.book()
      const answer = alertsAnswer(book, alerts, context.world.now())
      const { records } = historyAnswer(book, undefined, MOST_RECORDS)
      return reply.type('text/html; charset=utf-8').send(renderAlerts(answer, records))
    },
  )
}
