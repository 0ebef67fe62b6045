import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Attribute } from '../transaction/attributes.ts'
import { NO_SHAPE } from '../transaction/shape.ts'
import { createTestServer } from './serving.test-kit.ts'

const ATTRIBUTES: readonly Attribute[] = [
  { name: 'balance', kind: 'number', unit: 'currency', means: 'balance before' },
  { name: 'browser', kind: 'category' },
  { name: 'is_vip', kind: 'boolean' },
  { name: 'born', kind: 'time' },
  { name: 'note', kind: 'text' },
]

type Server = Awaited<ReturnType<typeof createTestServer>>
let server: Server
const open = async (unknown_fields: 'refuse' | 'ignore' = 'refuse', attributes = ATTRIBUTES) => {
  server = await createTestServer({ settings: { api: { unknown_fields } } })
  serve(attributes)
}
const serve = (attributes: readonly Attribute[]): void => {
  Object.assign(server.pipeline, { shape: { ...NO_SHAPE, attributes } })
}
beforeEach(() => open())
afterEach(() => server.app.close())

const PAYMENT = { transaction_id: 't1', user_id: 'ada', timestamp: '2026-01-31T09:30:00Z', amount: 12.34 }
const SENT = { balance: '10.5', browser: ' Firefox ', is_vip: 'no', born: '1955-03-02', note: 7 }
const READ = { balance: 10.5, browser: 'Firefox', is_vip: false, born: Date.UTC(1955, 2, 2), note: '7' }

const post = (url: string, payload: unknown) =>
  server.app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })
const get = async (url: string) => (await server.app.inject({ method: 'GET', url })).json()
const transactionOf = async (id: string) => (await get(`/predictions/${id}`)).transaction

/** The problems that an answer names. */
const problemsOf = (body: string): readonly string[] => {
  const { error } = JSON.parse(body) as { error: { code: string; message: string } }
  expect(error.code).toBe('REQUEST_TRANSACTION_INVALID')
  return error.message
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
}

describe('attributes of a request', () => {
  test('are decided on, and shown with the decision as they were read', async () => {
    expect((await post('/predict', { ...PAYMENT, attributes: SENT })).statusCode).toBe(200)
    expect((await transactionOf('t1')).attributes).toEqual(READ)
    // What is shown can be sent again: it is the same transaction.
    const again = await post('/predict', await transactionOf('t1'))
    expect(again.json()).toMatchObject({ transaction_id: 't1', repeated: true })
  })

  test.each([{}, { attributes: null }, { attributes: {} }, { attributes: { browser: null, note: ' ' } }])(
    'may be missing: %j',
    async (given) => {
      expect((await post('/predict', { ...PAYMENT, ...given })).statusCode).toBe(200)
      expect(await transactionOf('t1')).not.toHaveProperty('attributes')
    },
  )

  test('of the same id that say something else are another transaction', async () => {
    await post('/predict', { ...PAYMENT, attributes: SENT })
    const other = await post('/predict', { ...PAYMENT, attributes: { ...SENT, balance: 10.6 } })
    expect([other.statusCode, other.json().error.code]).toEqual([409, 'SERVING_TRANSACTION_DIFFERS'])
  })

  test('that cannot be read are refused, each by its name with what is allowed and what came', async () => {
    const attributes = { balance: 'much', browser: 1.5, is_vip: 2, born: 'soon', note: ['a'] }
    const problems = problemsOf((await post('/predict', { ...PAYMENT, attributes })).body)
    expect(problems).toEqual([
      'attributes.balance is no number. Allowed: a finite number, or its decimal text; got "much".',
      expect.stringMatching(
        /^attributes\.browser is a number that is not whole or not exact\. .* got 1\.5\.$/,
      ),
      'attributes.is_vip is neither true nor false. Allowed: true or false, yes or no, 1 or 0; got 2.',
      expect.stringMatching(/^attributes\.born is no instant\. Allowed: an ISO 8601 day, .* got "soon"\.$/),
      expect.stringMatching(/^attributes\.note is no text\. .* got \["a"\]\.$/),
    ])
    expect(problemsOf((await post('/predict', { ...PAYMENT, attributes: [1] })).body)).toEqual([
      'attributes is no mapping. Allowed: a JSON object of attributes: balance, browser, is_vip, born, note; got [1].',
    ])
  })

  test('that no model knows are refused, and so is one that stands beside the fields', async () => {
    const unknown = await post('/predict', { ...PAYMENT, attributes: { constructor: 1, Balance: 2 } })
    expect(problemsOf(unknown.body)).toEqual([
      'attributes.constructor is no attribute of the model in service. Allowed: balance, browser, is_vip, born, note; got "constructor".',
      'attributes.Balance is no attribute of the model in service. Allowed: balance, browser, is_vip, born, note; got "Balance".',
    ])
    expect(problemsOf((await post('/predict', { ...PAYMENT, balance: 3 })).body)).toEqual([
      'balance is no field of a transaction. Allowed: attributes.balance; got "balance".',
    ])
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 1]))
    expect(problemsOf((await post('/predict', { ...PAYMENT, attributes: many })).body)).toHaveLength(20)
    serve([])
    const none = await post('/predict', { ...PAYMENT, attributes: { balance: 1 } })
    expect(problemsOf(none.body)).toEqual([
      'attributes.balance is no attribute of the model in service. Allowed: none: the model in service has no attributes; got "balance".',
    ])
  })

  test('with the name of every prototype are refused before they are read', async () => {
    const body = JSON.stringify({ ...PAYMENT, attributes: {} }).replace('{}', '{"__proto__": {"balance": 1}}')
    const answer = await post('/predict', body)
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.statusCode).toBeLessThan(500)
    expect((await server.app.inject({ method: 'GET', url: '/predictions/t1' })).statusCode).toBe(404)
  })

  test('that no model knows are counted where they are ignored', async () => {
    await server.app.close()
    await open('ignore')
    const attributes = { ...SENT, campaign: 'spring', constructor: 1 }
    expect((await post('/predict', { ...PAYMENT, attributes, campaign: 1 })).statusCode).toBe(200)
    expect((await transactionOf('t1')).attributes).toEqual(READ)
    await post('/predict/batch', {
      transactions: [{ ...PAYMENT, transaction_id: 't2', attributes: { x: 1 } }],
    })
    const { body } = await server.app.inject({ method: 'GET', url: '/metrics' })
    expect(body).toMatch(/^vigia_request_unknown_attributes_total 3$/m)
    const wrong = await post('/predict', {
      ...PAYMENT,
      transaction_id: 't3',
      attributes: { balance: 'much' },
    })
    expect(problemsOf(wrong.body)).toHaveLength(1)
  })
})

describe('attributes in other ways of asking', () => {
  test('a batch and a stream of lines', async () => {
    const row = (transaction_id: string) => ({ ...PAYMENT, transaction_id, attributes: SENT })
    expect((await post('/predict/batch', { transactions: [row('a')] })).statusCode).toBe(200)
    const stream = await server.app.inject({
      method: 'POST',
      url: '/predict/batch',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: `${JSON.stringify(row('b'))}\n${JSON.stringify({ ...row('c'), attributes: { balance: {} } })}\n`,
    })
    expect(stream.body).toContain('attributes.balance is no number')
    for (const id of ['a', 'b']) expect((await transactionOf(id)).attributes).toEqual(READ)
  })

  test("MLflow's data frames, with columns named attributes.x", async () => {
    const flat = (id: string) => ({
      ...PAYMENT,
      transaction_id: id,
      ...Object.fromEntries(Object.entries(SENT).map(([name, value]) => [`attributes.${name}`, value])),
    })
    const { balance, ...others } = SENT
    const bodies = [
      { dataframe_split: { columns: Object.keys(flat('a')), data: [Object.values(flat('a'))] } },
      { dataframe_records: [flat('b')] },
      { instances: [{ ...PAYMENT, transaction_id: 'c', attributes: SENT }] },
      { inputs: Object.fromEntries(Object.entries(flat('d')).map(([name, value]) => [name, [value]])) },
      // In both ways at once: both are read.
      { instances: [{ ...PAYMENT, transaction_id: 'e', attributes: others, 'attributes.balance': balance }] },
    ]
    for (const body of bodies) expect((await post('/invocations', body)).statusCode).toBe(200)
    for (const id of ['a', 'b', 'c', 'd', 'e']) expect((await transactionOf(id)).attributes).toEqual(READ)
    // One that is given twice is neither of them.
    const twice = { ...PAYMENT, transaction_id: 'f', attributes: { balance: 1 }, 'attributes.balance': 2 }
    const refused = await post('/invocations', { instances: [twice] })
    expect(refused.statusCode).toBe(422)
    expect(refused.body).toContain('[0].attributes.balance is no number')
  })

  test('tensors of the open inference protocol, which its metadata name', async () => {
    const metadata = await get('/v2/models/fraud-detector')
    expect(metadata.inputs.slice(-7, -2)).toEqual([
      { name: 'attributes.balance', datatype: 'FP64', shape: [-1] },
      { name: 'attributes.browser', datatype: 'BYTES', shape: [-1] },
      { name: 'attributes.is_vip', datatype: 'BOOL', shape: [-1] },
      { name: 'attributes.born', datatype: 'BYTES', shape: [-1] },
      { name: 'attributes.note', datatype: 'BYTES', shape: [-1] },
    ])
    const tensor = (name: string, datatype: string, data: unknown[]) => ({ name, shape: [2], datatype, data })
    const inputs = [
      tensor('transaction_id', 'BYTES', ['a', 'b']),
      tensor('user_id', 'BYTES', ['ada', 'ada']),
      tensor('timestamp', 'BYTES', [PAYMENT.timestamp, PAYMENT.timestamp]),
      tensor('amount', 'FP64', [1, 1]),
      tensor('attributes.balance', 'FP64', [10.5, null]),
      tensor('attributes.browser', 'BYTES', ['Firefox', null]),
      tensor('attributes.is_vip', 'BOOL', [false, null]),
      tensor('attributes.born', 'INT64', [READ.born, null]),
      tensor('attributes.note', 'BYTES', ['7', null]),
    ]
    const answer = await post('/v2/models/fraud-detector/infer', { inputs })
    expect(answer.statusCode).toBe(200)
    expect((await transactionOf('a')).attributes).toEqual(READ)
    expect(await transactionOf('b')).not.toHaveProperty('attributes')
    const wrong = await post('/v2/models/fraud-detector/infer', {
      inputs: [...inputs.slice(0, 4), tensor('attributes.is_vip', 'BOOL', [1, 0])],
    })
    expect([wrong.statusCode, wrong.body]).toEqual([
      422,
      expect.stringContaining('has data that is not BOOL'),
    ])
  })
})

describe('the OpenAPI document', () => {
  const attributesOf = async (schema: string) =>
    (await get('/openapi.json')).components.schemas[schema].properties.attributes

  test('types the attributes of the models in service, before and after they are others', async () => {
    for (const schema of ['Transaction', 'TransactionAnswer', 'LoggedTransaction']) {
      const { properties, additionalProperties } = await attributesOf(schema)
      expect(Object.keys(properties)).toEqual(ATTRIBUTES.map(({ name }) => name))
      expect(properties.balance.type).toEqual(['number', 'string', 'boolean', 'null'])
      expect(properties.balance.description).toMatch(/balance before/i)
      expect(additionalProperties).toBe(false)
    }
    serve([{ name: 'speed', kind: 'number' }])
    expect(Object.keys((await attributesOf('Transaction')).properties)).toEqual(['speed'])
    serve([])
    expect((await attributesOf('Transaction')).properties).toEqual({})
  })

  test('asks for a user, unless the bank knows none: then nobody needs one', async () => {
    const required = async () => (await get('/openapi.json')).components.schemas.Transaction.required
    expect(await required()).toContain('user_id')
    const { user_id: _, ...payment } = PAYMENT
    expect((await post('/predict', payment)).statusCode).toBe(422)
    Object.assign(server.pipeline, { shape: { ...NO_SHAPE, hasUsers: false } })
    expect(await required()).toEqual(['transaction_id', 'timestamp', 'amount'])
    expect((await post('/predict', payment)).statusCode).toBe(200)
    expect(await transactionOf('t1')).not.toHaveProperty('user_id')
  })
})
