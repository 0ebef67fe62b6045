import { afterEach, beforeEach, expect, test } from 'vitest'
import { createControlSampler } from '../../src/decisions/control-sample.ts'
import { createTestServer } from '../../src/serving/serving.test-kit.ts'

/** Of 300 the test model says .75, of 50 a third; it flags from .5 on. */
const [SUSPICIOUS, HONEST] = [300, 50]

let server: Awaited<ReturnType<typeof createTestServer>>
beforeEach(async () => {
  server = await createTestServer()
})
afterEach(async () => {
  await server.app.close()
})

const post = (url: string, payload: object, headers: Record<string, string> = {}) =>
  server.app.inject({ method: 'POST', url, headers, payload })

const payment = (transaction_id: string, amount: number) => ({
  transaction_id,
  user_id: 'ada',
  timestamp: '2026-02-01T12:00:00Z',
  amount,
})

/** Everything that may be drawn is, up to 1,000 of any currency. */
const drawAll = (): void => {
  server.pipeline.controlSample = createControlSampler({
    letThrough: 1,
    review: 1,
    mostAmountMinor: { other: 100_000 },
    except: {},
    salt: 'a secret',
  })
}

const LET_THROUGH = {
  decision: 'allow',
  is_flagged: false,
  is_fraud: false,
  risk_level: 'high',
  probability: 0.75,
  control_sample: { drawn: 'let_through', propensity: 1 },
}
const REVIEWED = {
  decision: 'allow',
  is_flagged: false,
  control_sample: { drawn: 'review', propensity: 1 },
}

test('every route that decides says what was let through, and what is for review', async () => {
  drawAll()
  expect((await post('/predict', payment('a', SUSPICIOUS))).json()).toMatchObject(LET_THROUGH)
  const both = [payment('b', SUSPICIOUS), payment('c', HONEST)]
  expect((await post('/predict/batch', both)).json().predictions).toMatchObject([LET_THROUGH, REVIEWED])
  const lines = await server.app.inject({
    method: 'POST',
    url: '/predict/batch',
    headers: { 'content-type': 'application/x-ndjson' },
    payload: both.map((row) => JSON.stringify(row)).join('\n'),
  })
  const streamed = lines.body.trim().split('\n')
  expect(streamed.map((line) => JSON.parse(line))).toMatchObject([LET_THROUGH, REVIEWED])
  const model = '/v1/models/fraud-detector:predict'
  expect((await post(model, { instances: both })).json().predictions).toMatchObject([LET_THROUGH, REVIEWED])
  const invoked = await post('/invocations', { dataframe_records: both })
  expect(invoked.json().predictions).toMatchObject([LET_THROUGH, REVIEWED])
  const found = await server.app.inject({ url: '/predictions/a' })
  expect(found.json()).toMatchObject(LET_THROUGH)
  const bytes = (data: readonly string[], name: string) => ({
    name,
    datatype: 'BYTES',
    shape: [data.length],
    data,
  })
  const inferred = await post('/v2/models/fraud-detector/infer', {
    inputs: [
      bytes(
        both.map((row) => JSON.stringify(row)),
        'transaction',
      ),
    ],
    outputs: [{ name: 'is_flagged' }, { name: 'control_sample' }],
  })
  expect(inferred.json().outputs.map(({ data }: { data: unknown }) => data)).toEqual([
    [false, false],
    ['let_through', 'review'],
  ])
})

test('what has no chance, or was not drawn, says nothing of it, and is answered as without a sample', async () => {
  const before = (await post('/predict', payment('a', SUSPICIOUS))).json()
  expect(before).toMatchObject({ is_flagged: true, decision: 'flag' })
  drawAll()
  const large = (await post('/predict', payment('b', 1001))).json()
  expect([large.is_flagged, 'control_sample' in large]).toEqual([true, false])
  server.pipeline.controlSample = createControlSampler({
    letThrough: 1e-9,
    review: 1e-9,
    mostAmountMinor: { other: 100_000 },
    except: {},
    salt: 'a secret',
  })
  const lucky = (await post('/predict', payment('c', SUSPICIOUS))).json()
  expect([lucky.is_flagged, 'control_sample' in lucky]).toEqual([true, false])
})

test('a repeated transaction has the same answer, and counts once', async () => {
  drawAll()
  const first = (await post('/predict', payment('a', SUSPICIOUS))).json()
  const again = (await post('/predict', payment('a', SUSPICIOUS))).json()
  expect({ ...again, latency_ms: 0 }).toEqual({ ...first, latency_ms: 0, repeated: true })
  await post('/predict', payment('b', HONEST))
  const { body } = await server.app.inject({ url: '/metrics' })
  expect(body).toMatch(/^vigia_control_sample_total\{drawn="let_through"\} 1$/m)
  expect(body).toMatch(/^vigia_control_sample_total\{drawn="review"\} 1$/m)
})

test('a label may say who tells it; another word is refused with those that there are', async () => {
  await post('/predict', payment('a', SUSPICIOUS))
  const told = await post('/feedback', { transaction_id: 'a', is_fraud: true, origin: 'customer' })
  expect(told.json().outcome).toBe('applied')
  const { label } = (await server.app.inject({ url: '/predictions/a' })).json()
  expect(label).toMatchObject({ is_fraud: true, origin: 'customer' })
  const refused = await post('/feedback', { transaction_id: 'a', is_fraud: false, origin: 'chargeback' })
  expect(refused.statusCode).toBe(422)
  expect(refused.json().error.problems).toMatchObject([
    { field: 'origin', allowed: 'alert, customer, sample' },
  ])
})
