import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestServer, type TestServerOptions } from '../../src/serving/serving.test-kit.ts'
import { eventually } from '../eventually.ts'

// What no client library sends: bytes on a socket. Nothing of it is a failure of the server, and it answers
// everybody else as before.

let server: Awaited<ReturnType<typeof createTestServer>>
let port: number

const start = async (options: TestServerOptions = {}): Promise<void> => {
  server = await createTestServer(options)
  await server.app.listen({ port: 0, host: '127.0.0.1' })
  port = (server.app.server.address() as { readonly port: number }).port
}
beforeEach(() => start())
afterEach(() => server?.app.close())

const PAYMENT = { transaction_id: 't1', user_id: 'ada', timestamp: '2026-01-31T09:30:00Z', amount: 12.34 }
const BODY = JSON.stringify(PAYMENT)

const post = (body: string | Buffer, headers = ''): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
    ),
    Buffer.from(body),
  ])

/**
 * Everything that is answered to `sent` until the server closes the connection. After `answers` of them
 * (default: 1) a last request asks for its end, so that whatever the server took for another request is
 * answered before that one: no silence has to be waited for.
 */
const talk = (sent: string | Buffer, answers = 1): Promise<string> =>
  new Promise((resolve) => {
    let got = ''
    let isLeaving = false
    const socket = connect(port, '127.0.0.1', () => socket.write(sent))
    const finish = (): void => {
      socket.destroy()
      resolve(withoutFarewell(got))
    }
    socket.on('data', (data) => {
      got += data
      if (isLeaving || statusesOf(got).length < answers) return
      isLeaving = true
      socket.write(FAREWELL)
    })
    socket.on('error', finish)
    socket.on('close', finish)
  })

const FAREWELL = 'GET /health/live HTTP/1.1\r\nHost: a\r\nX-Request-Id: farewell\r\nConnection: close\r\n\r\n'

const withoutFarewell = (text: string): string =>
  text.includes('x-request-id: farewell') ? text.slice(0, text.lastIndexOf('HTTP/1.1 200')) : text

const statusesOf = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

const expectUnharmed = async (): Promise<void> => {
  const [status] = statusesOf(await talk(post(JSON.stringify({ ...PAYMENT, transaction_id: 'after' }))))
  expect(status).toBe(200)
}

const REFUSED: Readonly<Record<string, () => string | Buffer>> = {
  'no HTTP': () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n',
  'two lengths': () =>
    `POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n${BODY}`,
  'a length and chunks': () =>
    'POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin/models HTTP/1.1\r\nHost: a\r\n\r\n',
  'chunks behind another coding': () =>
    'POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'a negative length': () => 'POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
  'a length of 30 digits': () =>
    `POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\n`,
  'no host': () => 'GET /health HTTP/1.1\r\n\r\n',
  'a header with a line end in it': () => 'GET /health HTTP/1.1\r\nHost: a\r\nX-A: b\rX-B: c\r\n\r\n',
  'ten thousand headers': () =>
    `GET /health HTTP/1.1\r\nHost: a\r\n${Array.from({ length: 10_000 }, (_, n) => `X-${n}: ${n}`).join('\r\n')}\r\n\r\n`,
  'a header of a megabyte': () => `GET /health HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(1 << 20)}\r\n\r\n`,
  'an address of a megabyte': () => `GET /predictions/${'a'.repeat(1 << 20)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'a coding that is not read, a bomb inside': () =>
    post(gzipSync(Buffer.alloc(50 << 20)), 'Content-Encoding: gzip\r\n'),
  'a body that is longer than is allowed': () => post(`{"a": "${'x'.repeat(2 << 20)}"}`),
  'chunks that are longer than is allowed': () =>
    `POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n${'x'.repeat(0x200000)}\r\n0\r\n\r\n`,
  'a chunk size that is none': () =>
    'POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
  'an upgrade to what is not spoken': () =>
    'GET /predict HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'a path that climbs': () => 'GET /predictions/../../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n',
  'a path that climbs in code': () =>
    'GET /docs/static/..%2f..%2f..%2f..%2fpackage.json HTTP/1.1\r\nHost: a\r\n\r\n',
  'a path that is no code': () => 'GET /predictions/%zz%00 HTTP/1.1\r\nHost: a\r\n\r\n',
  'an id of NUL': () => 'GET /predictions/%00 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a method that is none': () => 'FRAUD /predict HTTP/1.1\r\nHost: a\r\n\r\n',
  'a key twice, other kinds': () =>
    post('{"transaction_id": "t", "user_id": "a", "user_id": {"b": 1}, "amount": 1}'),
}

test.each(Object.keys(REFUSED))('%s: refused, never a failure of the server', async (name) => {
  const answered = await talk(REFUSED[name]!())
  expect(statusesOf(answered).length).toBeGreaterThan(0)
  for (const status of statusesOf(answered)) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  }
  expect(answered).not.toMatch(/root:|"version"|\bat .*\.[jt]s:\d/)
  await expectUnharmed()
})

test('who takes it for a proxy is cut off', async () => {
  expect(await talk('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n')).toBe('')
  await expectUnharmed()
})

test('what a refused request has behind it is not taken for another request', async () => {
  const hidden = 'POST /admin/models/rollback HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'
  const answered = await talk(
    `POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  )
  expect(statusesOf(answered).length).toBeLessThanOrEqual(1)
  await expectUnharmed()
})

test('requests that are sent without waiting are answered in their order', async () => {
  const many = Array.from({ length: 50 }, (_, n) =>
    post(JSON.stringify({ ...PAYMENT, transaction_id: `p${n}` })),
  )
  const answered = await talk(Buffer.concat(many), many.length)
  expect(statusesOf(answered)).toEqual(Array(50).fill(200))
  expect([...answered.matchAll(/"transaction_id":"(p\d+)"/g)].map(([, id]) => id)).toEqual(
    many.map((_, n) => `p${n}`),
  )
})

test('a request that is never finished is ended with 408, though a byte of it comes now and then', async () => {
  await server.app.close()
  await start({ settings: { limits: { header_timeout: '500ms', body_timeout: '500ms' } } })
  const unfinished = [
    'GET /health HTTP/1.1\r\nHost: a\r\nX-A: ',
    'POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"a"',
  ]
  const answers = Array.from({ length: 20 }, (_, n) => drip(unfinished[n % 2]!))
  await expectUnharmed()
  for (const answer of await Promise.all(answers)) expect(statusesOf(answer)).toEqual([408])
})

/**
 * Sends `text`, then a byte now and then, until the server closes the connection. @returns what it answered
 */
const drip = (text: string): Promise<string> => {
  let got = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  const drops = setInterval(() => socket.write('a'), 100)
  socket.on('data', (data) => (got += data))
  socket.on('error', () => undefined)
  return new Promise((resolve) =>
    socket.on('close', () => {
      clearInterval(drops)
      resolve(got)
    }),
  )
}

test('clients that go away in the middle, thousands of times, leave nothing behind', async () => {
  const whole = post(BODY)
  for (let round = 0; round < 40; round++)
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(whole.subarray(0, (round * 50 + n) % whole.length))
          socket.destroy()
        })
        return new Promise<void>((resolve) =>
          socket.on('close', () => resolve()).on('error', () => undefined),
        )
      }),
    )
  await eventually(async () => {
    const page = await talk('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    // Requests for metrics are not among them.
    expect(/^vigia_http_requests_in_flight (\d+)$/m.exec(page)?.[1]).toBe('0')
  })
  await expectUnharmed()
})
