import type { AlertChannel, AlertNotification, AlertSeverity } from '../../ports/alert-channel.ts'
import { clean, cut, fitLines, stateOf } from './alert-text.ts'
import { deliveryOf, httpPost } from './http-post.ts'

export interface AlertmanagerOptions {
  readonly name: string
  /** Without `/api/v2/alerts`. */
  readonly url: string
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string
  /** How often what fires is sent again; it ends by itself after four times as long. */
  readonly refreshMs: number
  readonly timeoutMs: number
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** As Prometheus does: three refreshes may be lost before an alert ends by itself. */
const REFRESHES = 4
const MOST_DETAILS_BYTES = 20_000

/**
 * Alerts pushed into a Prometheus Alertmanager, by `POST /api/v2/alerts`. It groups, silences and routes them
 * itself.
 *
 * Its identity of an alert are the labels. The severity is one of them, since routes go by it; so an alert
 * that gets another severity ends under the old one in the same request. Acknowledging is unknown to it.
 */
export const createAlertmanager = (options: AlertmanagerOptions): AlertChannel => {
  const { name, url, token, refreshMs, timeoutMs, now } = options
  return {
    name,
    refreshMs,
    send: async (alert) => {
      const lastsMs = now() + REFRESHES * refreshMs
      const before = alert.previousSeverity
      const alerts = [
        alertOf(alert, alert.severity, alert.action === 'resolve' ? endOf(alert) : lastsMs),
        ...(before === undefined ? [] : [alertOf(alert, before, endOf(alert))]),
      ]
      const answer = await httpPost({
        url: `${url.replace(/\/$/, '')}/api/v2/alerts`,
        body: JSON.stringify(alerts),
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        timeoutMs,
        secrets: token === undefined ? [] : [token],
      })
      return deliveryOf(answer, 'Alertmanager')
    },
  }
}

/** It refuses an end before the beginning, which a clock that was set back would give. */
const endOf = ({ atMs, startedMs }: AlertNotification): number => Math.max(atMs, startedMs + 1)

const alertOf = (alert: AlertNotification, severity: AlertSeverity, endsMs: number) => ({
  labels: {
    alertname: alert.isTest ? 'VigiaTest' : 'VigiaAlert',
    key: alert.dedupKey,
    model: clean(alert.model),
    kind: clean(alert.kind),
    ...(alert.segment !== '' && { segment: clean(alert.segment) }),
    severity,
  },
  annotations: {
    summary: `${alert.isTest ? 'TEST, no alarm: ' : ''}${cut(clean(alert.summary), 1000)}`,
    description: fitLines(alert.details, MOST_DETAILS_BYTES).join('\n'),
    state: stateOf(alert),
    message_id: alert.id,
  },
  startsAt: new Date(alert.startedMs).toISOString(),
  endsAt: new Date(endsMs).toISOString(),
  ...(alert.url !== undefined && { generatorURL: alert.url }),
})
