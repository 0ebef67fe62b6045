import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Feedback } from '../../src/decisions/inference-pipeline.ts'
import { createTestServer } from '../../src/serving/serving.test-kit.ts'
import { NO_SHAPE } from '../../src/transaction/shape.ts'

type Server = Awaited<ReturnType<typeof createTestServer>>
let server: Server
beforeEach(async () => {
  server = await createTestServer()
})
afterEach(() => server.app.close())

const PAYMENT = {
  transaction_id: 't1',
  user_id: 'ada',
  timestamp: '2026-01-31T09:30:00Z',
  amount: 12.34,
  merchant_id: 'shop',
  merchant_category: 'food',
  latitude: 40.4,
  longitude: -3.7,
}

const post = (url: string, payload: unknown, headers: Record<string, string> = {}) =>
  server.app.inject({ method: 'POST', url, payload: payload as object, headers })
const get = (url: string) => server.app.inject({ method: 'GET', url })
const lines = (url: string, rows: readonly unknown[]) =>
  server.app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-ndjson' },
    payload: rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'),
  })

describe('POST /predict', () => {
  test('answers probability, decision, level, threshold, model, names and time', async () => {
    const answer = await post('/predict', PAYMENT)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      prediction_id: 'log-1',
      transaction_id: 't1',
      sequence: 1,
      repeated: false,
      late: false,
      timing: 'in_order',
      probability: 1234 / 11_234,
      decision: 'allow',
      is_flagged: false,
      is_fraud: false,
      risk_level: 'medium',
      threshold: 0.5,
      model: { name: 'fraud-detector', version: '3' },
      role: 'champion',
      decided_at: '2026-02-01T00:00:00.001Z',
      latency_ms: expect.any(Number),
    })
  })

  test('gives reasons when they are asked for', async () => {
    const answer = await post('/predict?reasons=1', PAYMENT)
    expect(answer.json().reasons).toEqual([
      { feature: 'amount', value: 12.34, contribution: 1.5, direction: 'raises', text: 'amount is large' },
    ])
  })

  test('a transaction with nothing but what is required is decided on', async () => {
    const { transaction_id, user_id, timestamp, amount } = PAYMENT
    expect((await post('/predict', { transaction_id, user_id, timestamp, amount })).statusCode).toBe(200)
  })

  test('the same transaction again has the same answer, marked; with other contents it is a conflict', async () => {
    const first = (await post('/predict', PAYMENT)).json()
    const again = (await post('/predict', PAYMENT)).json()
    expect({ ...again, latency_ms: 0 }).toEqual({ ...first, latency_ms: 0, repeated: true })
    const other = await post('/predict', { ...PAYMENT, amount: 99 })
    expect([other.statusCode, other.json().error.code]).toEqual([409, 'SERVING_TRANSACTION_DIFFERS'])
  })

  test('every problem of a transaction is told at once, with what is allowed and what came', async () => {
    const answer = await post('/predict', {
      ...PAYMENT,
      amount: 0.001,
      timestamp: 'yesterday',
      latitude: 91,
      amout: 3,
    })
    expect(answer.statusCode).toBe(422)
    const { error } = answer.json()
    expect(error.code).toBe('REQUEST_TRANSACTION_INVALID')
    expect(error.problems.map(({ field }: { field: string }) => field).sort()).toEqual([
      'amount',
      'amout',
      'latitude',
      'timestamp',
    ])
    for (const problem of error.problems)
      expect(problem).toMatchObject({ what: expect.any(String), got: expect.any(String) })
    expect(error.request_id).toBe(answer.headers['x-request-id'])
  })

  test('a failure nobody foresaw is answered with a code and a request id, and no trace', async () => {
    server.pipeline.failure = new Error('secret detail')
    const answer = await post('/predict', PAYMENT)
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('secret detail')
    expect(answer.json().error).toMatchObject({ code: expect.any(String), request_id: expect.any(String) })
    expect(server.lines.join('')).toContain('secret detail')
  })
})

describe('many transactions', () => {
  test('a JSON body is answered row by row, errors in their places', async () => {
    const answer = await post('/predict/batch', {
      transactions: [PAYMENT, { amount: 1 }, { ...PAYMENT, transaction_id: 't2' }],
    })
    expect(answer.statusCode).toBe(200)
    const { predictions } = answer.json()
    expect(
      predictions.map(
        (row: { error?: { code: string }; transaction_id?: string }) => row.error?.code ?? row.transaction_id,
      ),
    ).toEqual(['t1', 'REQUEST_TRANSACTION_INVALID', 't2'])
  })

  test('a bare JSON list is the same as one with a name', async () => {
    const answer = await post('/predict/batch', [PAYMENT, { ...PAYMENT, transaction_id: 't2' }])
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({
      predictions: [{ transaction_id: 't1' }, { transaction_id: 't2' }],
      decided: 2,
      failed: 0,
    })
    const labels = await post('/feedback', [
      { transaction_id: 't1', is_fraud: true },
      { transaction_id: 't2', is_fraud: false },
    ])
    expect(labels.json()).toMatchObject({
      outcomes: [
        { transaction_id: 't1', outcome: 'applied' },
        { transaction_id: 't2', outcome: 'applied' },
      ],
      counts: { applied: 2, failed: 0 },
    })
    for (const url of ['/predict/batch', '/feedback'])
      expect((await post(url, [])).json().error.problems).toMatchObject([{ what: 'is no list of rows' }])
  })

  test('lines are answered by lines, in order, a broken one with its number', async () => {
    const answer = await lines('/predict/batch', [PAYMENT, '{"broken', { ...PAYMENT, transaction_id: 't2' }])
    const rows = answer.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows.map((row) => row.error?.code ?? row.transaction_id)).toEqual(['t1', 'REQUEST_NOT_JSON', 't2'])
    expect(rows[1].line).toBe(2)
  })

  test('more rows than a body may have are refused whole', async () => {
    const many = Array.from({ length: 1001 }, (_, n) => ({ ...PAYMENT, transaction_id: `m${n}` }))
    const answer = await post('/predict/batch', { transactions: many })
    expect(answer.statusCode).toBeGreaterThanOrEqual(413)
    expect((await get('/predictions/m0')).statusCode).toBe(404)
  })
})

describe('what was decided', () => {
  test('is found by prediction id and transaction id, with features and reasons; missing values are null', async () => {
    await post('/predict', PAYMENT)
    for (const id of ['log-1', 't1']) {
      const found = (await get(`/predictions/${id}`)).json()
      expect(found).toMatchObject({
        prediction_id: 'log-1',
        features: { amount: 12.34, user_count_1h: null },
      })
      expect(found.transaction).toMatchObject({
        transaction_id: 't1',
        amount: 12.34,
        timestamp: '2026-01-31T09:30:00.000Z',
      })
      expect(found.reasons).toHaveLength(2)
    }
    expect((await get('/predictions/nobody')).statusCode).toBe(404)
  })

  test('is answered without what a shadow said of it where that cannot be read, and says so', async () => {
    await post('/predict', PAYMENT)
    const found = (await get('/predictions/t1')).json()
    expect(found).not.toHaveProperty('shadow_unavailable')
    const { find } = server.pipeline
    Object.assign(server.pipeline, {
      find: async (id: string) => ({ ...(await find(id))!, isShadowUnreadable: true }),
    })
    const answer = await get('/predictions/t1')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ ...found, shadow_unavailable: true })
  })

  test('every route says is_flagged of the decision, and is_fraud too for one release; of a label is_fraud is the truth', async () => {
    const large = (id: string) => ({ ...PAYMENT, transaction_id: id, amount: 500 })
    const inputs = Object.entries(large('v')).map(([name, value]) => ({
      name,
      datatype: typeof value === 'number' ? 'FP64' : 'BYTES',
      shape: [1],
      data: [value],
    }))
    const { outputs } = (await post('/v2/models/fraud-detector/infer', { inputs })).json()
    const answers = [
      (await post('/predict', large('a'))).json(),
      (await post('/predict/batch', { transactions: [large('b')] })).json().predictions[0],
      (await lines('/predict/batch', [large('c')])).json(),
      (await post('/invocations', { instances: [large('d')] })).json().predictions[0],
      Object.fromEntries(outputs.map(({ name, data }: { name: string; data: unknown[] }) => [name, data[0]])),
      (await get('/predictions/a')).json(),
    ]
    for (const { is_flagged, is_fraud } of answers) expect([is_flagged, is_fraud]).toEqual([true, true])
    await post('/feedback', { transaction_id: 'a', is_fraud: false })
    expect((await get('/predictions/a')).json()).toMatchObject({
      is_flagged: true,
      label: { is_fraud: false },
    })
    const { Prediction, Label } = (await get('/openapi.json')).json().components.schemas
    expect(Prediction.properties.is_fraud).toMatchObject({
      deprecated: true,
      description: expect.stringContaining('is_flagged'),
    })
    expect(Label.properties.is_fraud.deprecated).toBeUndefined()
  })

  test('learns labels: single, several, as lines; told again they are unchanged, of nobody they wait', async () => {
    await post('/predict', PAYMENT)
    const single = await post('/feedback', { transaction_id: 't1', is_fraud: true })
    expect([single.statusCode, single.json().outcome]).toEqual([200, 'applied'])
    const bulk = await post('/feedback', {
      labels: [
        { transaction_id: 't1', is_fraud: true },
        { transaction_id: 'x', is_fraud: true },
      ],
    })
    expect(JSON.stringify(bulk.json())).toMatch(/unchanged.*waiting/)
    const streamed = await lines('/feedback', [
      { transaction_id: 't1', is_fraud: false },
      { transaction_id: 't1' },
    ])
    const rows = streamed.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect([rows[0].outcome, rows[1].error.code]).toEqual(['applied', expect.stringContaining('REQUEST')])
    expect((await get('/predictions/t1')).json().label.is_fraud).toBe(false)
    expect((await post('/feedback', { transaction_id: 't1', is_fraud: null })).json().outcome).toBe('applied')
    expect((await get('/predictions/t1')).json().label.is_fraud).toBeNull()
  })

  test('a label carries the transaction that was not decided on here, or names whose it was', async () => {
    const told: Feedback[] = []
    Object.assign(server.pipeline, {
      shape: { ...NO_SHAPE, attributes: [{ name: 'ip', kind: 'category' }] },
      applyFeedback: async (read: () => Feedback) => {
        told.push(read())
        return 'applied'
      },
    })
    const transaction = { ...PAYMENT, attributes: { ip: '203.0.113.7' } }
    await post('/feedback', { transaction_id: 't1', is_fraud: true, transaction })
    const { transaction_id, user_id, timestamp } = PAYMENT
    await post('/feedback', { transaction_id, user_id, timestamp, is_fraud: false, transaction: null })
    const eventTimeMs = Date.parse(timestamp)
    expect(told).toMatchObject([
      { transactionId: 't1', isFraud: true, transaction: { eventTimeMs, attributes: { ip: '203.0.113.7' } } },
      { transactionId: 't1', isFraud: false, userId: 'ada', eventTimeMs },
    ])
    expect(told[1]).not.toHaveProperty('transaction')
  })

  test.each([
    ['another one', { transaction: { ...PAYMENT, transaction_id: 't2' } }, ['transaction.transaction_id']],
    ['one beside names', { transaction: PAYMENT, user_id: 'ada', timestamp: 1 }, ['user_id', 'timestamp']],
    ['one that is none', { transaction: 7 }, ['transaction']],
    [
      'one with faults',
      { transaction: { ...PAYMENT, amount: 'x', lat: 1 } },
      ['transaction.amount', 'transaction.lat'],
    ],
  ])('a label is refused that carries %s', async (_, carried, fields) => {
    const answer = await post('/feedback', { transaction_id: 't1', is_fraud: true, ...carried })
    const { error } = answer.json()
    expect([answer.statusCode, error.code]).toEqual([422, 'REQUEST_INVALID'])
    expect(error.problems.map(({ field }: { field: string }) => field)).toEqual(fields)
  })
})

describe('the service', () => {
  test('a sample transaction is always predictable', async () => {
    for (let n = 0; n < 5; n++) {
      const sample = (await get('/sample-transaction')).json()
      const answer = await post('/predict', sample)
      expect([answer.statusCode, answer.json().repeated]).toEqual([200, false])
    }
  })

  test('is live while it cannot decide, and says why it is not ready', async () => {
    expect((await get('/health/ready')).statusCode).toBe(200)
    server.pipeline.reason = 'the disk is full'
    const ready = await get('/health/ready')
    expect([ready.statusCode, ready.body]).toEqual([503, expect.stringContaining('the disk is full')])
    expect((await get('/health/live')).statusCode).toBe(200)
    expect((await get('/ping')).statusCode).toBe(503)
    expect((await get('/v2/health/ready')).statusCode).toBe(503)
  })

  test('metrics count decisions, scores, statuses and labels', async () => {
    await post('/predict', PAYMENT)
    await post('/predict', PAYMENT)
    await post('/predict', {})
    await post('/feedback', { transaction_id: 't1', is_fraud: true })
    const text = (await get('/metrics')).body
    const value = (pattern: RegExp) => Number(pattern.exec(text)?.[1])
    expect(value(/^vigia_predictions_total\{decision="allow",risk_level="medium",[^}]*\} (\S+)$/m)).toBe(1)
    expect(
      value(
        /^vigia_http_request_duration_seconds_count\{method="POST",route="\/predict",status="200"\} (\S+)$/m,
      ),
    ).toBe(2)
    expect(
      value(
        /^vigia_http_request_duration_seconds_count\{method="POST",route="\/predict",status="422"\} (\S+)$/m,
      ),
    ).toBe(1)
    expect(value(/^vigia_prediction_probability_count\{[^}]*\} (\S+)$/m)).toBe(1)
    expect(value(/^vigia_feedback_total\{[^}]*outcome="applied"[^}]*\} (\S+)$/m)).toBe(1)
  })

  test('metrics count each error by its code: of requests, of rows, of lines, and of addresses that nobody can read', async () => {
    await post('/predict', {})
    await post('/predict/batch', [PAYMENT, { ...PAYMENT, transaction_id: 't2', amount: 'much' }])
    await post('/feedback', [{ transaction_id: 't1' }])
    await lines('/predict/batch', ['{', {}])
    await get('/predictions/none')
    await get('/predictions/%ff')
    await get('/nowhere')
    const errors = Array.from(
      (await get('/metrics')).body.matchAll(/^vigia_errors_total\{code="(\w+)"\} (\d+)$/gm),
      ([, code, count]) => `${code} ${count}`,
    )
    expect(errors.sort()).toEqual([
      'PREDICTION_UNKNOWN 1',
      'REQUEST_INVALID 1',
      'REQUEST_MALFORMED 1',
      'REQUEST_NOT_JSON 1',
      'REQUEST_ROUTE_UNKNOWN 1',
      'REQUEST_TRANSACTION_INVALID 3',
    ])
  })

  test('metrics count times in seconds that have a fraction, whichever way they come', async () => {
    const payment = { ...PAYMENT, timestamp: 1774601920.25 }
    const { error } = (await post('/predict', payment)).json()
    expect(error.problems[0].what).toContain('looks like seconds since 1970')
    await post('/predict/batch', [payment, PAYMENT])
    await lines('/predict/batch', [payment])
    await post('/invocations', { dataframe_records: [payment] })
    await post('/predict', { ...PAYMENT, transaction_id: 't2', timestamp: 'yesterday' })
    expect((await get('/metrics')).body).toMatch(/^vigia_event_time_refused_total\{reason="seconds"\} 4$/m)
    const label = { transaction_id: 't1', is_fraud: true, user_id: 'ada', timestamp: '1774601920.25' }
    expect((await post('/feedback', label)).json().error.problems[0].what).toContain('looks like seconds')
  })

  test('models are listed, switched, rolled back, shadowed and given shares; every act is told of', async () => {
    const names = async () =>
      (await get('/model'))
        .json()
        .models.map(({ role, version }: { role: string; version: string }) => `${role} ${version}`)
    expect(await names()).toEqual(['champion 3'])
    expect((await post('/admin/models/switch', { source: 'good' })).statusCode).toBe(200)
    expect(await names()).toEqual(['champion 4'])
    expect((await post('/admin/models/rollback', {})).statusCode).toBe(200)
    expect((await post('/admin/models/rollback', {})).statusCode).toBe(409)
    expect((await post('/admin/models/switch', { source: 'bad' })).json().error.code).toBe(
      'MODEL_ARTIFACT_REFUSED',
    )
    expect((await post('/admin/models/shadow', { source: 'good' })).statusCode).toBe(200)
    expect((await post('/admin/models/canary', { source: 'good', share: 0.1 })).statusCode).toBe(200)
    expect((await post('/admin/models/canary', { source: 'good', share: 2 })).statusCode).toBe(422)
    expect(await names()).toEqual(['champion 3', 'shadow 4', 'canary 4'])
    expect(server.audited.map(({ outcome }) => outcome)).toEqual([
      'done',
      'done',
      'SERVING_NO_EARLIER_MODEL',
      'MODEL_ARTIFACT_REFUSED',
      'done',
      'done',
    ])
  })

  test('the log is written out on request, and the answer says where', async () => {
    await post('/predict', PAYMENT)
    expect((await post('/save-logs', {})).json()).toMatchObject({
      folder: 'logs',
      records: 1,
      files: [expect.any(String)],
    })
  })

  test('the OpenAPI document names every route that answers, and the page about it is there', async () => {
    const document = (await get('/openapi.json')).json()
    expect(document.openapi).toMatch(/^3\.1/)
    for (const path of [
      '/predict',
      '/predict/batch',
      '/feedback',
      '/health',
      '/sample-transaction',
      '/metrics',
      '/save-logs',
      '/model',
      '/invocations',
      '/admin/models/switch',
    ])
      expect(document.paths).toHaveProperty([path])
    const page = await get('/docs/')
    expect(page.body).toContain('swagger')
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    const script = await get('/docs/static/swagger-ui-bundle.js')
    expect([script.statusCode, script.headers['content-type']]).toEqual([
      200,
      'application/javascript; charset=utf-8',
    ])
    const missing = await get('/docs/static/nothing.js')
    expect([missing.statusCode, missing.json().error.code]).toEqual([404, 'REQUEST_ROUTE_UNKNOWN'])
  })
})

describe('clients of other servers', () => {
  test("MLflow's four shapes of input are decided on", async () => {
    const columns = ['transaction_id', 'user_id', 'timestamp', 'amount']
    const row = (id: string) => ({
      transaction_id: id,
      user_id: 'ada',
      timestamp: '2026-01-31T09:30:00Z',
      amount: 10,
    })
    for (const [n, body] of [
      { dataframe_split: { columns, data: [Object.values(row('a')), Object.values(row('b'))] } },
      { dataframe_records: [row('c'), row('d')] },
      { instances: [row('e'), row('f')] },
      {
        inputs: {
          transaction_id: ['g', 'h'],
          user_id: ['ada', 'ada'],
          timestamp: [1e12, 1e12],
          amount: [10, 10],
        },
      },
    ].entries()) {
      const answer = await post('/invocations', body)
      expect([n, answer.statusCode, answer.json().predictions?.length]).toEqual([n, 200, 2])
    }
    expect(
      (await post('/invocations', { dataframe_split: { columns: ['a'], data: [[1]] } })).statusCode,
    ).toBe(422)
  })

  test('the Open Inference Protocol names server and model, and decides on tensors', async () => {
    expect((await get('/v2')).statusCode).toBe(200)
    expect((await get('/v2/models/fraud-detector')).json()).toMatchObject({
      name: 'fraud-detector',
      inputs: expect.any(Array),
    })
    expect((await get('/v2/models/nobody')).statusCode).toBe(404)
    const tensor = (name: string, datatype: string, data: unknown[]) => ({
      name,
      datatype,
      shape: [data.length],
      data,
    })
    const answer = await post('/v2/models/fraud-detector/infer', {
      id: 'request 7',
      inputs: [
        tensor('transaction_id', 'BYTES', ['o1', 'o2']),
        tensor('user_id', 'BYTES', ['ada', 'bob']),
        tensor('timestamp', 'INT64', [1_700_000_000_000, 1_700_000_000_001]),
        tensor('amount', 'FP64', [10, 20]),
      ],
    })
    expect(answer.statusCode).toBe(200)
    const { id, outputs } = answer.json()
    expect(id).toBe('request 7')
    const probability = outputs.find(({ name }: { name: string }) => name === 'probability')
    expect(probability).toMatchObject({ datatype: 'FP64', shape: [2], data: [1000 / 11_000, 2000 / 12_000] })
    expect((await post('/v2/models/fraud-detector/infer', { inputs: [] })).json()).toHaveProperty('error')
  })
})
