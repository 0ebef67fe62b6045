import type { AlertChannel, AlertNotification, AlertSeverity } from '../../ports/alert-channel.ts'
import { clean, cut, fitLines, subjectOf, titleOf } from './alert-text.ts'
import { deliveryOf, httpPost } from './http-post.ts'

export interface PagerDutyOptions {
  readonly name: string
  /** Of an integration "Events API v2". */
  readonly routingKey: string
  /** `https://events.pagerduty.com`, or that of the EU: `https://events.eu.pagerduty.com`. */
  readonly url: string
  readonly timeoutMs: number
}

/** PagerDuty takes 512 kB; people read less. */
const MOST_DETAILS_BYTES = 20_000
const LONGEST_SUMMARY = 1024

const SEVERITIES: Readonly<Record<AlertSeverity, string>> = {
  moderate: 'warning',
  severe: 'error',
  critical: 'critical',
}

const ACTIONS: Readonly<Record<AlertNotification['action'], string>> = {
  trigger: 'trigger',
  // A trigger with the key of an open alert adds to it.
  update: 'trigger',
  acknowledge: 'acknowledge',
  resolve: 'resolve',
}

/** PagerDuty asks for minutes between attempts. */
const LEAST_PAUSE_MS = 60_000

/** PagerDuty's Events API v2: 202 is taken, 400 will never be, 429 and 5xx are tried again after a minute. */
export const createPagerDuty = ({ name, routingKey, url, timeoutMs }: PagerDutyOptions): AlertChannel => ({
  name,
  send: async (alert) => {
    const event = {
      routing_key: routingKey,
      event_action: ACTIONS[alert.action],
      dedup_key: alert.dedupKey,
      ...((alert.action === 'trigger' || alert.action === 'update') && contentOf(alert)),
    }
    const answer = await httpPost({
      url: `${url.replace(/\/$/, '')}/v2/enqueue`,
      body: JSON.stringify(event),
      timeoutMs,
      secrets: [routingKey],
    })
    const delivery = deliveryOf(answer, 'PagerDuty')
    if (delivery.kind !== 'retry' || answer.kind !== 'answered') return delivery
    return { ...delivery, afterMs: Math.max(LEAST_PAUSE_MS, delivery.afterMs ?? 0) }
  },
})

const contentOf = (alert: AlertNotification) => ({
  payload: {
    summary: cut(titleOf(alert), LONGEST_SUMMARY),
    source: cut(subjectOf(alert), 255),
    severity: SEVERITIES[alert.severity],
    timestamp: new Date(alert.atMs).toISOString(),
    component: cut(clean(alert.model), 255),
    group: cut(clean(alert.kind), 255),
    class: cut(clean(alert.segment === '' ? 'all' : alert.segment), 255),
    custom_details: {
      details: fitLines(alert.details, MOST_DETAILS_BYTES),
      message_id: alert.id,
      test: alert.isTest,
    },
  },
  client: 'Vigía',
  ...(alert.url !== undefined && { client_url: alert.url }),
})
