import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { vi } from 'vitest'
import { type HttpReceiver, openHttpReceiver } from '../../src/adapters/alerts/http-receiver.test-kit.ts'
import { openSmtpReceiver, type SmtpReceiver } from '../../src/adapters/alerts/smtp-receiver.test-kit.ts'
import {
  ALERTMANAGER_SERVER,
  type AlertmanagerServer,
  startAlertmanager,
} from '../integration/alertmanager-server.ts'
import type { SimulatedTime } from './simulated-time.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/** Whom the alerts of the story reach: a webhook, a mailbox, and an Alertmanager where there is one. */
export interface AlertDesk {
  /** The lines of `alerts.channels`. */
  readonly channels: string
  readonly secret: string
  /** `fired vigia/fraud/drift/all`: what the webhook got, verified by the library of Standard Webhooks. */
  messages(): readonly string[]
  readonly mails: SmtpReceiver['received']
  /** `status key` of what the Alertmanager told on. Undefined where there is none. */
  readonly toldOn: (() => readonly string[]) | undefined
  close(): Promise<void>
}

export const openAlertDesk = async (time: SimulatedTime): Promise<AlertDesk> => {
  const hook = await openHttpReceiver()
  const mail = await openSmtpReceiver()
  const manager = ALERTMANAGER_SERVER === undefined ? undefined : await openManager(time)
  return {
    secret: SECRET,
    channels: [
      `hook: { kind: webhook, url: '${hook.url}/hook', secret_file: hook.secret, allowed_hosts: [127.0.0.1] }`,
      `mail: { kind: email, host: 127.0.0.1, port: ${mail.port}, tls: none, from: vigia@bank.example, to: [desk@bank.example] }`,
      ...(manager === undefined ? [] : [`manager: { kind: alertmanager, url: '${manager.url}' }`]),
    ].join('\n    '),
    messages: () => hook.received.map(verifiedMessage),
    mails: mail.received,
    toldOn: manager?.toldOn,
    close: async () => {
      await hook.close()
      await mail.close()
      await manager?.close()
    },
  }
}

/** The library refuses what is not of now: now is when the story says it was sent. */
const verifiedMessage = ({ text, headers }: HttpReceiver['received'][number]): string => {
  vi.setSystemTime(1000 * Number(headers['webhook-timestamp']))
  try {
    const { type, data } = new Webhook(SECRET).verify(text, headers as Record<string, string>) as {
      readonly type: string
      readonly data: { readonly key: string }
    }
    return `${type.replace('vigia.alert.', '')} ${data.key}`
  } finally {
    vi.useRealTimers()
  }
}

/**
 * An Alertmanager, whose clock is this machine's: what it is told of goes through a relay that moves times of
 * the story to its own.
 */
const openManager = async (time: SimulatedTime) => {
  const told = await openHttpReceiver()
  const server: AlertmanagerServer = await startAlertmanager(`${told.url}/`)
  const moved = (text: string): string => new Date(Date.parse(text) - time.aheadMs()).toISOString()
  const relay = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const alerts = JSON.parse(Buffer.concat(chunks).toString('utf8')) as readonly {
      readonly startsAt: string
      readonly endsAt: string
    }[]
    const answer = await fetch(`${server.url}${request.url}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(
        alerts.map((one) => ({ ...one, startsAt: moved(one.startsAt), endsAt: moved(one.endsAt) })),
      ),
    })
    response.writeHead(answer.status).end(await answer.text())
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  return {
    url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    toldOn: () =>
      told.received.flatMap(({ body }) =>
        (body.alerts as readonly { status: string; labels: Record<string, string> }[]).map(
          ({ status, labels }) => `${status} ${labels['key']}`,
        ),
      ),
    close: async () => {
      relay.closeAllConnections()
      await new Promise((resolve) => relay.close(resolve))
      await server.stop()
      await told.close()
    },
  }
}
