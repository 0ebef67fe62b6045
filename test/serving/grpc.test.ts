import { connect } from 'node:http2'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { afterEach, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/foundation/hash.ts'
import { HEALTH, INFERENCE } from '../../src/serving/grpc/services.ts'
import { encodeTensor } from '../../src/serving/inference/tensor-data.ts'
import { parseApiKeys } from '../../src/serving/safety/api-keys.ts'
import { createTestServer, MODEL, type TestServerOptions } from '../../src/serving/serving.test-kit.ts'
import { eventually } from '../eventually.ts'

type Message = Readonly<Record<string, unknown>>
/** A client made from the services, whose messages are of no type that is known here. */
type Client = Readonly<
  Record<string, (message: Message, options?: { readonly headers: Message }) => Promise<Message>>
>

let server: Awaited<ReturnType<typeof createTestServer>> | undefined
afterEach(() => server?.app.close())

const start = async ({ settings = {}, ...options }: TestServerOptions = {}) => {
  server = await createTestServer({
    settings: { ...settings, api: { grpc_port: 1, ...settings.api } },
    ...options,
  })
  await server.app.ready()
  const port = await server.app.grpc!.listen('127.0.0.1', 0)
  const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` })
  const client = createClient(INFERENCE, transport) as unknown as Client
  const health = createClient(HEALTH, transport) as unknown as Client
  return { ...server, port, client, health }
}

const TIMESTAMP = '2026-01-31T09:30:00Z'
const utf8 = (texts: readonly string[]) => texts.map((text) => new TextEncoder().encode(text))
const texts = (name: string, values: readonly string[]) => ({
  name,
  datatype: 'BYTES',
  shape: [BigInt(values.length)],
  contents: { bytesContents: utf8(values) },
})
const amounts = (values: readonly number[], changes: Message = {}) => ({
  name: 'amount',
  datatype: 'FP64',
  shape: [BigInt(values.length)],
  contents: { fp64Contents: values },
  ...changes,
})
const payments = (name: string) => [
  texts('transaction_id', [`${name}-1`, `${name}-2`]),
  texts('user_id', ['ada', 'bob']),
  texts('timestamp', [TIMESTAMP, TIMESTAMP]),
]
const asked = (inputs: readonly object[], changes: Message = {}) => ({
  modelName: MODEL.name,
  inputs,
  ...changes,
})

/** Of 12.34 and of 200, as POST /predict says. */
const PROBABILITIES = [1234 / 11_234, 20_000 / 30_000]

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => new Error('it did not fail'),
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(ConnectError)
  const { code, rawMessage, metadata } = error as ConnectError
  return { code, text: rawMessage, metadata }
}

describe('ModelInfer', () => {
  test('answers typed elements in typed lists', async () => {
    const { client } = await start()
    const answer = await client['modelInfer']!(asked([...payments('t'), amounts([12.34, 200])], { id: '7' }))
    expect(answer).toMatchObject({ modelName: MODEL.name, modelVersion: MODEL.version, id: '7' })
    expect(answer['rawOutputContents']).toEqual([])
    expect(answer['outputs']).toMatchObject([
      { name: 'probability', datatype: 'FP64', shape: [2n], contents: { fp64Contents: PROBABILITIES } },
      { name: 'is_fraud', datatype: 'BOOL', contents: { boolContents: [false, true] } },
      { name: 'risk_level', datatype: 'BYTES', contents: { bytesContents: utf8(['medium', 'high']) } },
      { name: 'prediction_id' },
      { name: 'is_flagged', contents: { boolContents: [false, true] } },
      { name: 'control_sample', contents: { bytesContents: utf8(['', '']) } },
    ])
  })

  test('answers bytes in bytes, one after the other as the outputs were asked for', async () => {
    const { client } = await start()
    const bare = (tensor: object) => ({ ...tensor, contents: undefined })
    const answer = await client['modelInfer']!(
      asked([...payments('t').map(bare), amounts([12.34, 200], { contents: undefined })], {
        outputs: [{ name: 'risk_level' }, { name: 'probability' }],
        rawInputContents: [
          encodeTensor('BYTES', ['t-1', 't-2']),
          encodeTensor('BYTES', ['ada', 'bob']),
          encodeTensor('BYTES', [TIMESTAMP, TIMESTAMP]),
          encodeTensor('FP64', [12.34, 200]),
        ],
      }),
    )
    expect(answer['outputs']).toMatchObject([{ name: 'risk_level' }, { name: 'probability' }])
    expect((answer['rawOutputContents'] as Uint8Array[]).map((bytes) => Buffer.from(bytes))).toEqual([
      encodeTensor('BYTES', ['medium', 'high']),
      encodeTensor('FP64', PROBABILITIES),
    ])
  })

  test('decides once, whichever way a transaction comes', async () => {
    const { app, client } = await start()
    const outputs = [{ name: 'prediction_id' }]
    const answer = await client['modelInfer']!(asked([...payments('t'), amounts([12.34, 200])], { outputs }))
    expect(answer['outputs']).toMatchObject([{ contents: { bytesContents: utf8(['log-1', 'log-2']) } }])
    const payload = { transaction_id: 't-1', user_id: 'ada', timestamp: TIMESTAMP, amount: 12.34 }
    const again = await app.inject({ method: 'POST', url: '/predict', payload })
    expect(again.json()).toMatchObject({ probability: PROBABILITIES[0], prediction_id: 'log-1' })
  })

  test('scores features, in doubles and in singles', async () => {
    const { client } = await start()
    const features = { name: 'features', shape: [1n, 2n] }
    for (const [datatype, list] of [
      ['FP64', 'fp64Contents'],
      ['FP32', 'fp32Contents'],
      ['INT64', 'int64Contents'],
    ] as const) {
      const elements = datatype === 'INT64' ? [300n, 0n] : [300, Number.NaN]
      const answer = await client['modelInfer']!(
        asked([{ ...features, datatype, contents: { [list]: elements } }], {
          outputs: [{ name: 'probability' }],
        }),
      )
      expect(answer['outputs']).toMatchObject([{ contents: { fp64Contents: [0.75] } }])
    }
  })

  test.each([
    [
      'singles where doubles stand',
      [{ ...amounts([1]), contents: { fp32Contents: [1] } }],
      'Allowed: fp64_contents; got fp32_contents',
    ],
    ['halves', [{ ...amounts([1]), datatype: 'FP16' }], 'raw_input_contents, as FP16 has no list'],
    [
      'more than a byte holds',
      [{ ...amounts([1]), datatype: 'INT8', contents: { intContents: [200] } }],
      'have one that is no INT8',
    ],
    ['another datatype', [{ ...amounts([1]), datatype: 'DOUBLE' }], 'has a datatype that is none of BOOL'],
    ['fewer than the shape says', [amounts([1], { shape: [2n] })], 'has 8 bytes where 2 of FP64 have 16'],
    [
      'a shape below 0',
      [amounts([1], { shape: [-1n] })],
      'has a shape that is no list of whole numbers from 0 on',
    ],
    ['no tensor', [], 'is no list of tensors'],
    ['a name twice', [amounts([1]), amounts([1])], 'comes a second time'],
  ] as const)('refuses %s', async (_what, inputs, problem) => {
    const { client } = await start()
    const { code, text } = await failureOf(client['modelInfer']!(asked(inputs)))
    expect([Code[code], text]).toEqual(['InvalidArgument', expect.stringContaining(problem)])
  })

  test('refuses contents beside bytes, and names that would be another path', async () => {
    const { client } = await start()
    const both = await failureOf(
      client['modelInfer']!(asked([amounts([1])], { rawInputContents: [Buffer.alloc(8)] })),
    )
    expect([Code[both.code], both.text]).toEqual(['InvalidArgument', expect.stringContaining('come beside')])
    for (const named of [
      { name: '..', version: '' },
      { name: MODEL.name, version: '..' },
      { name: '.', version: '' },
      { name: '', version: '' },
    ]) {
      const { code, text } = await failureOf(client['modelMetadata']!(named))
      expect([Code[code], text]).toEqual(['NotFound', expect.stringContaining('SERVING_MODEL_UNKNOWN')])
    }
  })

  test('answers all outputs in the one way, since raw ones are found by their places', async () => {
    const { client } = await start()
    const features = { name: 'features', datatype: 'FP64', shape: [1n, 2n] }
    const json = { binary_data: { parameterChoice: { case: 'boolParam', value: false } } }
    const answer = await client['modelInfer']!(
      asked([features], {
        rawInputContents: [encodeTensor('FP64', [300, 0])],
        outputs: [{ name: 'probability', parameters: json }, { name: 'risk_level' }],
      }),
    )
    expect((answer['rawOutputContents'] as Uint8Array[]).map((bytes) => Buffer.from(bytes))).toEqual([
      encodeTensor('FP64', [0.75]),
      encodeTensor('BYTES', ['high']),
    ])
  })

  test('cuts an error to what a client takes, its code kept', async () => {
    const { client } = await start()
    const rows = Array.from({ length: 90 }, () => '{"amount": "ñ", "\u4e2d": 1}')
    const { code, text } = await failureOf(client['modelInfer']!(asked([texts('transaction', rows)])))
    expect([Code[code], text]).toEqual([
      'InvalidArgument',
      expect.stringMatching(/^REQUEST_TRANSACTION_INVALID.*\(and more\)$/s),
    ])
    expect(encodeURIComponent(text).length).toBeLessThan(6100)
  })

  test('refuses bytes that are not those of the inputs', async () => {
    const { client, app } = await start()
    const call = client['modelInfer']!(
      asked([amounts([1])], { rawInputContents: [Buffer.alloc(8), Buffer.alloc(8)] }),
    )
    const { code, text } = await failureOf(call)
    expect([Code[code], text]).toEqual(['InvalidArgument', expect.stringContaining('raw_input_contents')])
    const metrics = (await app.inject({ method: 'GET', url: '/metrics' })).body
    expect(metrics).toMatch(/vigia_\w*errors_total\{code="REQUEST_INVALID"\} 1/)
  })

  test('tells what the HTTP API tells: of models, transactions, failures and limits', async () => {
    const { client, pipeline } = await start({ settings: { limits: { body_size: 1, batch_rows: 2 } } })
    const infer = (message: Message) => failureOf(client['modelInfer']!(message))
    const whole = [...payments('t'), amounts([1, 2])]
    const seen = [
      await infer({ modelName: 'nobody', inputs: whole }),
      await infer(asked(whole, { modelVersion: '9' })),
      await infer(asked([amounts([1])])),
      await infer(asked([amounts([1, 2, 3])])),
      await infer(asked([texts('user_id', ['a'.repeat(1500)])])),
      await infer(asked([texts('user_id', ['a'.repeat(70_000)])])),
    ]
    pipeline.failure = new Error('a secret of ours')
    seen.push(await infer(asked(whole)))
    expect(seen.map(({ code, text }) => [Code[code], text.split(':', 1)[0]])).toEqual([
      ['NotFound', 'SERVING_MODEL_UNKNOWN'],
      ['NotFound', 'SERVING_MODEL_UNKNOWN'],
      ['InvalidArgument', 'REQUEST_TRANSACTION_INVALID'],
      ['ResourceExhausted', 'REQUEST_TOO_LARGE'],
      ['ResourceExhausted', 'REQUEST_TOO_LARGE'],
      ['ResourceExhausted', 'message size 70047 is larger than configured readMaxBytes 66560'],
      ['Internal', 'SERVING_UNEXPECTED'],
    ])
    expect(seen.at(-1)!.text).not.toContain('secret')
    expect(seen[0]!.metadata.get('x-request-id')).toMatch(/./)
  })
})

describe('who asks by gRPC', () => {
  const keys = parseApiKeys(
    JSON.stringify([
      { name: 'shop', sha256: sha256('of the shop'), scopes: ['predict'] },
      { name: 'desk', sha256: sha256('of the desk'), scopes: ['read'], requests_per_minute: 2 },
    ]),
    'keys.json',
  )

  test('brings the same keys, and is held to the same limits', async () => {
    const { client, health } = await start({ keys })
    const inputs = [...payments('t'), amounts([1, 2])]
    const codeFor = async (call: string, message: Message, headers: Message) =>
      client[call]!(message, { headers }).then(
        () => 'Ok',
        (error: ConnectError) => Code[error.code],
      )
    const bearer = { authorization: 'Bearer of the shop' }
    expect(await codeFor('modelInfer', asked(inputs), {})).toBe('Unauthenticated')
    expect(await codeFor('modelInfer', asked(inputs), { authorization: 'Bearer of nobody' })).toBe(
      'Unauthenticated',
    )
    expect(await codeFor('modelInfer', asked(inputs), bearer)).toBe('Ok')
    expect(await codeFor('modelInfer', asked(inputs), { 'x-api-key': 'of the shop' })).toBe('Ok')
    expect(await codeFor('modelMetadata', { name: MODEL.name }, bearer)).toBe('PermissionDenied')
    const desk = { 'x-api-key': 'of the desk' }
    expect(await codeFor('modelMetadata', { name: MODEL.name }, desk)).toBe('Ok')
    expect(await codeFor('modelMetadata', { name: MODEL.name }, desk)).toBe('Ok')
    expect(await codeFor('modelMetadata', { name: MODEL.name }, desk)).toBe('ResourceExhausted')
    expect(await health['check']!({})).toMatchObject({ status: 1 })
  })

  test('is refused before a byte of the message is kept, as the HTTP API refuses, and counts while it sends', async () => {
    const { app, port, metrics } = await start({ keys, settings: { limits: { requests_in_flight: 3 } } })
    const session = connect(`http://127.0.0.1:${port}`)
    const call = (method: string, headers: Record<string, string>) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': `/inference.GRPCInferenceService/${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      })
      stream.on('error', () => undefined)
      // The head of a message that never comes.
      stream.write(Buffer.from([0, 0, 0, 1, 0]))
      return stream
    }
    const endOf = (stream: ReturnType<typeof call>) =>
      new Promise<readonly unknown[]>((resolve) => {
        stream.on('response', (told) =>
          resolve([told['grpc-status'], decodeURIComponent(String(told['grpc-message']))]),
        )
      })
    expect(await endOf(call('ModelInfer', {}))).toEqual([
      '16',
      expect.stringContaining('REQUEST_KEY_MISSING'),
    ])
    expect(await endOf(call('ModelMetadata', { 'x-api-key': 'of the shop' }))).toEqual([
      '7',
      expect.stringContaining('REQUEST_SCOPE_MISSING'),
    ])
    const inFlight = async () =>
      (await app.inject({ method: 'GET', url: '/health' })).json().requests_in_flight
    expect(await inFlight()).toBe(0)
    const held = [1, 2, 3].map(() => call('ModelInfer', { 'x-api-key': 'of the shop' }))
    await eventually(async () => expect(await inFlight()).toBe(3))
    expect(await endOf(call('ModelInfer', { 'x-api-key': 'of the shop' }))).toEqual([
      '14',
      expect.stringContaining('SERVING_OVERLOADED'),
    ])
    expect(await metrics.registry.metrics()).toMatch(/^vigia_\w*shed\w*\{reason="requests_in_flight"\} 1$/m)
    for (const stream of held) stream.close()
    await eventually(async () => expect(await inFlight()).toBe(0))
    session.destroy()
  })

  test('may name a deadline of any length', async () => {
    const { client } = await start()
    const warned: Error[] = []
    const listen = (warning: Error) => warned.push(warning)
    process.on('warning', listen)
    const options = { headers: { 'grpc-timeout': '99999999H' } }
    expect(await client['serverLive']!({}, options)).toMatchObject({ live: true })
    await new Promise(setImmediate)
    process.off('warning', listen)
    expect(warned.filter(({ name }) => name === 'TimeoutOverflowWarning')).toEqual([])
  })

  test('is counted and traced as requests over HTTP are', async () => {
    const { client, app, lines } = await start({ settings: { log: { level: 'info' } } })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await client['modelInfer']!(asked([...payments('t'), amounts([1, 2])]), { headers: { traceparent } })
    const metrics = (await app.inject({ method: 'GET', url: '/metrics' })).body
    expect(metrics).toMatch(/route="\/v2\/models\/:model\/infer",status="200"\} 1/)
    expect((await app.inject({ method: 'GET', url: '/health' })).json()).toMatchObject({
      requests_in_flight: 0,
    })
    await app.close()
    expect(lines.join('')).toContain('0af7651916cd43dd8448eb211c80319c')
  })
})

describe('what is asked beside decisions', () => {
  test('is what the HTTP API says', async () => {
    const { client, health, pipeline } = await start()
    const named = { name: MODEL.name, version: '' }
    expect(await client['serverLive']!({})).toMatchObject({ live: true })
    expect(await client['serverReady']!({})).toMatchObject({ ready: true })
    expect(await client['modelReady']!(named)).toMatchObject({ ready: true })
    expect(await client['serverMetadata']!({})).toMatchObject({ name: 'vigia', version: '0.0.0' })
    const { inputs, outputs } = await client['modelMetadata']!(named)
    expect(inputs).toContainEqual(
      expect.objectContaining({ name: 'features', datatype: 'FP64', shape: [-1n, 2n] }),
    )
    expect(outputs).toContainEqual(
      expect.objectContaining({ name: 'risk_level', datatype: 'BYTES', shape: [-1n] }),
    )
    // 12 and 13 are TYPE_FP64 and TYPE_STRING.
    const { config } = (await client['modelConfig']!(named)) as { readonly config: Message }
    expect(config).toMatchObject({ name: MODEL.name, backend: 'vigia', maxBatchSize: 0 })
    expect(config['input']).toContainEqual(expect.objectContaining({ name: 'user_id', dataType: 13 }))
    expect(config['output']).toContainEqual(expect.objectContaining({ name: 'probability', dataType: 12 }))
    await client['modelInfer']!(asked([...payments('t'), amounts([1, 2])]))
    const { modelStats } = await client['modelStatistics']!({})
    expect(modelStats).toMatchObject([{ name: MODEL.name, inferenceCount: 2n, executionCount: 1n }])
    const { name, version } = MODEL
    expect(await client['repositoryIndex']!({})).toMatchObject({
      models: [{ name, version, state: 'READY' }],
    })
    expect(await health['check']!({ service: 'inference.GRPCInferenceService' })).toMatchObject({ status: 1 })
    pipeline.reason = 'the log has a hole'
    expect(await client['serverReady']!({})).toMatchObject({ ready: false })
    expect(await client['modelReady']!(named)).toMatchObject({ ready: false })
    expect(await health['check']!({})).toMatchObject({ status: 2 })
    expect(await client['repositoryIndex']!({})).toMatchObject({ models: [{ reason: 'the log has a hole' }] })
    expect(await client['repositoryIndex']!({ ready: true })).toMatchObject({ models: [] })
  })

  test('of what there is not, is told as not found', async () => {
    const { client, health } = await start()
    const unknown = await failureOf(client['modelReady']!({ name: 'a/b?c', version: '' }))
    expect([Code[unknown.code], unknown.text]).toEqual(['NotFound', expect.stringContaining('a/b?c')])
    expect(Code[(await failureOf(health['check']!({ service: 'other' }))).code]).toBe('NotFound')
  })
})

describe('a door for gRPC', () => {
  test('that closes answers what it has taken, and takes no more', async () => {
    const { app, client, pipeline } = await start()
    let letGo = (): void => undefined
    pipeline.hold(
      new Promise<void>((resolve) => {
        letGo = resolve
      }),
    )
    const taken = client['modelInfer']!(asked([...payments('t'), amounts([12.34, 200])]))
    // Answered behind it on the same connection: the first one is there.
    await client['serverLive']!({})
    const closed = app.close()
    letGo()
    expect(await taken).toMatchObject({ modelName: MODEL.name })
    await closed
    expect(Code[(await failureOf(client['serverLive']!({}))).code]).toBe('Unavailable')
    expect(pipeline.isClosed).toBe(true)
  })

  test('waits no longer than the grace for a decision that does not come', async () => {
    const { app, client, pipeline } = await start({ settings: { limits: { shutdown_grace: '1s' } } })
    pipeline.hold(new Promise<void>(() => undefined))
    const taken = failureOf(client['modelInfer']!(asked([...payments('t'), amounts([12.34, 200])])))
    await client['serverLive']!({})
    await app.close()
    expect(Code[(await taken).code]).not.toBe('Ok')
    expect(pipeline.isClosed).toBe(true)
  })

  test('ends a call whose message does not come', async () => {
    const { port } = await start({ settings: { limits: { body_timeout: '1s' } } })
    const session = connect(`http://127.0.0.1:${port}`)
    const call = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ServerLive',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    call.on('error', () => undefined)
    await new Promise((resolve) => call.once('close', resolve))
    expect(call.rstCode).not.toBe(0)
    session.destroy()
  })
})
