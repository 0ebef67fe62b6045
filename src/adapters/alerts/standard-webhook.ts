import { createHmac } from 'node:crypto'
import { VigiaError } from '../../errors.ts'
import type { AlertChannel, AlertNotification } from '../../ports/alert-channel.ts'
import { clean, cut, fitLines, titleOf } from './alert-text.ts'
import { type AddressGuard, deliveryOf, httpPost } from './http-post.ts'

export interface StandardWebhookOptions {
  readonly name: string
  readonly url: string
  /** `whsec_` and the key in base64; several while the receiver changes over, each of which signs. */
  readonly secrets: readonly string[]
  readonly guard: AddressGuard
  readonly timeoutMs: number
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Payloads stay below 20 kB, as the specification asks. */
const MOST_DETAILS_BYTES = 12_000

/**
 * POSTs signed by Standard Webhooks 1.0 (standardwebhooks.com). `webhook-id` is that of the message and the
 * same in every attempt; the time and so the signature are those of the attempt. 2xx is delivered, 410 means
 * that nothing more is wanted, anything else is tried again.
 *
 * @throws ALERT_CHANNEL_INVALID when a secret is none
 */
export const createStandardWebhook = (options: StandardWebhookOptions): AlertChannel => {
  const { name, url, guard, timeoutMs, now } = options
  const keys = options.secrets.map((secret) => readWebhookSecret(name, secret))
  if (keys.length === 0)
    throw new VigiaError('ALERT_CHANNEL_INVALID', { name, reason: 'it has no secret to sign with' })
  return {
    name,
    send: async (alert) => {
      const body = JSON.stringify(payloadOf(alert))
      const timestamp = String(Math.floor(now() / 1000))
      const headers = {
        'webhook-id': alert.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signWebhook(keys, alert.id, timestamp, body),
      }
      const secrets = [url, ...options.secrets]
      const answer = await httpPost({ url, body, headers, timeoutMs, guard, secrets })
      const delivery = deliveryOf(answer, 'the receiver')
      if (delivery.kind !== 'refused' || answer.kind !== 'answered') return delivery
      const { reason } = delivery
      return answer.status === 410 ? { kind: 'refused', reason, disables: true } : { kind: 'retry', reason }
    },
  }
}

/** `v1,<base64>` for each key, with spaces between them: any one that fits is enough for the receiver. */
export const signWebhook = (
  keys: readonly Uint8Array[],
  id: string,
  timestamp: string,
  body: string,
): string =>
  keys
    .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`)
    .join(' ')

/** The key of `whsec_…`; 24 to 64 bytes, as the specification asks. @throws ALERT_CHANNEL_INVALID */
export const readWebhookSecret = (name: string, secret: string): Uint8Array => {
  const base64 = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : ''
  const key = Buffer.from(base64, 'base64')
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(base64)
  if (isBase64 && key.length >= 24 && key.length <= 64) return key
  // Nothing of the secret is told.
  throw new VigiaError('ALERT_CHANNEL_INVALID', {
    name,
    reason: 'a secret of Standard Webhooks is whsec_ and 24 to 64 bytes in base64, and this one is not',
  })
}

const payloadOf = (alert: AlertNotification) => ({
  type: `vigia.alert.${alert.isTest ? 'test' : alert.reason}`,
  timestamp: new Date(alert.atMs).toISOString(),
  data: {
    key: alert.dedupKey,
    episode: alert.episode,
    action: alert.action,
    model: clean(alert.model),
    kind: clean(alert.kind),
    segment: cut(clean(alert.segment), 500),
    severity: alert.severity,
    previous_severity: alert.previousSeverity ?? null,
    title: cut(titleOf(alert), 1000),
    summary: cut(clean(alert.summary), 1000),
    details: fitLines(alert.details, MOST_DETAILS_BYTES),
    started_at: new Date(alert.startedMs).toISOString(),
    acknowledged_by: alert.by ?? null,
    url: alert.url ?? null,
    test: alert.isTest,
  },
})
