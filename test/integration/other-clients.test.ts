import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from './vigia-server.ts'

const MLFLOW_PYTHON = process.env['MLFLOW_PYTHON']
const MISSING =
  process.env['MLFLOW_PYTHON_MISSING'] ?? 'no clients were looked for (npm run test:integration does)'
const ZONE = 'Europe/Madrid'

/** Some with values that are missing: a latitude, a category. */
const TRANSACTIONS = Array.from({ length: 6 }, (_, n) => ({
  ...smallTransaction(n),
  latitude: n % 2 === 0 ? null : 40.4168,
  ...(n % 3 === 0 && { merchant_category: null }),
}))

interface Decision {
  readonly probability: number
  readonly risk_level: string
  readonly model: { readonly name: string; readonly version: string }
}

/** The clients of Triton, KServe and MLflow, as the package index has them, ask a server of a real model. */
describe.skipIf(MLFLOW_PYTHON === undefined)(`clients of others (${MLFLOW_PYTHON ?? MISSING})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-other-clients-'))
  let server: VigiaServer
  let decisions: readonly Decision[]
  let got: Readonly<Record<string, unknown>>

  const ask = async (path: string, body?: unknown) => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    expect([path, answer.status]).toEqual([path, 200])
    return answer.json()
  }

  beforeAll(async () => {
    const run = await trainSmallModel([`source.time_zone=${ZONE}`])
    server = await startVigiaServer(folder, [`model.source=${run}`])
    const answers: Decision[] = []
    for (const transaction of TRANSACTIONS) answers.push((await ask('/predict', transaction)) as Decision)
    decisions = answers
    const { name, version } = decisions[0]!.model
    const { inputs } = (await ask(`/v2/models/${name}`)) as {
      readonly inputs: readonly {
        readonly name: string
        readonly parameters: { readonly feature_names: string[] }
      }[]
    }
    const { feature_names } = inputs.find((input) => input.name === 'features')!.parameters
    const features = await Promise.all(
      TRANSACTIONS.map(async ({ transaction_id }) => {
        const logged = (await ask(`/predictions/${transaction_id}`)) as {
          readonly features: Readonly<Record<string, number | null>>
        }
        return feature_names.map((feature) => logged.features[feature])
      }),
    )
    const asked = {
      port: server.port,
      model: name,
      version,
      zone: ZONE,
      transactions: TRANSACTIONS,
      features,
    }
    got = await askAsClients(asked)
  }, 300_000)

  afterAll(async () => {
    // Killed, it would leave the folder of the bodies that it read.
    await server?.stop()
    await killVigiaServers()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each([
    'triton bytes',
    'triton JSON',
    'triton bytes, answers in JSON',
    'triton transactions',
    'triton features',
    'triton features in JSON',
  ])('%s: every probability and risk level is that of POST /predict', (way) =>
    expect(got[way]).toEqual([probabilities(), decisions.map(({ risk_level }) => risk_level)]),
  )

  test.each([
    'triton async',
    'triton asyncio',
    'kserve bytes',
    'kserve JSON',
    'kserve v1',
    'mlflow',
    'mlflow, times with a zone',
    'mlflow, times without a zone',
    'text/csv, times with a zone',
    'text/csv, times without a zone',
    'application/vnd.apache.parquet, times with a zone',
    'application/vnd.apache.parquet, times without a zone',
    'lines',
  ])('%s: every probability is that of POST /predict', (way) => expect(got[way]).toEqual(probabilities()))

  test('features that were rounded to single precision give nearly the same', () => {
    const [rounded] = got['triton features, FP32'] as readonly (readonly number[])[]
    for (const [row, probability] of probabilities().entries())
      expect(Math.abs(rounded![row]! - probability)).toBeLessThan(0.05)
  })

  test('what clients ask beside decisions is answered, and errors are texts that they show', () => {
    const { name, version } = decisions[0]!.model
    const ready = [true, true, true]
    expect(got).toMatchObject({
      'triton ready': ready,
      'triton metadata': name,
      'triton config': 'TYPE_FP64',
      'triton extensions': expect.arrayContaining(['binary_tensor_data']),
      'triton index': [{ name, version, state: 'READY', reason: '' }],
      'triton errors': [
        expect.stringContaining('SERVING_MODEL_UNKNOWN'),
        expect.stringContaining('REQUEST_ROUTE_UNKNOWN'),
        expect.stringContaining('REQUEST_TRANSACTION_INVALID'),
      ],
      'triton rows': 8 * TRANSACTIONS.length,
      'kserve ready': ready,
      'kserve v1 ready': [true, true],
      'kserve error': expect.stringContaining('SERVING_MODEL_UNKNOWN'),
    })
  })

  const probabilities = () => decisions.map(({ probability }) => probability)
})

const askAsClients = (asked: object) =>
  new Promise<Readonly<Record<string, unknown>>>((done, fail) => {
    const python = execFile(
      MLFLOW_PYTHON ?? '',
      [resolve('test/integration/ask_as_clients.py')],
      { maxBuffer: 1 << 26, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } },
      (error, stdout, stderr) =>
        error === null
          ? done(JSON.parse(stdout.split('\n').at(-2) ?? ''))
          : fail(new Error(`${stdout}${stderr}`)),
    )
    python.stdin?.end(JSON.stringify(asked))
  })
