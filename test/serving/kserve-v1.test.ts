import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestServer } from '../../src/serving/serving.test-kit.ts'

let server: Awaited<ReturnType<typeof createTestServer>>
beforeEach(async () => {
  server = await createTestServer({ settings: { limits: { event_loop_delay: '0s' } } })
})
afterEach(() => server.app.close())

const get = (url: string) => server.app.inject({ method: 'GET', url })
const predict = (body: unknown, model = 'fraud-detector') =>
  server.app.inject({ method: 'POST', url: `/v1/models/${model}:predict`, payload: body as object })

const PAYMENT = { transaction_id: 'k1', user_id: 'ada', timestamp: '2026-01-31T09:30:00Z', amount: 12.34 }

describe("KServe's first protocol", () => {
  test('names the model in service, and says whether it can decide', async () => {
    expect((await get('/')).json()).toEqual({ status: 'alive' })
    expect((await get('/v1/models')).json()).toEqual({ models: ['fraud-detector'] })
    expect((await get('/v1/models/fraud-detector')).json()).toEqual({ name: 'fraud-detector', ready: true })
    server.pipeline.reason = 'the disk is full'
    const answer = await get('/v1/models/fraud-detector')
    expect([answer.statusCode, answer.json()]).toEqual([503, { name: 'fraud-detector', ready: false }])
  })

  test('decides on instances, as POST /predict does', async () => {
    const { predictions } = (
      await predict({ instances: [PAYMENT, { ...PAYMENT, transaction_id: 'k2' }] })
    ).json()
    const alone = (await server.app.inject({ method: 'POST', url: '/predict', payload: PAYMENT })).json()
    expect(predictions[0]).toEqual({ ...alone, repeated: false, latency_ms: expect.any(Number) })
    expect(predictions[1]).toMatchObject({ transaction_id: 'k2', probability: 1234 / 11_234 })
  })

  test('gives as many reasons as parameters ask for', async () => {
    const ask = async (parameters: unknown) =>
      (await predict({ instances: [PAYMENT], parameters })).json().predictions[0].reasons
    expect(await ask({ reasons: 1 })).toMatchObject([{ feature: 'amount' }])
    expect(await ask({ reasons: 2.0 })).toHaveLength(2)
    for (const none of [null, {}, { reasons: 0 }]) expect(await ask(none)).toBeUndefined()
  })

  test.each([
    [{ instances: [PAYMENT], parameters: { reasons: 21 } }, 422, 'with a whole number from 0 to 20'],
    [{ instances: [PAYMENT], parameters: { reasons: '3' } }, 422, 'parameters ask for what cannot be had'],
    [{ instances: [PAYMENT], parameters: { reason: 3 } }, 422, 'parameters ask for what cannot be had'],
    [{ instances: [PAYMENT], parameters: [3] }, 422, 'parameters ask for what cannot be had'],
    [{ instances: [] }, 422, 'instances is no list of rows'],
    [{ instances: [PAYMENT], more: 1 }, 422, 'more is not known here'],
    [{ instances: [PAYMENT, { ...PAYMENT, amount: 'x' }] }, 422, '[1].amount is no number'],
    [{ instances: [[1, 2]] }, 422, '[0]. is no transaction'],
  ])('refuses with a text: %j', async (body, status, says) => {
    const answer = await predict(body)
    expect([answer.statusCode, answer.json().error]).toEqual([status, expect.stringContaining(says)])
  })

  test('reads no bare NaN, and decides for no other model', async () => {
    const nan = await server.app.inject({
      method: 'POST',
      url: '/v1/models/fraud-detector:predict',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify({ instances: [PAYMENT] }).replace('12.34', 'NaN'),
    })
    expect([nan.statusCode, nan.json().error]).toEqual([400, expect.stringContaining('REQUEST_NOT_JSON')])
    const other = await predict({ instances: [PAYMENT] }, 'nobody')
    expect([other.statusCode, other.json().error]).toEqual([
      404,
      expect.stringContaining('SERVING_MODEL_UNKNOWN'),
    ])
  })
})
