import { afterEach, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import { parseApiKeys } from '../../src/serving/safety/api-keys.ts'
import { createTestServer, type TestServerOptions } from '../../src/serving/serving.test-kit.ts'

let server: Awaited<ReturnType<typeof createTestServer>> | undefined
afterEach(() => server?.app.close())

const start = async (options: TestServerOptions) => {
  server = await createTestServer(options)
  return server
}

const PAYMENT = { transaction_id: 't1', user_id: 'ada', timestamp: '2026-01-31T09:30:00Z', amount: 12.34 }

const ask = async (
  method: 'GET' | 'POST',
  url: string,
  headers: Readonly<Record<string, string>> = {},
  payload?: object,
): Promise<number> =>
  (await server!.app.inject({ method, url, headers, ...(payload !== undefined && { payload }) })).statusCode

describe('a server that a platform guards', () => {
  const key = { name: 'operator', sha256: sha256('secret'), scopes: ['admin', 'read'] }
  const keys = parseApiKeys(JSON.stringify([key]), 'keys.json')
  const security = { guarded_by: 'platform' } as const
  const api = { host: '0.0.0.0' }

  test('listens on any address without keys: decides and is read without one, and is not administered', async () => {
    await start({ settings: { security, api } })
    expect(await ask('POST', '/predict', {}, PAYMENT)).toBe(200)
    expect(await ask('GET', '/predictions/t1')).toBe(200)
    expect(await ask('GET', '/model')).toBe(200)
    expect(await ask('GET', '/metrics')).toBe(200)
    expect(await ask('GET', '/admin/models')).toBe(401)
  })

  test('passes over what the platform let the caller in with, and obeys keys that are its own', async () => {
    await start({ settings: { security, api }, keys })
    expect(await ask('POST', '/predict', { authorization: 'Bearer token-of-the-platform' }, PAYMENT)).toBe(
      200,
    )
    expect(await ask('GET', '/admin/models', { authorization: 'Bearer token-of-the-platform' })).toBe(401)
    expect(await ask('GET', '/admin/models', { 'x-api-key': 'secret' })).toBe(200)
    expect(await ask('GET', '/admin/models', { authorization: 'Bearer secret' })).toBe(200)
    expect(await ask('GET', '/model', { 'x-api-key': 'another' })).toBe(401)
    // A key says what its owner may do, and no more.
    expect(await ask('POST', '/predict', { 'x-api-key': 'secret' }, PAYMENT)).toBe(403)
  })

  test('is the only one without keys that listens to strangers', async () => {
    await expect(start({ settings: { api } })).rejects.toMatchObject({ code: 'SERVING_KEYS_MISSING' })
  })
})

describe('a server that is to end', () => {
  test('waits for requests no longer than the grace, and then saves and ends', async () => {
    const { app, pipeline } = await start({ settings: { limits: { shutdown_grace: '1s' } } })
    let letGo = (): void => undefined
    pipeline.hold(new Promise<void>((resolve) => (letGo = resolve)))
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const begun = new Promise<void>((resolve) => app.server.once('request', () => resolve()))
    const body = JSON.stringify(PAYMENT)
    const headers = { 'content-type': 'application/json' }
    const answer = fetch(`${address}/predict`, { method: 'POST', headers, body }).then(
      ({ status }) => status,
      () => 'cut',
    )
    await begun
    await app.close()
    expect([await answer, pipeline.isClosed]).toEqual(['cut', true])
    letGo()
  })
})

describe('routes of a platform', () => {
  const predict_route = '/v1/endpoints/17/deployedModels/4:predict'

  test('are those of MLflow by other names, which stay', async () => {
    await start({ settings: { api: { predict_route, health_route: '/v1/health' } } })
    const instances = { instances: [PAYMENT] }
    for (const route of [predict_route, '/invocations']) {
      expect(await ask('POST', route, {}, instances), route).toBe(200)
      expect(await ask('POST', `${route}?reasons=2`, {}, instances), route).toBeLessThan(500)
    }
    for (const route of ['/v1/health', '/ping', '/v1/health?probe=1'])
      expect(await ask('GET', route)).toBe(200)
    expect(await ask('GET', '/v1/other')).toBe(404)
    expect(await ask('GET', `${predict_route}/more`)).toBe(404)
  })

  test("may be KServe's of some model, whatever the one in service is called", async () => {
    const [predict_route, health_route] = ['/v1/models/fraud:predict', '/v1/models/fraud']
    await start({ settings: { api: { predict_route, health_route } } })
    expect(await ask('POST', predict_route, {}, { instances: [PAYMENT] })).toBe(200)
    expect(await ask('GET', health_route)).toBe(200)
    expect(await ask('POST', '/v1/models/fraud-detector:predict', {}, { instances: [PAYMENT] })).toBe(200)
    expect(await ask('POST', '/v1/models/other:predict', {}, { instances: [PAYMENT] })).toBe(404)
  })

  test('may be those that are there anyway', async () => {
    await start({ settings: { api: { predict_route: '/invocations', health_route: '/ping' } } })
    expect(await ask('GET', '/ping')).toBe(200)
  })

  test.each([
    ['api.predict_route', { predict_route: '/predict' }],
    ['api.predict_route', { predict_route: '/predictions/t1' }],
    ['api.health_route', { health_route: '/health/live' }],
    ['api.health_route', { predict_route: '/same', health_route: '/same' }],
  ])('are refused where they would hide another: %s', async (setting, api) => {
    await expect(start({ settings: { api } })).rejects.toMatchObject({
      code: 'SERVING_ROUTE_TAKEN',
      message: expect.stringContaining(setting),
    })
  })
})
