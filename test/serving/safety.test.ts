import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import { reloadServer } from '../../src/serving/reload.ts'
import { parseApiKeys } from '../../src/serving/safety/api-keys.ts'
import { createTestServer, noBranches, type TestServerOptions } from '../../src/serving/serving.test-kit.ts'
import { eventually } from '../eventually.ts'

let server: Awaited<ReturnType<typeof createTestServer>>
afterEach(() => server?.app.close())

const start = async (options: TestServerOptions = {}) => {
  server = await createTestServer(options)
  return server
}

const PAYMENT = { transaction_id: 't1', user_id: 'ada', timestamp: '2026-01-31T09:30:00Z', amount: 12.34 }

const send = (
  payload: string | Buffer | object,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) => server.app.inject({ method: 'POST', url: '/predict', payload: payload as object, headers })

describe('requests that nobody should send', () => {
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
  const bodies: Readonly<Record<string, string | Buffer>> = {
    'no JSON': '{"amount": ',
    nothing: '',
    'a list': '[]',
    'a number': '5',
    null: 'null',
    'a number beyond all doubles': JSON.stringify(PAYMENT).replace('12.34', '1e400'),
    'a number of 400 digits': JSON.stringify(PAYMENT).replace('12.34', '9'.repeat(400)),
    'nesting of 100,000 levels': deep,
    'a prototype': '{"__proto__": {"amount": 1}, "transaction_id": "t"}',
    'a constructor': '{"constructor": {"prototype": {"admin": true}}}',
    'UTF-16': Buffer.from(JSON.stringify(PAYMENT), 'utf16le'),
    'bytes that are no UTF-8': Buffer.concat([
      Buffer.from('{"transaction_id": "'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]),
    'half a surrogate pair': JSON.stringify({ ...PAYMENT, transaction_id: '\ud800' }),
    'a control character': JSON.stringify({ ...PAYMENT, user_id: 'a\u0000b' }),
    'an id of 1,000 characters': JSON.stringify({ ...PAYMENT, transaction_id: 'x'.repeat(1000) }),
  }
  test.each(Object.keys(bodies))('%s: a client error with a code, and the server goes on', async (name) => {
    await start()
    const answer = await send(bodies[name]!)
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.statusCode).toBeLessThan(500)
    expect(answer.json().error).toMatchObject({
      code: expect.stringMatching(/^REQUEST_/),
      fix: expect.any(String),
    })
    expect((await send(PAYMENT)).statusCode).toBe(200)
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  test('a body beyond the limit, another type, another coding, another method, another path', async () => {
    await start({ settings: { limits: { body_size: 1 } } })
    const status = async (answer: ReturnType<typeof send>) => (await answer).statusCode
    expect(await status(send({ ...PAYMENT, location: 'x'.repeat(2000) }))).toBe(413)
    expect(await status(send('<xml/>', { 'content-type': 'text/xml' }))).toBe(415)
    expect(
      await status(
        send(JSON.stringify(PAYMENT), { 'content-type': 'application/json', 'content-encoding': 'gzip' }),
      ),
    ).toBe(415)
    expect((await server.app.inject({ method: 'DELETE', url: '/predict' })).statusCode).toBe(405)
    expect((await server.app.inject({ method: 'GET', url: '/../../etc/passwd' })).statusCode).toBe(404)
    expect(
      (await server.app.inject({ method: 'GET', url: '/predictions/%2e%2e%2f%2e%2e%2fetc' })).statusCode,
    ).toBe(404)
  })
})

describe('keys', () => {
  const keys = parseApiKeys(
    JSON.stringify([
      { name: 'shop', sha256: sha256('shop-key'), scopes: ['predict'], requests_per_minute: 3 },
      {
        name: 'desk',
        sha256: sha256('desk-key'),
        scopes: ['predict', 'feedback', 'read', 'admin', 'metrics'],
      },
    ]),
    'keys.json',
  )
  const ask = (url: string, key?: string, header = 'x-api-key') =>
    server.app.inject({
      method: 'GET',
      url,
      headers: key === undefined ? {} : { [header]: header === 'authorization' ? `Bearer ${key}` : key },
    })

  test('without one 401, with a wrong one 401, without the scope 403; health needs none', async () => {
    await start({ keys })
    expect((await ask('/model')).statusCode).toBe(401)
    expect((await ask('/model', 'guess')).statusCode).toBe(401)
    expect((await ask('/model', 'shop-key')).statusCode).toBe(403)
    expect((await ask('/model', 'desk-key')).statusCode).toBe(200)
    expect((await ask('/metrics', 'desk-key', 'authorization')).statusCode).toBe(200)
    expect((await ask('/health/live')).statusCode).toBe(200)
    expect(await logged(6)).not.toMatch(/desk-key|shop-key|guess/)
  })

  test('they are changed while the server runs: a removed one ends at once, in a stream too', async () => {
    await start({ keys })
    expect((await ask('/model', 'desk-key')).statusCode).toBe(200)
    await server.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = server.app.server.address() as AddressInfo
    const body = new TransformStream<string, string>()
    const writer = body.writable.getWriter()
    const answer = fetch(`http://127.0.0.1:${port}/predict/batch`, {
      method: 'POST',
      headers: { 'x-api-key': 'desk-key', 'content-type': 'application/x-ndjson' },
      body: body.readable.pipeThrough(new TextEncoderStream()),
      duplex: 'half',
    } as RequestInit)
    const line = (id: string) => `${JSON.stringify({ ...PAYMENT, transaction_id: id })}\n`
    void writer.write(line('s1'))
    const reader = (await answer).body!.pipeThrough(new TextDecoderStream()).getReader()
    expect(JSON.parse((await reader.read()).value!)).toMatchObject({ transaction_id: 's1' })
    reloadServer(server.app, { keys: keys.filter(({ name }) => name === 'shop') })
    void writer.write(line('s2'))
    expect(JSON.parse((await reader.read()).value!)).toMatchObject({
      error: { code: 'REQUEST_KEY_UNKNOWN' },
    })
    await writer.close()
    expect((await reader.read()).done).toBe(true)
    expect((await ask('/model', 'desk-key')).statusCode).toBe(401)
    expect((await ask('/model', 'shop-key')).statusCode).toBe(403)
    reloadServer(server.app, { keys })
    expect((await ask('/model', 'desk-key')).statusCode).toBe(200)
  })

  test('a key has its own limit of requests, and is told when to come again', async () => {
    await start({ keys })
    const predict = (n: number) =>
      server.app.inject({
        method: 'POST',
        url: '/predict',
        payload: { ...PAYMENT, transaction_id: `r${n}` },
        headers: { 'x-api-key': 'shop-key' },
      })
    const answers = []
    for (let n = 0; n < 5; n++) answers.push(await predict(n))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 429, 429])
    expect(Number(answers[4]!.headers['retry-after'])).toBeGreaterThan(0)
    expect((await ask('/model', 'desk-key')).statusCode).toBe(200)
  })

  test('an address that others can reach needs keys', async () => {
    await expect(start({ settings: { api: { host: '0.0.0.0' } } })).rejects.toMatchObject({
      code: 'SERVING_KEYS_MISSING',
    })
    await start({ keys, settings: { api: { host: '0.0.0.0' } } })
  })
})

describe('load', () => {
  test('more than the requests in flight are refused with 503 and Retry-After; health is answered', async () => {
    await start({ settings: { limits: { requests_in_flight: 4 } } })
    const address = await server.app.listen({ port: 0, host: '127.0.0.1' })
    let go = (): void => undefined
    server.pipeline.hold(new Promise<void>((resolve) => (go = resolve)))
    const predict = (n: number) =>
      fetch(`${address}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...PAYMENT, transaction_id: `l${n}` }),
      })
    const accepted = Array.from({ length: 4 }, (_, n) => predict(n))
    await requestsInFlight(4)
    const shed = await predict(9)
    expect(shed.status).toBe(503)
    expect(Number(shed.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await fetch(`${address}/health/live`)).status).toBe(200)
    go()
    expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect((await predict(9)).status).toBe(200)
  })

  test('an act of administration is answered however long it takes; another request may not stand still', async () => {
    const works = async (until: Promise<void>) => {
      await until
      return []
    }
    let stoodStill = (): void => undefined
    const twice = new Promise<void>((resolve) => (stoodStill = resolve))
    await start({
      settings: { limits: { idle_timeout: '20ms' } },
      branches: { ...noBranches, drop: () => works(twice) },
    })
    const address = await server.app.listen({ port: 0, host: '127.0.0.1' })
    let timeouts = 0
    server.app.server.on('connection', (socket) =>
      socket.on('timeout', () => {
        timeouts++
        if (timeouts === 2) stoodStill()
      }),
    )
    const post = (path: string, body: object) =>
      fetch(`${address}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const dropped = await post('/admin/state/branches/drop', { layout: 'a' })
    expect([dropped.status, await dropped.json(), timeouts]).toEqual([200, { branches: [] }, 2])
    let go = (): void => undefined
    server.pipeline.hold(new Promise<void>((resolve) => (go = resolve)))
    await expect(post('/predict', PAYMENT)).rejects.toThrow('fetch failed')
    go()
    expect(timeouts).toBe(3)
  })

  test('closing finishes what was accepted, then closes the pipeline', async () => {
    await start()
    const address = await server.app.listen({ port: 0, host: '127.0.0.1' })
    let go = (): void => undefined
    server.pipeline.hold(new Promise<void>((resolve) => (go = resolve)))
    const accepted = fetch(`${address}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(PAYMENT),
    })
    await requestsInFlight(1)
    const closed = server.app.close()
    // It is closing: nobody new is let in.
    await eventually(() => expect(server.app.server.listening).toBe(false))
    expect(server.pipeline.isClosed).toBe(false)
    go()
    expect((await accepted).status).toBe(200)
    await closed
    expect(server.pipeline.isClosed).toBe(true)
  })
})

describe('what is told', () => {
  test('one line a request, with its id, without bodies and without whose it was', async () => {
    await start()
    await server.app.inject({
      method: 'POST',
      url: '/predict',
      payload: PAYMENT,
      headers: { 'x-request-id': 'mine-1' },
    })
    const line = JSON.parse((await logged()).split('\n').find((text) => text.includes('/predict'))!)
    expect(line).toMatchObject({ request_id: 'mine-1', method: 'POST', route: '/predict', status: 200 })
    // Not "ada" or 12.34 anywhere: ids and durations may happen to have these signs.
    expect(JSON.stringify(line)).not.toMatch(/"ada"|"t1"|"amount"/)
  })

  test('a trace goes on in the answer and in the log; what is no trace is left out', async () => {
    await start()
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const ask = (traceparent: string) =>
      server.app.inject({ method: 'GET', url: '/model', headers: { traceparent } })
    expect(String((await ask(trace)).headers['traceparent'])).toContain('0af7651916cd43dd8448eb211c80319c')
    expect(await logged()).toContain('0af7651916cd43dd8448eb211c80319c')
    expect((await ask('drop table')).headers['traceparent']).toBeUndefined()
  })

  test('headers keep browsers from guessing, and no page of another origin may ask', async () => {
    await start()
    const answer = await server.app.inject({
      method: 'GET',
      url: '/model',
      headers: { origin: 'https://evil.example' },
    })
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    await server.app.close()
    await start({ settings: { security: { cors_origins: ['https://desk.example'] } } })
    const allowed = await server.app.inject({
      method: 'GET',
      url: '/model',
      headers: { origin: 'https://desk.example' },
    })
    expect(allowed.headers['access-control-allow-origin']).toBe('https://desk.example')
  })
})

/** Resolves when the server works on that many. */
async function requestsInFlight(count: number): Promise<void> {
  await eventually(async () => {
    const health = await server.app.inject({ method: 'GET', url: '/health/ready' })
    expect(health.json()).toMatchObject({ requests_in_flight: count })
  })
}

/** The lines of the log, once the first requests are told of; lines wait a moment for others. */
async function logged(requests = 1): Promise<string> {
  const finished = () => server.lines.join('').match(/"status":/g) ?? []
  await eventually(() => expect(finished().length).toBeGreaterThanOrEqual(requests))
  return server.lines.join('')
}
