import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, test } from 'vitest'
import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { alert, alertChannelLaws } from '../../testing/alert-channel-laws.ts'
import { createAlertmanager } from './alertmanager.ts'
import { createHeartbeat } from './heartbeat.ts'
import { type HttpReceiver, httpSubject, openHttpReceiver, textsIn } from './http-receiver.test-kit.ts'
import { createPagerDuty } from './pagerduty.ts'
import { createSlackBot } from './slack-bot.ts'
import { createSlackWebhook } from './slack-webhook.ts'
import { createStandardWebhook } from './standard-webhook.ts'
import { createTeams } from './teams.ts'

const timeoutMs = 20_000
const ROUTING_KEY = '0123456789abcdef0123456789abcdef'
const TOKEN = 'xoxb-1-secret'
const PATH = '/services/T0/B0/XXXXsecret'
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const OLD_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
const NOW_MS = Date.UTC(2026, 10, 30, 9)
const now = () => NOW_MS

const webhookAt = (url: string, secrets: readonly string[] = [SECRET]) =>
  createStandardWebhook({
    name: 'hook',
    url,
    secrets,
    guard: { allowedHosts: ['127.0.0.1'] },
    timeoutMs,
    now,
  })
const pagerDutyAt = (url: string) =>
  createPagerDuty({ name: 'pager', routingKey: ROUTING_KEY, url, timeoutMs })
const alertmanagerAt = (url: string) =>
  createAlertmanager({ name: 'am', url, token: 't0ken-secret', refreshMs: 60_000, timeoutMs, now })
const slackAt = (url: string) => createSlackWebhook({ name: 'slack', url: `${url}${PATH}`, timeoutMs })
const botAt = (url: string) => createSlackBot({ name: 'bot', token: TOKEN, room: 'C1', url, timeoutMs })
const teamsAt = (url: string) =>
  createTeams({ name: 'teams', url: `${url}${PATH}?sig=abc%2Fsecret`, timeoutMs })

const NO_IDENTITY = 'it has no way to recognise a repeat'
const ONE_ROOM = 'its messages are told apart by their text'

holdToLaws(
  'a webhook keeps the laws of a channel',
  alertChannelLaws,
  httpSubject({
    open: webhookAt,
    secrets: [SECRET, SECRET.slice(6)],
    accepts: () => ({ status: 204 }),
    refuses: ({ headers, text }) => ({ status: 410, body: JSON.stringify(headers) + text }),
    read: ({ headers, body }) => ({
      key: body.data.key,
      identity: String(headers['webhook-id']),
      text: textsIn(body.data),
    }),
  }),
)

holdToLaws(
  'PagerDuty keeps the laws of a channel',
  alertChannelLaws,
  httpSubject({
    open: pagerDutyAt,
    secrets: [ROUTING_KEY],
    accepts: () => ({ status: 202, body: '{"status":"success"}' }),
    read: ({ body }) => ({
      key: body.dedup_key,
      identity: body.payload?.custom_details.message_id ?? body.event_action,
      text: textsIn(body.payload),
    }),
  }),
)

holdToLaws(
  'Alertmanager keeps the laws of a channel',
  alertChannelLaws,
  httpSubject({
    open: alertmanagerAt,
    secrets: ['t0ken-secret'],
    accepts: () => ({ status: 200 }),
    read: ({ body }) => ({
      key: body[0].labels.key,
      identity: body[0].annotations.message_id,
      text: textsIn([body[0].labels, body[0].annotations]),
    }),
  }),
)

holdToLaws(
  'Slack by a webhook keeps the laws of a channel',
  alertChannelLaws,
  httpSubject({
    open: slackAt,
    secrets: [PATH],
    accepts: () => ({ status: 200, body: 'ok' }),
    noIdentity: `${NO_IDENTITY}, and ${ONE_ROOM}`,
    read: ({ body }) => ({ key: keyIn(textsIn(body)), identity: '', text: textsIn(body) }),
  }),
)

holdToLaws(
  'Slack by a bot keeps the laws of a channel',
  alertChannelLaws,
  httpSubject({
    open: botAt,
    secrets: [TOKEN],
    accepts: () => ({ status: 200, body: '{"ok":true,"channel":"C1","ts":"17.001"}' }),
    refuses: () => ({ status: 200, body: '{"ok":false,"error":"channel_not_found"}' }),
    read: ({ path, body }) =>
      path === '/chat.update'
        ? undefined
        : {
            key: body.metadata.event_payload.dedup_key,
            identity: body.metadata.event_payload.id,
            text: textsIn(body),
          },
  }),
)

holdToLaws(
  'Teams keeps the laws of a channel',
  alertChannelLaws,
  httpSubject({
    open: teamsAt,
    secrets: [PATH, 'abc%2Fsecret'],
    accepts: () => ({ status: 202 }),
    noIdentity: `${NO_IDENTITY}, and ${ONE_ROOM}`,
    read: ({ body }) => ({
      key: keyIn(textsIn(body).replaceAll('\\', '')),
      identity: '',
      text: textsIn(body),
    }),
  }),
)

/** Rooms have no keys; the one below each message is what people see. */
const keyIn = (text: string): string => /· (vigia\/.*?) · https/s.exec(text)?.[1] ?? 'no key'

describe('a webhook', () => {
  test('is verified by the library of Standard Webhooks, while two secrets are in use', async () => {
    const receiver = await open()
    const instant = Date.now()
    const channel = createStandardWebhook({
      name: 'hook',
      url: receiver.url,
      secrets: [SECRET, OLD_SECRET],
      guard: { allowedHosts: ['127.0.0.1'] },
      timeoutMs,
      now: () => instant,
    })
    await channel.send(alert({ summary: 'Ñandú 💶' }))
    const [{ text, headers } = { text: '', headers: {} }] = receiver.received
    for (const secret of [SECRET, OLD_SECRET])
      expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toMatchObject({
        type: 'vigia.alert.fired',
        data: { summary: 'Ñandú 💶' },
      })
    const other = new Webhook(`whsec_${Buffer.alloc(24, 9).toString('base64')}`)
    expect(() => other.verify(text, headers as Record<string, string>)).toThrow()
    expect(() => new Webhook(SECRET).verify(`${text} `, headers as Record<string, string>)).toThrow()
  })

  test('stays below 20 kB however much is to be said', async () => {
    const receiver = await open()
    const long = '金額'.repeat(5000)
    await webhookAt(receiver.url).send(
      alert({ summary: long, segment: long, details: Array(500).fill(long), dedupKey: 'x'.repeat(255) }),
    )
    expect(Buffer.byteLength(receiver.received[0]!.text)).toBeLessThan(20_000)
  })

  test.each([400, 404, 302, 500])('is tried again after %i, as the specification asks', async (status) => {
    const receiver = await open()
    receiver.reply = () => ({ status, headers: { location: 'https://example.org/' } })
    expect((await webhookAt(receiver.url).send(alert())).kind).toBe('retry')
  })

  test('is switched off by 410', async () => {
    const receiver = await open()
    receiver.reply = () => ({ status: 410 })
    expect(await webhookAt(receiver.url).send(alert())).toMatchObject({ kind: 'refused', disables: true })
  })

  test.each(['', 'whsec_', 'whsec_c2hvcnQ=', 'plain', 'whsec_*'])('the secret "%s" is refused', (secret) => {
    expect(() => webhookAt('https://example.org', [secret])).toThrow(
      expect.objectContaining({ code: 'ALERT_CHANNEL_INVALID' }),
    )
  })
})

describe('PagerDuty', () => {
  test('gets triggers with content, and the rest by key alone', async () => {
    const receiver = await open()
    receiver.reply = () => ({ status: 202 })
    const channel = pagerDutyAt(receiver.url)
    await channel.send(alert({ severity: 'severe' }))
    await channel.send(alert({ action: 'acknowledge', reason: 'acknowledged', by: 'ana' }))
    await channel.send(alert({ action: 'resolve', reason: 'resolved' }))
    expect(receiver.received.map(({ path, body }) => [path, body.event_action, body.dedup_key])).toEqual([
      ['/v2/enqueue', 'trigger', 'vigia/m/drift/all'],
      ['/v2/enqueue', 'acknowledge', 'vigia/m/drift/all'],
      ['/v2/enqueue', 'resolve', 'vigia/m/drift/all'],
    ])
    expect(receiver.received[0]?.body).toMatchObject({
      routing_key: ROUTING_KEY,
      payload: { severity: 'error', source: 'm: drift', timestamp: '2026-11-30T08:00:00.000Z' },
    })
    expect(receiver.received[1]?.body.payload).toBeUndefined()
  })

  test('is left alone for a minute after 429 and 5xx, and for good after 400', async () => {
    const receiver = await open()
    for (const status of [429, 500, 503]) {
      receiver.reply = () => ({ status, headers: { 'retry-after': '2' } })
      expect(await pagerDutyAt(receiver.url).send(alert())).toMatchObject({ kind: 'retry', afterMs: 60_000 })
    }
    receiver.reply = () => ({ status: 400, body: '{"message":"Event object is invalid"}' })
    expect(await pagerDutyAt(receiver.url).send(alert())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('Event object is invalid'),
    })
  })

  test('takes summaries of at most 1,024 characters', async () => {
    const receiver = await open()
    await pagerDutyAt(receiver.url).send(alert({ summary: '💶'.repeat(2000) }))
    const { summary } = receiver.received[0]!.body.payload as { summary: string }
    expect(summary.length).toBeLessThanOrEqual(1024)
    expect(summary).toMatch(/💶…$/u)
    expect(summary).not.toMatch(/\p{Cs}/u)
  })
})

describe('Alertmanager', () => {
  test('gets an end four refreshes ahead while it fires, and the true one when it is over', async () => {
    const receiver = await open()
    const channel = alertmanagerAt(receiver.url)
    await channel.send(alert())
    await channel.send(alert({ action: 'resolve', reason: 'resolved', atMs: NOW_MS }))
    const [[first], [last]] = receiver.received.map(({ body }) => body)
    expect(first).toMatchObject({
      labels: { alertname: 'VigiaAlert', severity: 'critical', key: 'vigia/m/drift/all' },
      startsAt: '2026-11-30T08:00:00.000Z',
      endsAt: '2026-11-30T09:04:00.000Z',
      generatorURL: 'https://vigia.example.org/monitoring',
    })
    expect(first.labels).not.toHaveProperty('segment')
    expect(last.labels).toEqual(first.labels)
    expect(last.endsAt).toBe('2026-11-30T09:00:00.000Z')
    expect(receiver.received[0]?.headers.authorization).toBe('Bearer t0ken-secret')
  })

  test('ends the old severity together with the new one', async () => {
    const receiver = await open()
    await alertmanagerAt(receiver.url).send(
      alert({
        action: 'update',
        reason: 'eased',
        severity: 'moderate',
        previousSeverity: 'critical',
        atMs: NOW_MS,
      }),
    )
    const { body } = receiver.received[0]!
    expect(
      body.map(({ labels, endsAt }: { labels: { severity: string }; endsAt: string }) => [
        labels.severity,
        endsAt,
      ]),
    ).toEqual([
      ['moderate', '2026-11-30T09:04:00.000Z'],
      ['critical', '2026-11-30T09:00:00.000Z'],
    ])
  })

  test('never gets an end before the beginning, which it refuses', async () => {
    const receiver = await open()
    await alertmanagerAt(receiver.url).send(alert({ action: 'resolve', atMs: 0 }))
    const [{ startsAt, endsAt }] = receiver.received[0]!.body
    expect(Date.parse(endsAt)).toBe(Date.parse(startsAt) + 1)
  })
})

describe('a bot of Slack', () => {
  const OK = '{"ok":true,"channel":"C1","ts":"17.001"}'

  test('changes the first message and answers below it', async () => {
    const receiver = await open()
    receiver.reply = () => ({ status: 200, body: OK })
    const channel = botAt(receiver.url)
    expect(await channel.send(alert())).toEqual({ kind: 'delivered', thread: 'C1:17.001' })
    await channel.send(alert({ thread: 'C1:17.001', action: 'update', reason: 'escalated' }))
    await channel.send(alert({ thread: 'C1:17.001', action: 'resolve', reason: 'resolved' }))
    expect(
      receiver.received.map(({ path, body }) => [path, body.ts ?? body.thread_ts, body.reply_broadcast]),
    ).toEqual([
      ['/chat.postMessage', undefined, undefined],
      ['/chat.update', '17.001', undefined],
      ['/chat.postMessage', '17.001', true],
      ['/chat.update', '17.001', undefined],
      ['/chat.postMessage', '17.001', undefined],
    ])
    expect(receiver.received[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`)
  })

  test('is read by what it says, not by its 200', async () => {
    const receiver = await open()
    const said = async (body: string) => {
      receiver.reply = () => ({ status: 200, body })
      return botAt(receiver.url).send(alert())
    }
    expect(await said('{"ok":false,"error":"internal_error"}')).toMatchObject({ kind: 'retry' })
    expect(await said('{"ok":false,"error":"invalid_auth"}')).toMatchObject({ kind: 'refused' })
    expect(await said('<html>')).toMatchObject({ kind: 'retry' })
  })

  test('answers below a message that somebody deleted', async () => {
    const receiver = await open()
    receiver.reply = ({ path }) => ({
      status: 200,
      body: path === '/chat.update' ? '{"ok":false,"error":"message_not_found"}' : OK,
    })
    expect((await botAt(receiver.url).send(alert({ thread: 'C1:17.001' }))).kind).toBe('delivered')
    expect(receiver.received).toHaveLength(2)
  })
})

describe('what rooms show', () => {
  test('Slack sees plain text, so that nothing mentions anybody', async () => {
    const receiver = await open()
    await slackAt(receiver.url).send(alert({ summary: '<!channel> & <https://x|y>' }))
    const { body } = receiver.received[0]!
    expect(body.text).toContain('&lt;!channel&gt; &amp; &lt;https://x|y&gt;')
    const types = body.attachments[0].blocks.map(({ type, text, elements }: never) => [
      type,
      (text as { type: string } | undefined)?.type ?? (elements as { type: string }[])[0]?.type,
    ])
    expect(types).toEqual([
      ['section', 'plain_text'],
      ['section', 'plain_text'],
      ['context', 'plain_text'],
    ])
  })

  test('Slack and Teams get messages of their sizes', async () => {
    const receiver = await open()
    const huge = alert({ summary: '金'.repeat(9000), details: Array(400).fill('額'.repeat(900)) })
    await slackAt(receiver.url).send(huge)
    await teamsAt(receiver.url).send(huge)
    const [slack, teams] = receiver.received
    for (const block of slack!.body.attachments[0].blocks)
      expect((block.text?.text ?? block.elements[0].text).length).toBeLessThanOrEqual(3000)
    expect(Buffer.byteLength(teams!.text)).toBeLessThan(28_000)
  })

  test('the end is shown in green, the colour is never alone', async () => {
    const receiver = await open()
    await slackAt(receiver.url).send(alert({ action: 'resolve', reason: 'resolved' }))
    await teamsAt(receiver.url).send(alert({ action: 'resolve', reason: 'resolved' }))
    const [slack, teams] = receiver.received
    expect([slack!.body.attachments[0].color, slack!.body.text]).toEqual([
      '#2f9e44',
      '[RESOLVED critical] m: drift: The amounts have moved',
    ])
    expect(teams!.body.attachments[0].content.body[0].color).toBe('good')
  })
})

test('a heartbeat says how things stand', async () => {
  const receiver = await open()
  const beat = createHeartbeat(`${receiver.url}${PATH}`, timeoutMs)
  expect((await beat.beat({ firing: 1, waiting: 2, atMs: NOW_MS })).kind).toBe('delivered')
  expect(receiver.received[0]?.body).toEqual({
    service: 'vigia',
    firing: 1,
    waiting: 2,
    at: '2026-11-30T09:00:00.000Z',
  })
})

const opened: HttpReceiver[] = []
afterEach(async () => {
  for (const receiver of opened.splice(0)) await receiver.close()
})

const open = async (): Promise<HttpReceiver> => {
  const receiver = await openHttpReceiver()
  opened.push(receiver)
  return receiver
}
