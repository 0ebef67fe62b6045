import { afterEach, describe, expect, test } from 'vitest'
import { createMemoryAlertChannel } from '../../src/adapters/memory/memory-alert-channel.ts'
import { DAY_MS, finding, lookOf, openDesk } from '../../src/alerts/alerts.test-kit.ts'
import { HEARTBEAT } from '../../src/alerts/report-channels.ts'
import { sha256 } from '../../src/foundation/hash.ts'
import { parseApiKeys } from '../../src/serving/safety/api-keys.ts'
import { createTestServer, type TestServerOptions } from '../../src/serving/serving.test-kit.ts'

const KEY = 'vigia/fraud/drift/all'
const EVIL = `<img src=x onerror="alert(1)"><script>alert(2)</script>'"&`

let server: Awaited<ReturnType<typeof createTestServer>> | undefined
afterEach(() => server?.app.close())

/** A server with one channel that works and one that is broken, and an alert that fires. */
const start = async (options: TestServerOptions = {}) => {
  const desk = openDesk()
  const broken = new Map([
    ['pager', 'PAGER_KEY is not set'],
    [HEARTBEAT, 'BEAT is not set'],
  ])
  const center = desk.another({ channels: [desk.channel, createMemoryAlertChannel('pager')], broken })
  await center.reportChannels()
  await center.look(lookOf('monday', [finding('critical', { details: ['amount_log: .4 sd'] })]))
  await center.deliver()
  server = await createTestServer({
    alerts: {
      center,
      isKept: () => true,
      channels: [
        { name: 'desk', kind: 'slack_bot' },
        { name: 'pager', kind: 'pagerduty', broken: 'PAGER_KEY is not set' },
      ],
      heartbeat: { lastMs: () => 0, broken: 'BEAT is not set' },
    },
    world: { now: desk.now, monotonicMs: () => 0, newId: () => 'abcdefgh-and-more' },
    ...options,
  })
  const { app, audited } = server
  const get = (url: string, headers: Record<string, string> = {}) =>
    app.inject({ method: 'GET', url, headers })
  const post = (act: string, payload: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: `/admin/alerts/${act}`, payload, headers })
  return { desk, center, get, post, audited }
}

describe('GET /alerts', () => {
  test('tells what fires, what waits and why, the channels, the looks, and the heartbeat', async () => {
    const { get, desk } = await start()
    const answer = await get('/alerts')
    expect(answer.statusCode).toBe(200)
    const at = new Date(desk.now()).toISOString()
    expect(answer.json()).toEqual({
      at,
      alerts: [
        {
          key: KEY,
          model: 'fraud',
          kind: 'drift',
          segment: '',
          status: 'firing',
          severity: 'critical',
          summary: 'drift is critical',
          details: ['amount_log: .4 sd'],
          advice: expect.stringContaining('vigia monitor'),
          since: at,
          acknowledged: null,
          silence: null,
          told: { at, severity: 'critical', channels: ['desk', 'pager'], messages: 1 },
        },
      ],
      waiting: [
        {
          id: expect.stringMatching(/^[0-9a-f]{24}\.0@pager$/),
          channel: 'pager',
          key: KEY,
          reason: 'fired',
          severity: 'critical',
          created_at: at,
          attempts: 0,
          next_at: at,
          is_under_way: false,
          last_failure: null,
        },
      ],
      dead_letters: [],
      silences: [],
      channels: [
        {
          name: 'desk',
          kind: 'slack_bot',
          state: 'working',
          failure: null,
          waiting: 0,
          dead_letters: 0,
          last_delivery_at: at,
        },
        {
          name: 'pager',
          kind: 'pagerduty',
          state: 'broken',
          failure: 'PAGER_KEY is not set',
          waiting: 1,
          dead_letters: 0,
          last_delivery_at: null,
        },
      ],
      looks: [{ model: 'fraud', monitor: 'daily', last_at: at, every_s: 86_400, is_missed: false }],
      heartbeat: { broken: 'BEAT is not set', last_at: null },
    })
  })

  test('sees at once what another process does on the same journal', async () => {
    const { get, desk } = await start()
    await desk.another({ channels: [] }).acknowledge(KEY, { by: 'luis' })
    expect((await get('/alerts')).json().alerts[0].acknowledged).toMatchObject({ by: 'luis' })
  })

  test('a server without alerts says so, and so does each act', async () => {
    server = await createTestServer()
    const { app, audited } = server
    for (const url of ['/alerts', '/alerts/history', '/alerts/page/content'])
      expect((await app.inject({ method: 'GET', url })).json().error).toMatchObject({
        code: 'ALERTS_NOT_CONFIGURED',
        fix: expect.stringContaining('alerts.channels'),
      })
    const alerts = { center: openDesk().center, channels: [], isKept: () => false }
    const another = await createTestServer({ alerts })
    expect((await another.app.inject({ method: 'GET', url: '/alerts' })).statusCode).toBe(409)
    await another.app.close()
    const payload = { key: KEY }
    const answer = await app.inject({ method: 'POST', url: '/admin/alerts/acknowledge', payload })
    expect([answer.statusCode, answer.json().error.code]).toEqual([409, 'ALERTS_NOT_CONFIGURED'])
    expect(audited).toMatchObject([{ act: 'alerts.acknowledge', outcome: 'ALERTS_NOT_CONFIGURED' }])
  })
})

test('a server without channels tells of alerts that its looks have told, and people act on them', async () => {
  const desk = openDesk()
  const center = desk.another({ channels: [] })
  await center.look(lookOf('monday', [finding('critical')]))
  server = await createTestServer({
    alerts: { center, channels: [], isKept: () => true },
    world: { now: desk.now, monotonicMs: () => 0, newId: () => 'abcdefgh-and-more' },
  })
  const { app } = server
  const get = (url: string) => app.inject({ method: 'GET', url })
  expect((await get('/alerts')).json()).toMatchObject({
    alerts: [{ key: KEY, status: 'firing', severity: 'critical', told: null }],
    channels: [],
    looks: [{ model: 'fraud', is_missed: false }],
  })
  expect((await get('/alerts/page/content')).body).toContain(KEY)
  const payload = { key: KEY, by: 'ana' }
  const acknowledged = await app.inject({ method: 'POST', url: '/admin/alerts/acknowledge', payload })
  expect([acknowledged.statusCode, acknowledged.json().alerts[0].acknowledged.by]).toEqual([
    200,
    'ana (127.0.0.1)',
  ])
  expect((await get('/metrics')).body).toMatch(/^vigia_alerts_firing\{.*kind="drift".*\} 1$/m)
})

describe('POST /admin/alerts', () => {
  test('acknowledges in the name of the key and the person, and tells the audit', async () => {
    const { post, center, audited } = await start()
    const answer = await post('acknowledge', { key: KEY, by: 'ana' })
    expect(answer.statusCode).toBe(200)
    expect(answer.json().alerts[0].acknowledged.by).toBe('ana (127.0.0.1)')
    expect(audited).toMatchObject([
      {
        act: 'alerts.acknowledge',
        who: '127.0.0.1',
        details: { key: KEY, by: 'ana (127.0.0.1)' },
        outcome: 'done',
      },
    ])
    expect(
      (await center.book()).audit.some(({ by, did }) => `${by} ${did}` === 'ana (127.0.0.1) acknowledged it'),
    ).toBe(true)
  })

  test('silences, ends the silence, plans one and cancels it', async () => {
    const { post, desk } = await start()
    const until = new Date(desk.now() + 8 * 3_600_000).toISOString()
    const silenced = await post('silence', { key: KEY, until: '8h', reason: 'known' })
    expect(silenced.json().alerts[0].silence).toEqual({
      until,
      reason: 'known',
      by: '127.0.0.1',
      planned: null,
    })
    expect((await post('unsilence', { key: KEY })).json().alerts[0].silence).toBeNull()
    const from = new Date(desk.now() - 60_000).toISOString()
    const planned = await post('plan', { model: 'fr*', from, until: '1d', reason: 'migration' })
    const untilPlanned = new Date(desk.now() - 60_000 + DAY_MS).toISOString()
    expect(planned.json().silences).toEqual([
      {
        id: 'abcdefgh',
        model: 'fr*',
        kind: '*',
        segment: '*',
        from,
        until: untilPlanned,
        reason: 'migration',
        by: '127.0.0.1',
        is_under_way: true,
      },
    ])
    expect(planned.json().alerts[0].silence).toMatchObject({ planned: 'abcdefgh', until: untilPlanned })
    expect((await post('cancel', { id: 'abcdefgh' })).json().silences).toEqual([])
  })

  test('forgets an alert or a model, and switches a channel on', async () => {
    const { post, desk, center } = await start()
    expect((await post('forget', { key: KEY })).json().alerts).toEqual([])
    expect((await post('forget', { model: 'fraud' })).json().looks).toEqual([])
    desk.channel.answerWith({ kind: 'refused', reason: 'gone', disables: true })
    await center.look(lookOf('tuesday', [finding('critical')]))
    await center.deliver()
    expect((await center.book()).disabled.has('desk')).toBe(true)
    const enabled = await post('enable', { channel: 'desk' })
    expect(enabled.json().channels[0]).toMatchObject({ name: 'desk', state: 'working' })
  })

  test.each([
    ['acknowledge', { key: 'vigia/x' }, 404, 'ALERT_UNKNOWN'],
    ['acknowledge', {}, 422, 'REQUEST_INVALID'],
    ['acknowledge', { key: KEY, who: 'ana' }, 422, 'REQUEST_INVALID'],
    ['silence', { key: KEY, until: 'tomorrow', reason: 'x' }, 422, 'REQUEST_INVALID'],
    ['silence', { key: KEY, until: '2020-01-01T00:00:00Z', reason: 'x' }, 422, 'ALERT_SILENCE_INVALID'],
    ['silence', { key: KEY, until: '1h', reason: ' ' }, 422, 'ALERT_SILENCE_INVALID'],
    ['silence', { key: KEY, until: '1h' }, 422, 'REQUEST_INVALID'],
    ['plan', { until: '2h', from: '3', reason: 'x' }, 422, 'REQUEST_INVALID'],
    ['cancel', { id: 'none' }, 404, 'ALERT_SILENCE_UNKNOWN'],
    ['forget', {}, 422, 'REQUEST_INVALID'],
    ['forget', { key: KEY, model: 'fraud' }, 422, 'REQUEST_INVALID'],
    ['forget', { model: 'other' }, 404, 'ALERT_MODEL_UNKNOWN'],
    ['enable', { channel: 'other' }, 404, 'ALERT_CHANNEL_UNKNOWN'],
  ])('%s %j is answered %i %s, and nothing is changed', async (act, payload, status, code) => {
    const { post, desk } = await start()
    const before = desk.place.lines.length
    const answer = await post(act, payload)
    expect([answer.statusCode, answer.json().error.code]).toEqual([status, code])
    expect(desk.place.lines).toHaveLength(before)
  })

  test('needs the scope admin; to look needs read', async () => {
    const keys = parseApiKeys(
      JSON.stringify([
        { name: 'desk', sha256: sha256('desk-key'), scopes: ['read'] },
        { name: 'boss', sha256: sha256('boss-key'), scopes: ['admin'] },
      ]),
      'keys.json',
    )
    const { get, post, audited } = await start({ keys })
    const desk = { 'x-api-key': 'desk-key' }
    const boss = { 'x-api-key': 'boss-key' }
    const codes = async (urls: readonly string[], headers: Record<string, string>) =>
      Promise.all(urls.map(async (url) => (await get(url, headers)).statusCode))
    const guarded = ['/alerts', '/alerts/history', '/alerts/page/content']
    expect(await codes(guarded, {})).toEqual([401, 401, 401])
    expect(await codes(guarded, boss)).toEqual([403, 403, 403])
    expect(await codes(guarded, desk)).toEqual([200, 200, 200])
    expect((await post('acknowledge', { key: KEY }, desk)).statusCode).toBe(403)
    expect((await post('acknowledge', { key: KEY }, boss)).statusCode).toBe(200)
    expect(audited).toMatchObject([{ who: 'boss', details: { by: 'boss' } }])
  })
})

test('GET /alerts/history tells the latest first, of one alert where it is asked for', async () => {
  const { get, post } = await start()
  await post('acknowledge', { key: KEY })
  const { records } = (await get('/alerts/history?limit=2')).json()
  expect(records.map(({ did }: { did: string }) => did)).toEqual(['acknowledged', 'acknowledged it'])
  const all = (await get('/alerts/history')).json().records
  expect(all.length).toBeGreaterThan(3)
  expect((await get('/alerts/history?key=vigia%2Fx')).json()).toEqual({ records: [] })
  expect((await get('/alerts/history?limit=0')).statusCode).toBe(422)
})

describe('GET /alerts/page', () => {
  test('page, style and script need no key, hold nothing of the alerts, and allow no other script', async () => {
    const { get } = await start()
    for (const [url, type] of [
      ['/alerts/page', 'text/html'],
      ['/alerts/page/style.css', 'text/css'],
      ['/alerts/page/client.js', 'text/javascript'],
    ] as const) {
      const { statusCode, headers, body } = await get(url)
      expect([statusCode, headers['content-type']]).toEqual([200, `${type}; charset=utf-8`])
      expect(body).not.toContain('fraud')
      const policy = String(headers['content-security-policy'])
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/)
      expect(policy).not.toContain('unsafe')
    }
  })

  test('has neither scripts nor styles nor handlers in its HTML, which its policy would not run', async () => {
    const { get } = await start()
    for (const url of ['/alerts/page', '/alerts/page/content']) {
      const { body } = await get(url)
      expect(body).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/i)
    }
  })

  test('runs nothing of what alerts, people and receivers say', async () => {
    const { get, post, center, desk } = await start()
    const texts = { segment: EVIL, summary: EVIL, details: [EVIL], kind: EVIL }
    desk.channel.answerWith({ kind: 'refused', reason: EVIL, disables: true })
    await center.look({
      ...lookOf('tuesday', [finding('critical', texts)]),
      model: EVIL,
      monitor: EVIL,
      kinds: [EVIL],
    })
    await center.deliver()
    await post('silence', { key: KEY, until: '1h', reason: EVIL, by: EVIL.slice(0, 90) })
    await post('acknowledge', { key: KEY, by: EVIL.slice(0, 90) })
    await post('plan', { model: EVIL, segment: EVIL, until: '1h', reason: EVIL })
    const { body } = await get('/alerts/page/content')
    expect(body.split('&lt;img').length).toBeGreaterThan(10)
    expect(body).not.toMatch(/<img|<script|"[^"]*&quot;[^"]*"\s*onerror/)
    const tags = [...body.matchAll(/<\/?([a-z0-9]+)/g)].map(([, tag]) => tag)
    expect([...new Set(tags)].filter((tag) => !TAGS.includes(tag!))).toEqual([])
  })

  test('tells who acknowledged, what waits and why, silences, letters, and what is broken', async () => {
    const { get, post, desk, center } = await start()
    desk.channel.answerWith({ kind: 'refused', reason: 'no such room' })
    await center.look(
      lookOf('tuesday', [finding('critical', { segment: 'country=ES' }), finding('critical')]),
    )
    await center.deliver()
    await post('acknowledge', { key: KEY, by: 'ana' })
    await post('plan', { model: 'fr*', until: '1d', reason: 'migration' })
    const text = (await get('/alerts/page/content')).body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
    for (const said of [
      'Firing: 2 critical',
      'Taken on by ana (127.0.0.1)',
      'What to do: Look at the drift report',
      'Nothing is sent through pager: PAGER_KEY is not set',
      'No signs of life are sent: BEAT is not set',
      'its channel is broken',
      'migration',
      'no such room',
      'gave up',
    ])
      expect(text).toContain(said)
  })

  test('every field has a label, every id is there once, and every button says what it does', async () => {
    const { get, post, center } = await start()
    await center.look(
      lookOf('tuesday', [finding('critical', { segment: 'country=ES' }), finding('critical')]),
    )
    await post('plan', { model: 'fr*', until: '1d', reason: 'migration' })
    const page = (await get('/alerts/page')).body + (await get('/alerts/page/content')).body
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
    const fields = [...page.matchAll(/<(?:input|select)[^>]*>/g)].map(([tag]) => tag)
    const shown = fields.filter((tag) => !tag.includes('type="hidden"'))
    expect(shown.length).toBeGreaterThan(10)
    for (const tag of shown) {
      const id = /\sid="([^"]*)"/.exec(tag)?.[1]
      expect(page).toMatch(
        new RegExp(
          `<label[^>]*>[^<]+<(input|select)[^>]*id="${id}"|<label[^>]*><input id="${id}"[^>]*>[^<]+<`,
        ),
      )
    }
    for (const [, text] of page.matchAll(/<button[^>]*>([^<]*)<\/button>/g)) expect(text).toMatch(/\w{4}/)
    for (const [, region] of page.matchAll(/<div class="scroll"([^>]*)>/g))
      expect(region).toMatch(/role="region" tabindex="0" aria-label="[^"]+"/)
  })
})

/** Tags that the page is made of. */
const TAGS =
  'p,time,span,h2,h3,article,details,summary,ul,li,div,form,input,button,label,select,option,code,br,strong,table,thead,tbody,tr,th,td'.split(
    ',',
  )

test('GET /metrics tells what fires, what waits, what is broken, and when a message was taken last', async () => {
  const { get, desk, center } = await start()
  // One that was seen once does not fire.
  await center.look({ ...lookOf('monday', [finding('moderate')]), model: 'other' })
  const { body } = await get('/metrics')
  expect(body.match(/^vigia_alerts_firing\{/gm)).toHaveLength(1)
  const seconds = desk.now() / 1000
  for (const line of [
    'vigia_alerts_firing{model="fraud",kind="drift",severity="critical"} 1',
    `vigia_alerts_read_timestamp_seconds ${seconds}`,
    'vigia_alert_messages_waiting{channel="desk"} 0',
    'vigia_alert_messages_waiting{channel="pager"} 1',
    'vigia_alert_dead_letters{channel="pager"} 0',
    'vigia_alert_channel_broken{channel="desk"} 0',
    'vigia_alert_channel_broken{channel="pager"} 1',
    'vigia_alert_channel_switched_off{channel="desk"} 0',
    `vigia_alert_last_delivery_timestamp_seconds{channel="desk"} ${seconds}`,
    'vigia_alert_last_delivery_timestamp_seconds{channel="pager"} 0',
    'vigia_alert_heartbeat_broken 1',
    'vigia_alert_heartbeat_timestamp_seconds 0',
  ])
    expect(body.split('\n')).toContain(line)
})
