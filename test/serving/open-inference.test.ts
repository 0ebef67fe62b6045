import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeTensor, encodeTensor } from '../../src/serving/inference/tensor-data.ts'
import { createTestServer, MODEL } from '../../src/serving/serving.test-kit.ts'
import { NO_SHAPE } from '../../src/transaction/shape.ts'

type Server = Awaited<ReturnType<typeof createTestServer>>
let server: Server
beforeEach(async () => {
  server = await createTestServer({ settings: { limits: { batch_rows: 4, event_loop_delay: '0s' } } })
})
afterEach(() => server.app.close())

const INFER = '/v2/models/fraud-detector/infer'

const send = (payload: Buffer | string, headers: Record<string, string> = {}, url = INFER) =>
  server.app.inject({ method: 'POST', url, payload, headers })
const sendJson = (body: object, url = INFER) => send(JSON.stringify(body), {}, url)
const get = async (url: string) => (await server.app.inject({ method: 'GET', url })).json()

interface Sent {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
  readonly bytes: Buffer
  /** What is said to be there; left out: what is. */
  readonly size?: number
}

/** As tritonclient writes a request: JSON, and the bytes of its tensors behind it. */
const binaryRequest = (tensors: readonly Sent[], more: object = {}) => {
  const inputs = tensors.map(({ bytes, size, ...tensor }) => ({
    ...tensor,
    parameters: { binary_data_size: size ?? bytes.length },
  }))
  const head = Buffer.from(JSON.stringify({ inputs, ...more }))
  return {
    body: Buffer.concat([head, ...tensors.map(({ bytes }) => bytes)]),
    headers: { 'inference-header-content-length': String(head.length) },
  }
}

const texts = (name: string, ...data: readonly string[]): Sent => ({
  name,
  datatype: 'BYTES',
  shape: [data.length],
  bytes: encodeTensor('BYTES', data),
})
const doubles = (name: string, ...data: readonly number[]): Sent => ({
  name,
  datatype: 'FP64',
  shape: [data.length],
  bytes: encodeTensor('FP64', data),
})

const TIME = '2026-01-31T09:30:00Z'
const payments = (...ids: readonly string[]) => [
  texts('transaction_id', ...ids),
  texts('user_id', ...ids.map(() => 'ada')),
  texts('timestamp', ...ids.map(() => TIME)),
  doubles('amount', ...ids.map((_, n) => 10 * (n + 1))),
]

describe('binary tensors', () => {
  test('are decided on without a content type, and answered as they were asked for', async () => {
    const { body, headers } = binaryRequest(
      [...payments('b1', 'b2'), doubles('latitude', Number.NaN, 40.4)],
      {
        id: 'seven',
        parameters: { binary_data_output: true },
        outputs: [
          { name: 'probability' },
          { name: 'risk_level', parameters: { binary_data: false } },
          { name: 'prediction_id' },
        ],
      },
    )
    const answer = await send(body, headers)
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/octet-stream'])
    const length = Number(answer.headers['inference-header-content-length'])
    const bytes = answer.rawPayload.subarray(length)
    expect(JSON.parse(answer.rawPayload.subarray(0, length).toString())).toEqual({
      model_name: 'fraud-detector',
      model_version: '3',
      id: 'seven',
      outputs: [
        { name: 'probability', shape: [2], datatype: 'FP64', parameters: { binary_data_size: 16 } },
        { name: 'risk_level', shape: [2], datatype: 'BYTES', data: ['low', 'medium'] },
        { name: 'prediction_id', shape: [2], datatype: 'BYTES', parameters: { binary_data_size: 18 } },
      ],
    })
    expect(decodeTensor('FP64', bytes.subarray(0, 16), 2)).toEqual([1000 / 11_000, 2000 / 12_000])
    expect(decodeTensor('BYTES', bytes.subarray(16), 2)).toEqual(['log-1', 'log-2'])
    const { transaction } = await get('/predictions/b2')
    expect(transaction).toMatchObject({ transaction_id: 'b2', amount: 20, latitude: 40.4 })
    expect((await get('/predictions/b1')).transaction).not.toHaveProperty('latitude')
  })

  test('may be mixed with tensors in the JSON, and be of other types', async () => {
    const amount = Buffer.alloc(4)
    amount.writeFloatLE(12.34)
    const millis = Buffer.alloc(8)
    millis.writeBigInt64LE(BigInt(Date.parse(TIME)))
    const request = binaryRequest([
      { name: 'amount', datatype: 'FP32', shape: [1, 1], bytes: amount },
      { name: 'timestamp', datatype: 'INT64', shape: [1], bytes: millis },
    ])
    const length = Number(request.headers['inference-header-content-length'])
    const json = JSON.parse(request.body.subarray(0, length).toString())
    json.inputs.unshift({ name: 'user_id', datatype: 'BYTES', shape: [1], data: ['ada'] })
    json.inputs.push({ name: 'transaction_id', datatype: 'INT32', shape: [1, 1], data: [[7]] })
    const head = Buffer.from(JSON.stringify(json))
    const answer = await send(Buffer.concat([head, request.body.subarray(length)]), {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toMatch('application/json')
    expect((await get('/predictions/7')).transaction).toMatchObject({ amount: 12.34, user_id: 'ada' })
  })

  const refused = async (sent: readonly Sent[], headers: Record<string, string> = {}) => {
    const request = binaryRequest(sent)
    const answer = await send(request.body, { ...request.headers, ...headers })
    return [answer.statusCode, answer.json().error] as const
  }

  test('are refused with what is wrong where a length is not what is there', async () => {
    const [first, ...others] = payments('c1') as [Sent, ...Sent[]]
    for (const [sent, says] of [
      [
        [{ ...first, size: 1e9 }],
        'inputs[0].parameters.binary_data_size is more than what came behind the JSON',
      ],
      [[{ ...first, size: -1 }], 'inputs[0].parameters.binary_data_size is no number of bytes'],
      [[{ ...first, size: 5 }, ...others], 'where its element 0 says that it has 2'],
      [[{ ...first, shape: [2] }, ...others], 'has 1 elements where its shape says 2'],
      [[{ ...first, shape: [1e15] }], 'has 1 elements where its shape says 1000000000000000'],
      [[first, first], 'inputs[1] comes a second time'],
      [[{ ...first, datatype: 'BF16' }], 'has a datatype that is none of BOOL'],
      [[{ ...first, bytes: Buffer.alloc(4, 1), size: 0 }], 'leave bytes over'],
    ] as const) {
      const [status, error] = await refused(sent)
      expect([says, status, error]).toEqual([says, 422, expect.stringContaining(says)])
    }
    for (const length of ['1000000', '-1', 'x', '0'])
      expect([length, await refused([first], { 'inference-header-content-length': length })]).toEqual([
        length,
        [400, expect.stringContaining('Inference-Header-Content-Length is')],
      ])
    expect(await refused([first], { 'inference-header-content-length': '3' })).toEqual([
      400,
      expect.stringContaining('REQUEST_NOT_JSON'),
    ])
    const many = await refused(payments('d1', 'd2', 'd3', 'd4', 'd5'))
    expect(many).toEqual([413, expect.stringContaining('limits.batch_rows')])
    expect((await get('/v2/models/stats')).model_stats[0]).toMatchObject({
      inference_count: 0,
      inference_stats: { success: { count: 0 }, fail: { count: 14 } },
    })
  })

  test('may be any bytes: the answer is never a failure of the server', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 40 }),
        fc.array(fc.record({ at: fc.nat({ max: 500 }), byte: fc.nat({ max: 255 }) }), { maxLength: 6 }),
        fc.option(fc.nat({ max: 600 })),
        async (tail, flips, length) => {
          const { body, headers } = binaryRequest(payments('e1', 'e2'))
          for (const { at, byte } of flips) if (at < body.length) body[at] = byte
          const said = length === null ? headers : { 'inference-header-content-length': String(length) }
          const answer = await send(Buffer.concat([body, tail]), said)
          expect([200, 400, 409, 413, 422]).toContain(answer.statusCode)
          if (answer.statusCode !== 200) expect(typeof answer.json().error).toBe('string')
        },
      ),
      { numRuns: 200 },
    ))
})

describe('transactions as JSON', () => {
  const PAYMENT = { transaction_id: 'j1', user_id: 'ada', timestamp: TIME, amount: 12.34 }

  test('are elements of BYTES or of the JSON, with bare NaN for what is missing', async () => {
    const text =
      '{"transaction_id":"j2","user_id":"ada","timestamp":"2026-01-31T09:30:00Z","amount":5,"latitude":NaN}'
    const { body, headers } = binaryRequest([texts('transaction', JSON.stringify(PAYMENT), text)])
    const answer = await send(body, headers)
    expect(answer.json().outputs[0].data).toEqual([1234 / 11_234, 500 / 10_500])
    const again = await sendJson({
      inputs: [{ name: 'transaction', datatype: 'BYTES', shape: [2], data: [PAYMENT, text] }],
    })
    expect(again.json()).toEqual(answer.json())
  })

  test('are refused one by one, and beside other tensors', async () => {
    const transaction = { name: 'transaction', datatype: 'BYTES', shape: [3], data: ['{', PAYMENT, '[]'] }
    const bad = await sendJson({ inputs: [transaction] })
    expect([bad.statusCode, bad.json().error]).toEqual([
      422,
      expect.stringContaining('[0].transaction is no JSON'),
    ])
    const list = await sendJson({ inputs: [{ ...transaction, shape: [1], data: ['[]'] }] })
    expect(list.json().error).toContain('[0]. is no transaction')
    const beside = await sendJson({
      inputs: [transaction, { name: 'amount', datatype: 'FP64', shape: [1], data: [1] }],
    })
    expect(beside.json().error).toContain('transaction comes beside others')
  })
})

describe('ready features', () => {
  const features = (shape: readonly number[], data: readonly unknown[], datatype = 'FP64') =>
    sendJson({ inputs: [{ name: 'features', datatype, shape, data }] })

  test('are scored by the champion alone: nothing is logged, and there is no prediction', async () => {
    const answer = await features([2, 2], [100, null, 300, 4])
    expect(answer.json().outputs).toEqual([
      { name: 'probability', datatype: 'FP64', shape: [2], data: [0.5, 0.75] },
      { name: 'is_fraud', datatype: 'BOOL', shape: [2], data: [true, true] },
      { name: 'risk_level', datatype: 'BYTES', shape: [2], data: ['high', 'high'] },
      { name: 'is_flagged', datatype: 'BOOL', shape: [2], data: [true, true] },
    ])
    expect(server.pipeline.status().log.lastSequence).toBe(0)
    const single = await send(
      '{"inputs":[{"name":"features","datatype":"FP32","shape":[1,2],"data":[[300,NaN]]}]}',
    )
    expect(single.json().outputs[0].data).toEqual([0.75])
  })

  test('must be as many as the model has, finite, and no more rows than a body may have', async () => {
    for (const [answer, says] of [
      [await features([2], [1, 2]), 'features has another shape'],
      [await features([1, 3], [1, 2, 3]), '[n, 2]: one value for each feature'],
      [await features([1, 2], ['a', 'b'], 'BYTES'), 'features has another datatype'],
      [await features([5, 2], Array(10).fill(1)), 'limits.batch_rows'],
      [await features([0, 2], []), 'is no list of rows'],
    ] as const)
      expect(answer.json().error).toContain(says)
    const { body, headers } = binaryRequest([{ ...doubles('features', 1, -Infinity), shape: [1, 2] }])
    expect((await send(body, headers)).json().error).toContain('[0].user_count_1h is infinite')
    const asked = await sendJson({
      inputs: [{ name: 'features', datatype: 'FP64', shape: [1, 2], data: [1, 2] }],
      outputs: [{ name: 'prediction_id' }],
    })
    expect(asked.json().error).toContain('outputs has an output that there is not')
  })
})

describe("what Triton's clients ask beside decisions", () => {
  test('metadata and configuration describe fields, attributes, transactions and features', async () => {
    Object.assign(server.pipeline, { shape: { ...NO_SHAPE, attributes: [{ name: 'age', kind: 'number' }] } })
    const { inputs } = await get('/v2/models/fraud-detector')
    expect(inputs.slice(-3)).toEqual([
      { name: 'attributes.age', datatype: 'FP64', shape: [-1] },
      {
        name: 'transaction',
        datatype: 'BYTES',
        shape: [-1],
        parameters: { content_type: 'application/json' },
      },
      {
        name: 'features',
        datatype: 'FP64',
        shape: [-1, 2],
        parameters: { feature_names: MODEL.featureNames },
      },
    ])
    const config = await get('/v2/models/fraud-detector/versions/3/config')
    expect(config).toMatchObject({ name: 'fraud-detector', platform: 'vigia', max_batch_size: 0 })
    expect(config.input.at(-1)).toEqual({
      name: 'features',
      data_type: 'TYPE_FP64',
      dims: [-1, 2],
      format: 'FORMAT_NONE',
      optional: true,
    })
    expect(config.output[2]).toEqual({ name: 'risk_level', data_type: 'TYPE_STRING', dims: [-1] })
  })

  test('statistics count rows and requests of the model in service', async () => {
    const { body, headers } = binaryRequest(payments('s1', 's2'))
    await send(body, headers)
    expect(await get('/v2/models/fraud-detector/stats')).toEqual({
      model_stats: [
        expect.objectContaining({
          name: 'fraud-detector',
          version: '3',
          inference_count: 2,
          execution_count: 1,
          last_inference: expect.any(Number),
          inference_stats: expect.objectContaining({ success: { count: 1, ns: expect.any(Number) } }),
        }),
      ],
    })
    server.pipeline.models = [{ ...MODEL, version: '4' }]
    expect((await get('/v2/models/stats')).model_stats[0]).toMatchObject({ version: '4', inference_count: 0 })
  })

  test('the repository has the model in service, and says when it cannot decide', async () => {
    const index = (payload = '') => send(payload, {}, '/v2/repository/index')
    const model = { name: 'fraud-detector', version: '3', state: 'READY', reason: '' }
    expect((await index()).json()).toEqual([model])
    expect((await index('{"ready":true}')).json()).toEqual([model])
    server.pipeline.reason = 'the disk is full'
    expect((await index()).json()).toEqual([{ ...model, state: 'UNAVAILABLE', reason: 'the disk is full' }])
    expect((await index('{"ready":true}')).json()).toEqual([])
  })
})

test('errors are text everywhere below /v2 and /v1, of the type that clients of KServe read', async () => {
  for (const [method, url] of [
    ['GET', '/v2/models/nobody/config'],
    ['GET', '/v2/models/nobody/stats'],
    ['GET', '/v2/nothing'],
    ['POST', '/v2/repository/models/fraud-detector/load'],
    ['PUT', '/v2'],
    ['GET', '/v2/models/%zz'],
    ['GET', '/v1/models/nobody'],
    ['POST', '/v1/models/fraud-detector'],
    ['POST', '/v1/models/fraud-detector:explain'],
    ['POST', '/v1/models/nobody:predict'],
  ] as const) {
    const answer = await server.app.inject({ method, url, ...(method !== 'GET' && { payload: {} }) })
    expect([url, answer.headers['content-type'], typeof answer.json().error]).toEqual([
      url,
      'application/json',
      'string',
    ])
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
  }
  const verb = await server.app.inject({ method: 'PUT', url: '/v1/models/fraud-detector:predict' })
  expect([verb.statusCode, verb.headers['allow']]).toEqual([405, 'POST'])
  const wrongType = await send('a,b', { 'content-type': 'text/csv' })
  expect([wrongType.statusCode, wrongType.json().error]).toEqual([415, expect.stringContaining('text/csv')])
  expect((await get('/v20')).error).toMatchObject({ code: 'REQUEST_ROUTE_UNKNOWN' })
})
