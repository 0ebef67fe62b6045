import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createMlflowClient, type MlflowClient, type MlflowRequest } from './mlflow-client.ts'

const GET: MlflowRequest = { method: 'GET', path: '/api/x', query: { name: 'a b&c', page: undefined } }
const POST: MlflowRequest = { method: 'POST', path: '/api/make', body: { name: 'ñ' } }

/** What a test has opened; closed after it. */
const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

describe('a request', () => {
  test('carries its query, its credentials and JSON, below the path of the address', async () => {
    const { client, seen } = await serve([answer(200, { ok: true })], {
      environment: { MLFLOW_TRACKING_TOKEN: 't' },
      path: '/team',
    })
    expect(await client.ask(GET)).toEqual({ ok: true })
    expect(seen).toEqual([{ line: 'GET /team/api/x?name=a%20b%26c', authorization: 'Bearer t', body: '' }])
  })

  test.each([408, 429, 500, 502, 503, 504])('is sent again after %i', async (status) => {
    const { client, seen, pauses } = await serve([answer(status), answer(status), answer(200, { ok: true })])
    expect(await client.ask(POST)).toEqual({ ok: true })
    expect(seen.map(({ body }) => body)).toEqual(Array(3).fill('{"name":"ñ"}'))
    expect(pauses).toEqual([375, 750])
  })

  test('is sent again after a lost connection and after no answer in time', async () => {
    const { client, seen } = await serve([lose, neverAnswer, answer(200, { ok: true })], { timeoutMs: 1000 })
    expect(await client.ask(GET)).toEqual({ ok: true })
    expect(seen).toHaveLength(3)
  })

  test('waits as long as the server asks for', async () => {
    const { client, pauses } = await serve([answer(429, {}, { 'retry-after': '7' }), answer(200, {})])
    await client.ask(GET)
    expect(pauses).toEqual([7000])
  })

  test.each([400, 404, 409, 501])('is not sent again after %i', async (status) => {
    const { client, seen } = await serve([answer(status, { error_code: 'SOME_CODE', message: 'because' })])
    await expect(client.ask(POST)).rejects.toMatchObject({
      code: 'TRACKING_REFUSED',
      details: { request: 'POST /api/make', reason: `${status} SOME_CODE: because` },
    })
    expect(seen).toHaveLength(1)
  })
})

describe('a body that MLflow would lose a part of', () => {
  test('is not sent', async () => {
    const { client, seen } = await serve([])
    const body = { name: ['whole 🙂', 'half \ud83d'] }
    await expect(client.ask({ ...POST, body })).rejects.toMatchObject({ code: 'TRACKING_VALUE_INVALID' })
    expect(seen).toEqual([])
  })

  test('does not merely look like one', async () => {
    const { client } = await serve([answer(200, {})])
    expect(await client.ask({ ...POST, body: { name: '\\ud83d written out' } })).toEqual({})
  })
})

describe('what does not help in the end is said', () => {
  test('503 to the last is unreachable, with what the server says', async () => {
    const { client, seen } = await serve(Array(3).fill(answer(503, { message: 'database is locked' })))
    await expect(client.ask(GET)).rejects.toMatchObject({
      code: 'TRACKING_UNREACHABLE',
      details: { reason: 'it answers 503 database is locked' },
    })
    expect(seen).toHaveLength(3)
  })

  test('500 to the last is refused: it would fail tomorrow too', async () => {
    const { client } = await serve(
      Array(3).fill(answer(500, { error_code: 'INTERNAL_ERROR', message: 'oh' })),
    )
    await expect(client.ask(GET)).rejects.toMatchObject({
      code: 'TRACKING_REFUSED',
      details: { reason: '500 INTERNAL_ERROR: oh' },
    })
  })

  test('nobody there is unreachable', async () => {
    const { client, close } = await serve([])
    await close()
    await expect(client.ask(GET)).rejects.toMatchObject({
      code: 'TRACKING_UNREACHABLE',
      details: { reason: expect.stringContaining('ECONNREFUSED') },
    })
  })

  test('what is under way ends when we let go of it, and is not tried again', async () => {
    const { client, seen } = await serve(Array(3).fill(neverAnswer))
    const asking = client.ask(GET)
    client.close()
    await expect(asking).rejects.toMatchObject({
      code: 'TRACKING_UNREACHABLE',
      details: { reason: 'we stopped waiting' },
    })
    expect(seen.length).toBeLessThanOrEqual(1)
  })

  test('a silent server is unreachable', async () => {
    const { client } = await serve(Array(3).fill(neverAnswer), { timeoutMs: 200 })
    await expect(client.ask(GET)).rejects.toMatchObject({
      code: 'TRACKING_UNREACHABLE',
      details: { reason: 'no answer within 200 ms' },
    })
  })

  test.each([401, 403])('%i is unauthorized', async (status) => {
    const { client } = await serve([answer(status, 'You are not authenticated')])
    await expect(client.call(GET)).rejects.toMatchObject({ code: 'TRACKING_UNAUTHORIZED' })
  })

  test('a server that does not know its own name is no matter of credentials', async () => {
    const { client } = await serve([
      answer(403, 'Invalid Host header - possible DNS rebinding attack detected'),
    ])
    await expect(client.ask(GET)).rejects.toMatchObject({ code: 'TRACKING_REFUSED' })
  })

  test('what is not MLflow is refused', async () => {
    const { client } = await serve([answer(200, '<html><title>Router</title>')])
    await expect(client.ask(GET)).rejects.toThrow(/not JSON.*Router/)
  })

  test('a redirection is not followed, since a POST would arrive as a GET', async () => {
    const { client } = await serve([answer(302, '', { location: 'https://example.org/' })])
    await expect(client.ask(POST)).rejects.toThrow('sends us on to https://example.org/')
  })
})

describe('what must not be made twice', () => {
  const readId = (body: unknown): string => (body as { id: string }).id

  test('is looked for before it is sent again', async () => {
    const { client, seen } = await serve([lose, answer(200, { id: 'never' })])
    const keys: string[] = []
    const create = (key: string): MlflowRequest => ({ ...POST, body: { key } })
    const find = async (key: string): Promise<string> => {
      keys.push(key)
      return 'found'
    }
    expect(await client.createOnce(create, readId, find)).toBe('found')
    expect(seen.map(({ body }) => body)).toEqual([JSON.stringify({ key: keys[0] })])
  })

  test('is sent again with the same key when it is not there', async () => {
    const { client, seen } = await serve([answer(503), answer(200, { id: 'made' })])
    const create = (key: string): MlflowRequest => ({ ...POST, body: { key } })
    expect(await client.createOnce(create, readId, async () => undefined)).toBe('made')
    expect(seen[0]?.body).toBe(seen[1]?.body)
  })

  test('is looked for after the last attempt too', async () => {
    const { client } = await serve([lose, lose, lose])
    let looked = 0
    const find = async (): Promise<string | undefined> => (++looked === 3 ? 'found' : undefined)
    expect(await client.createOnce(() => POST, readId, find)).toBe('found')
  })

  test('has a key of its own each time', async () => {
    const { client, seen } = await serve([answer(200, { id: '1' }), answer(200, { id: '2' })])
    const create = (key: string): MlflowRequest => ({ ...POST, body: { key } })
    for (let i = 0; i < 2; i++) await client.createOnce(create, readId, async () => undefined)
    expect(seen[0]?.body).not.toBe(seen[1]?.body)
  })
})

describe('files', () => {
  test('are sent as they are, whole again after a lost connection', async () => {
    const { client, seen } = await serve([lose, answer(200, '')])
    await client.upload(fileWith('0123456789'), '/artifacts/x')
    expect(seen.map(({ line, body }) => [line, body])).toEqual(
      Array(2).fill(['PUT /artifacts/x', '0123456789']),
    )
  })

  test('are received whole after an answer that broke off', async () => {
    const breakOff: Reply = (_, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('01234', () => response.destroy())
    }
    const { client } = await serve([breakOff, answer(200, '0123456789')])
    const target = fileWith('')
    await client.download('/artifacts/x', target)
    expect(readFileSync(target, 'utf8')).toBe('0123456789')
  })

  test('a local file that is not there is no failure of the server', async () => {
    const { client, seen } = await serve([])
    await expect(client.upload('/no/such/file', '/artifacts/x')).rejects.not.toHaveProperty('fix')
    expect([seen.length, existsSync('/no/such/file')]).toEqual([0, false])
  })
})

type Reply = (request: IncomingMessage, response: ServerResponse) => void

const answer =
  (status: number, body: object | string = {}, headers = {}): Reply =>
  (_, response) => {
    response.writeHead(status, headers)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

const lose: Reply = (request) => {
  request.socket.destroy()
}

const neverAnswer: Reply = () => {}

interface ServeOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly path?: string
  readonly timeoutMs?: number
}

/** A server that gives one reply after the other, and a client with two repetitions that does not wait. */
async function serve(
  replies: readonly Reply[],
  { environment = {}, path = '', timeoutMs = 20_000 }: ServeOptions = {},
) {
  const seen: { line: string; authorization?: string; body: string }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { authorization } = request.headers
    const reply = replies[seen.length] ?? answer(418)
    const line = `${request.method} ${request.url}`
    seen.push({ line, ...(authorization && { authorization }), body: Buffer.concat(chunks).toString('utf8') })
    reply(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  opened.push(close)
  const pauses: number[] = []
  const client: MlflowClient = createMlflowClient({
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    environment,
    timeoutMs,
    retries: 2,
    random: () => 0.5,
    pause: async (ms) => {
      pauses.push(ms)
    },
  })
  return { client, seen, pauses, close }
}

function fileWith(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-client-'))
  opened.push(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'file')
  writeFileSync(path, content)
  return path
}
