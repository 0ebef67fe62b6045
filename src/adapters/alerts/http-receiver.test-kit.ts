import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AlertChannel } from '../../ports/alert-channel.ts'
import type {
  AlertChannelSubject,
  OpenAlertChannel,
  ReceivedAlert,
  ReceiverMood,
} from '../../testing/alert-channel-laws.ts'

/** A request as a receiver got it. */
export interface ReceivedRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // Whatever JSON came: tests look into it as they like.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any
}

export interface Answer {
  readonly status: number
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer, or `break off`: the connection is cut once the request is there. */
export type Reply = (request: ReceivedRequest, place: number) => Answer | 'break off'

export interface HttpReceiver {
  /** `http://127.0.0.1:40123` */
  readonly url: string
  readonly received: readonly ReceivedRequest[]
  reply: Reply
  close(): Promise<void>
}

/** A receiver on a free port of this machine that accepts until it is told otherwise. */
export const openHttpReceiver = async (
  first: Reply = () => ({ status: 200, body: 'ok' }),
): Promise<HttpReceiver> => {
  const received: ReceivedRequest[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    const { url: path = '', headers } = request
    const known: ReceivedRequest = { path, headers, text, body: text === '' ? undefined : JSON.parse(text) }
    const answer = receiver.reply(known, received.length)
    if (answer === 'break off') return void request.socket.destroy()
    if (answer.status < 300) received.push(known)
    response.writeHead(answer.status, answer.headers ?? {}).end(answer.body ?? '')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const receiver: HttpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    reply: first,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}

/** How a kind of receiver behaves, for the laws. */
export interface HttpSubject {
  readonly open: (url: string) => AlertChannel
  readonly secrets: readonly string[]
  readonly accepts: Reply
  readonly refuses?: Reply
  /** undefined: not a message of its own, as when another one is changed. */
  readonly read: (request: ReceivedRequest) => ReceivedAlert | undefined
  readonly neverRefuses?: string
  readonly noIdentity?: string
}

/** The laws' subject over HTTP. What a receiver refuses it answers with all that it was sent, secrets too. */
export const httpSubject = (subject: HttpSubject): AlertChannelSubject => ({
  secrets: subject.secrets,
  asksForPauseMs: 7000,
  ...(subject.neverRefuses !== undefined && { neverRefuses: subject.neverRefuses }),
  ...(subject.noIdentity !== undefined && { noIdentity: subject.noIdentity }),
  open: async (): Promise<OpenAlertChannel> => {
    const receiver = await openHttpReceiver(subject.accepts)
    const channel = subject.open(receiver.url)
    const echo =
      (status: number): Reply =>
      ({ path, headers, text }) => ({
        status,
        headers: { 'retry-after': '7' },
        body: `${path} ${JSON.stringify(headers)} ${text}`,
      })
    const replies: Readonly<Record<ReceiverMood, Reply>> = {
      accepts: subject.accepts,
      busy: echo(429),
      'breaks off': () => 'break off',
      refuses: subject.refuses ?? echo(404),
    }
    return {
      channel,
      received: async () => receiver.received.flatMap((request) => subject.read(request) ?? []),
      become: async (mood) => {
        receiver.reply = replies[mood]
      },
      close: async () => {
        await channel.close?.()
        await receiver.close()
      },
    }
  },
})

/** All texts within a JSON value, in order. */
export const textsIn = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'object' && value !== null
      ? Object.values(value).map(textsIn).join('\n')
      : ''
