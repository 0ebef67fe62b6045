import type { AlertDelivery } from '../../ports/alert-channel.ts'
import { deliveryOf, httpPost } from './http-post.ts'
import { secretsOf } from './slack-webhook.ts'

/** Tells somebody outside that monitoring runs: who hears nothing for too long sounds the alarm. */
export interface Heartbeat {
  /** Sends one sign of life. Never rejects. */
  beat(status: {
    readonly firing: number
    readonly waiting: number
    readonly atMs: number
  }): Promise<AlertDelivery>
}

/** A POST to an address of a service that watches for silence, such as Healthchecks.io; a secret. */
export const createHeartbeat = (url: string, timeoutMs: number): Heartbeat => ({
  beat: async ({ firing, waiting, atMs }) => {
    const body = JSON.stringify({ service: 'vigia', firing, waiting, at: new Date(atMs).toISOString() })
    return deliveryOf(await httpPost({ url, body, timeoutMs, secrets: secretsOf(url) }), 'the heartbeat')
  },
})
