import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAlertmanager } from '../../src/adapters/alerts/alertmanager.ts'
import { createEmail } from '../../src/adapters/alerts/email.ts'
import { type HttpReceiver, openHttpReceiver } from '../../src/adapters/alerts/http-receiver.test-kit.ts'
import { openSmtpReceiver, type SmtpReceiver } from '../../src/adapters/alerts/smtp-receiver.test-kit.ts'
import { createStandardWebhook } from '../../src/adapters/alerts/standard-webhook.ts'
import { openFileJournal } from '../../src/adapters/journal/file-journal.ts'
import type { AlertEntry } from '../../src/alerts/alert-book.ts'
import { createAlertCenter } from '../../src/alerts/alert-center.ts'
import { finding, lookOf, SETTINGS } from '../../src/alerts/alerts.test-kit.ts'
import { createRandom } from '../../src/foundation/random.ts'
import type { AlertChannel } from '../../src/ports/alert-channel.ts'
import { alert } from '../../src/testing/alert-channel-laws.ts'
import { eventually } from '../eventually.ts'
import {
  ALERTMANAGER_SERVER,
  ALERTMANAGER_SERVER_MISSING,
  type AlertmanagerServer,
  startAlertmanager,
} from './alertmanager-server.ts'
import { HAS_OPENSSL, makeCertificate } from './certificate.ts'

const timeoutMs = 20_000
const KEY = 'vigia/fraud/drift/all'

const skipped = ALERTMANAGER_SERVER === undefined ? ` (skipped: ${ALERTMANAGER_SERVER_MISSING})` : ''
describe.skipIf(ALERTMANAGER_SERVER === undefined)(`a real Alertmanager${skipped}`, () => {
  let server: AlertmanagerServer
  let told: HttpReceiver
  beforeAll(async () => {
    told = await openHttpReceiver()
    server = await startAlertmanager(`${told.url}/`)
  })
  afterAll(async () => {
    await server?.stop()
    await told?.close()
  })

  const channelAt = (now: () => number, refreshMs = 60_000) =>
    createAlertmanager({ name: 'am', url: server.url, refreshMs, timeoutMs, now })
  /** What it tells on of an alert: status and severity. */
  const toldOf = (key: string): readonly string[] =>
    told.received.flatMap(({ body }) =>
      body.alerts
        .filter(({ labels }: { labels: Record<string, string> }) => labels['key'] === key)
        .map(
          ({ status, labels }: { status: string; labels: Record<string, string> }) =>
            `${status} ${labels['severity']}`,
        ),
    )
  const shown = async (key: string) => (await server.alerts()).filter(({ labels }) => labels['key'] === key)

  test('tells of one beginning and one end of an episode of thirty looks', async () => {
    const { center, pass } = openCenter([channelAt(Date.now)], -30 * 60_000)
    for (let i = 0; i < 30; i++) {
      await center.look(lookOf(`look ${i}`, [finding('critical')]))
      await center.deliver()
      await center.refresh()
      pass(60_000)
    }
    await eventually(async () => expect(toldOf(KEY)).toEqual(['firing critical']))
    expect(await shown(KEY)).toMatchObject([
      { labels: { model: 'fraud', kind: 'drift', alertname: 'VigiaAlert' } },
    ])
    for (const id of ['a', 'b', 'c']) await center.look(lookOf(id, []))
    await center.deliver()
    await eventually(async () => expect(toldOf(KEY)).toEqual(['firing critical', 'resolved critical']))
    expect(await shown(KEY)).toEqual([])
  })

  test('ends the old severity when the new one begins', async () => {
    const channel = channelAt(Date.now)
    const key = 'vigia/m/severity/all'
    const now = Date.now()
    const common = { dedupKey: key, startedMs: now - 5000, atMs: now }
    await channel.send(alert({ ...common, severity: 'moderate' }))
    await eventually(async () => expect(toldOf(key)).toEqual(['firing moderate']))
    await channel.send(
      alert({
        ...common,
        id: 'e1.1',
        action: 'update',
        reason: 'escalated',
        severity: 'critical',
        previousSeverity: 'moderate',
        atMs: Date.now(),
      }),
    )
    expect((await shown(key)).map(({ labels }) => labels['severity'])).toEqual(['critical'])
    await eventually(async () =>
      expect([...toldOf(key)].sort()).toEqual(['firing critical', 'firing moderate', 'resolved moderate']),
    )
  })

  test('ends by itself what is not told again for four refreshes', async () => {
    const key = 'vigia/m/silent/all'
    const now = Date.now()
    await channelAt(Date.now, 250).send(alert({ dedupKey: key, startedMs: now, atMs: now }))
    await eventually(async () => expect(await shown(key)).toEqual([]))
    await eventually(async () => expect(toldOf(key)).toContain('resolved critical'))
  })

  test('takes odd characters and long texts, and an end whose clock was set back', async () => {
    const channel = channelAt(Date.now)
    const now = Date.now()
    const key = 'vigia/m/año=💶/all'
    const odd = 'half \ud83d, \u0000 <b>{{ .X }}</b> "quotes" '.repeat(3000)
    expect(
      await channel.send(
        alert({ dedupKey: key, segment: 'año=💶', summary: odd, details: [odd], startedMs: now, atMs: now }),
      ),
    ).toEqual({ kind: 'delivered' })
    expect(await shown(key)).toMatchObject([{ labels: { segment: 'año=💶' } }])
    const back = alert({
      dedupKey: key,
      segment: 'año=💶',
      action: 'resolve',
      reason: 'resolved',
      startedMs: now,
      atMs: now - 60_000,
    })
    expect(await channel.send(back)).toEqual({ kind: 'delivered' })
    expect(await shown(key)).toEqual([])
  })

  test('that has another address is no Alertmanager', async () => {
    const channel = createAlertmanager({
      name: 'am',
      url: `${server.url}/nothing`,
      refreshMs: 1,
      timeoutMs,
      now: Date.now,
    })
    expect(await channel.send(alert())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('404'),
    })
  })
})

describe.skipIf(!HAS_OPENSSL)('a mail server with TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-mail-'))
  const at = (name: string): string => join(folder, name)
  let certificate: { key: Buffer; cert: Buffer }
  beforeAll(() => {
    makeCertificate(at('key.pem'), at('cert.pem'))
    certificate = { key: readFileSync(at('key.pem')), cert: readFileSync(at('cert.pem')) }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const opened: SmtpReceiver[] = []
  afterEach(async () => {
    for (const receiver of opened.splice(0)) await receiver.close()
  })
  const open = async (options: object): Promise<SmtpReceiver> => {
    const receiver = await openSmtpReceiver({ ...certificate, ...options })
    opened.push(receiver)
    return receiver
  }
  const channelTo = (port: number, tls: 'starttls' | 'implicit', ca?: string) =>
    createEmail({
      name: 'mail',
      host: 'localhost',
      port,
      tls,
      user: 'vigia',
      password: 'right',
      from: 'vigia@bank.example',
      to: ['desk@bank.example'],
      timeoutMs,
      ...(ca !== undefined && { ca }),
    })
  type Login = { username: string; password: string }
  const onAuth = (
    { username, password }: Login,
    _: unknown,
    done: (error: Error | null, user?: object) => void,
  ) =>
    password === 'right'
      ? done(null, { user: username })
      : done(Object.assign(new Error('authentication failed'), { responseCode: 535 }))

  test.each([
    ['starttls', false],
    ['implicit', true],
  ] as const)('gets a message over %s, from whoever logged in', async (tls, secure) => {
    const receiver = await open({ secure, authOptional: false, onAuth })
    const channel = channelTo(receiver.port, tls, readFileSync(at('cert.pem'), 'utf8'))
    expect(await channel.send(alert())).toEqual({ kind: 'delivered' })
    await channel.close?.()
    expect(receiver.received).toMatchObject([{ isEncrypted: true, user: 'vigia' }])
  })

  test('gets nothing, and no password, when nobody vouches for its certificate', async () => {
    let logins = 0
    const receiver = await open({
      authOptional: false,
      onAuth: (...asked: Parameters<typeof onAuth>) => {
        logins++
        onAuth(...asked)
      },
    })
    const answer = await channelTo(receiver.port, 'starttls').send(alert())
    expect([answer.kind, logins, receiver.received.length]).toEqual(['retry', 0, 0])
  })
})

test('a webhook of a whole episode is verified by the library of Standard Webhooks', async () => {
  const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
  const receiver = await openHttpReceiver()
  const hook = createStandardWebhook({
    name: 'hook',
    url: receiver.url,
    secrets: [secret],
    guard: { allowedHosts: ['127.0.0.1'] },
    timeoutMs,
    now: Date.now,
  })
  const { center } = openCenter([hook])
  await center.look(lookOf('0', [finding('critical')]))
  await center.deliver()
  for (const id of ['1', '2', '3']) await center.look(lookOf(id, []))
  await center.deliver()
  const types = receiver.received.map(({ text, headers }) => {
    const verified = new Webhook(secret).verify(text, headers as Record<string, string>)
    return (verified as { type: string }).type
  })
  expect(types).toEqual(['vigia.alert.fired', 'vigia.alert.resolved'])
  await receiver.close()
})

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A center on a journal on disk, whose clock is that of the machine but for so much. */
function openCenter(channels: readonly AlertChannel[], beginsMs = 0) {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-center-'))
  folders.push(folder)
  let aheadMs = beginsMs
  const owner = { processId: process.pid, host: 'here', isAlive: () => true }
  const center = createAlertCenter({
    journal: openFileJournal<AlertEntry>({ folder, owner, now: Date.now, failure: 'ALERT_JOURNAL_FAILED' }),
    channels,
    settings: SETTINGS,
    world: { now: () => Date.now() + aheadMs },
    random: createRandom(1),
    claimant: { by: 'here', claimMs: 60_000, isGone: () => false },
  })
  return {
    center,
    pass: (ms: number) => {
      aheadMs += ms
    },
  }
}
