import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Transaction } from '../../examples/clients/typescript/vigia-api.ts'
import { createVigiaClient, type VigiaClient } from '../../examples/clients/typescript/vigia-client.ts'
import { sha256 } from '../../src/foundation/hash.ts'
import { eventually } from '../eventually.ts'
import { freePort } from './redis-server.ts'
import { smallTransaction, trainSmallModel } from './small-service.ts'
import { killVigiaServers, startVigiaServer, type VigiaServer } from './vigia-server.ts'

const CLIENTS = resolve('examples/clients')
const KEY = 'the key of the examples'
/** Of a caller who may make three requests in a minute. */
const SLOW_KEY = 'the key of the slow'
const missing = (program: string): string =>
  spawnSync(program, ['--version']).status === 0 ? '' : `${program} is not installed`
const NO_PYTHON = missing('python3')
const NO_CURL = missing('curl') || missing('bash')

const folder = mkdtempSync(join(tmpdir(), 'vigia-clients-'))
let url: string
let settings: string[]
let server: VigiaServer

beforeAll(async () => {
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const scopes = ['predict', 'feedback', 'read', 'metrics']
  writeFileSync(
    join(folder, 'keys.json'),
    JSON.stringify([
      { name: 'examples', sha256: sha256(KEY), scopes },
      { name: 'slow', sha256: sha256(SLOW_KEY), scopes, requests_per_minute: 3 },
    ]),
  )
  const run = await trainSmallModel()
  settings = [
    ...[`model.source=${run}`, 'security.keys=keys.json', `api.port=${port}`],
    ...['limits.requests_in_flight=2', 'limits.event_loop_delay=0s'],
  ]
  server = await startVigiaServer(folder, settings)
})

afterAll(async () => {
  await killVigiaServers()
  rmSync(folder, { recursive: true, force: true })
})

describe('the examples run as they stand', () => {
  const OUTPUT =
    /^sample-\S+: (?:flag|allow), (?:low|medium|high|critical) risk, [\d.e-]+\n(?:- .+\n){1,3}repeated: true, same decision: true\n20 rows: \d+ flagged, 0 failed\nlabels applied: 1\nlabel: false, from [1-9]\d* features\n$/

  test('TypeScript', async () => {
    expect(await run(resolve('node_modules/.bin/tsx'), [join(CLIENTS, 'typescript/example.ts')])).toEqual({
      status: 0,
      stdout: expect.stringMatching(OUTPUT),
      stderr: '',
    })
  })

  test.skipIf(NO_PYTHON)(`Python ${NO_PYTHON}`, async () => {
    expect(await run('python3', [join(CLIENTS, 'python/example.py')])).toEqual({
      status: 0,
      stdout: expect.stringMatching(OUTPUT),
      stderr: '',
    })
  })

  test.skipIf(NO_CURL)(`curl, as the README says ${NO_CURL}`, async () => {
    const [, commands = ''] =
      /```sh\n([\s\S]*?)```/.exec(readFileSync(join(CLIENTS, 'README.md'), 'utf8')) ?? []
    // Without the machine's start files, which bash reads when its input is a socket.
    const words = ['--norc', '-euo', 'pipefail', '-c', commands]
    const { status, stdout, stderr } = await run('bash', words)
    expect([status, stderr]).toEqual([0, ''])
    const { transaction_id: id } = JSON.parse(readFileSync(join(folder, 'transaction.json'), 'utf8')) as {
      readonly transaction_id: string
    }
    expect(stdout.match(/"prediction_id"/g)).toHaveLength(2 + 3 + 1)
    expect(stdout).toContain('"repeated":true')
    expect(stdout).toContain(`"transaction_id":"${id}","outcome":"applied"`)
    expect(stdout).toMatch(/"label":\{"is_fraud":true,/)
  })
})

test('the OpenAPI document that is checked in is the one that the server answers with, but for the columns of its source', async () => {
  const checkedIn = JSON.parse(readFileSync('docs/openapi.json', 'utf8'))
  const response = await fetch(`${url}/openapi.json`)
  const served = (await response.json()) as typeof checkedIn
  const { SourceRow } = served.components.schemas
  expect(Object.keys(SourceRow.properties)).toContain('transaction_id')
  checkedIn.components.schemas.SourceRow = SourceRow
  expect(served).toEqual(checkedIn)
})

describe('what a client does when it is refused', () => {
  test('more requests at once than the server takes are decided on later: 503 is waited for', async () => {
    const gate = createGate()
    /** Two streams that are open for as long as the gate is closed: all that the server takes. */
    async function* held(n: number) {
      yield transactionOf(n)
      await gate.opened
    }
    const streams = [1000, 1001].map((n) => client().predictLines(held(n)))
    await Promise.all(streams.map((rows) => rows.next()))
    // Its Retry-After is one second: who has no patience for that is told at once.
    await expect(client({ patienceMs: 900 }).predict(transactionOf(1003))).rejects.toMatchObject({
      status: 503,
      retryAfterSeconds: 1,
    })
    const shed = await total('vigia_http_requests_shed_total')
    const predicting = client().predict(transactionOf(1002))
    await eventually(async () => expect(await total('vigia_http_requests_shed_total')).toBeGreaterThan(shed))
    gate.open()
    await Promise.all(streams.map(rowsOf))
    expect(await predicting).toMatchObject({ transaction_id: 'small-1002', repeated: false })
  })

  test('too many requests of a key: the error says when the next is taken, if that is beyond its patience', async () => {
    const slow = client({ key: SLOW_KEY, patienceMs: 500 })
    for (let n = 0; n < 3; n++) await slow.sampleTransaction()
    const error = await slow.sampleTransaction().catch((refused: unknown) => refused)
    expect(error).toMatchObject({ status: 429, code: 'REQUEST_RATE_LIMITED' })
    const { retryAfterSeconds } = error as { readonly retryAfterSeconds: number }
    expect(retryAfterSeconds).toBeGreaterThan(1)
    expect(retryAfterSeconds).toBeLessThanOrEqual(60)
    if (NO_PYTHON !== '') return
    const { stdout, stderr } = await python(
      `client = VigiaClient("${url}", "${SLOW_KEY}", patience_s=0.5)
try: client.sample_transaction()
except VigiaError as error: print(error.status, error.code, 1 < error.retry_after_s <= 60)`,
    )
    expect([stdout, stderr]).toEqual(['429 REQUEST_RATE_LIMITED True\n', ''])
  })

  test('what would be refused again is thrown at once, with the code of the error', async () => {
    // Tried again, they would last as long as the patience.
    const patienceMs = 24 * 3_600_000
    const predicting = client({ patienceMs }).predict({ ...transactionOf(1), amount: 'a lot' })
    await expect(predicting).rejects.toMatchObject({ status: 422, code: 'REQUEST_TRANSACTION_INVALID' })
    await expect(client({ key: 'another', patienceMs }).sampleTransaction()).rejects.toMatchObject({
      status: 401,
    })
    await expect(client({ patienceMs }).getPrediction('nobody')).rejects.toMatchObject({
      code: 'PREDICTION_UNKNOWN',
    })
  })

  test('a failure of whoever gives the transactions is not taken for the end of them', async () => {
    async function* failing() {
      yield transactionOf(1500)
      throw new RangeError('the queue is gone')
    }
    await expect(rowsOf(client().predictLines(failing()))).rejects.toThrow('the queue is gone')
    if (NO_PYTHON !== '') return
    const { stdout, stderr } = await python(
      `def failing():
    yield ${JSON.stringify(transactionOf(1501))}
    raise IndexError("the queue is gone")
try: list(VigiaClient("${url}", "${KEY}").predict_lines(failing()))
except IndexError as error: print(error)`,
    )
    expect([stdout, stderr]).toEqual(['the queue is gone\n', ''])
  })
})

describe('a server that is killed in the middle of a stream and started again', () => {
  const COUNT = 3_000

  test('has decided on each transaction once, in their order, for the client in TypeScript', async () => {
    const rows: string[] = []
    let restarted: Promise<void> | undefined
    for await (const { transaction_id, error } of client().predictLines(transactionsFrom(10_000, COUNT))) {
      rows.push(error?.code ?? transaction_id ?? '')
      if (rows.length === 500) restarted = restart()
    }
    await restarted
    expect(await total('vigia_predictions_total')).toBeGreaterThan(0)
    expect(rows).toEqual(namesFrom(10_000, COUNT))
    expect(await sequencesAreOfDifferent([10_000, 10_499, 10_500, 10_000 + COUNT - 1])).toBe(true)
  })

  test.skipIf(NO_PYTHON)(`the same for the client in Python ${NO_PYTHON}`, async () => {
    writeFileSync(join(folder, 'many.json'), JSON.stringify([...transactionsFrom(20_000, COUNT)]))
    let restarted: Promise<void> | undefined
    const { stdout, stderr } = await python(
      `import json
transactions = json.load(open("many.json"))
for n, row in enumerate(VigiaClient("${url}", "${KEY}").predict_lines(transactions)):
    print(row.get("transaction_id") or row["error"]["code"], flush=n == 499)`,
      () => {
        restarted ??= restart()
      },
    )
    await restarted
    expect(stderr).toBe('')
    expect(await total('vigia_predictions_total')).toBeGreaterThan(0)
    expect(stdout.trim().split('\n')).toEqual(namesFrom(20_000, COUNT))
  })
})

const client = (options: { readonly key?: string; readonly patienceMs?: number } = {}): VigiaClient =>
  createVigiaClient({ url, key: KEY, ...options })

const transactionOf = (n: number): Transaction => {
  const { merchant_category = null, ...others } = smallTransaction(n)
  return { ...others, merchant_category }
}

const namesFrom = (first: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `small-${first + n}`)

function* transactionsFrom(first: number, count: number) {
  for (let n = 0; n < count; n++) yield transactionOf(first + n)
}

const createGate = () => {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

const rowsOf = async <T>(rows: AsyncIterable<T>): Promise<readonly T[]> => {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}

const restart = async (): Promise<void> => {
  await server.kill()
  server = await startVigiaServer(folder, settings)
}

/** Of a counter since the server was started, over all its labels. */
const total = async (counter: string): Promise<number> => {
  const page = await (await fetch(`${url}/metrics`, { headers: { 'x-api-key': KEY } })).text()
  const lines = page
    .split('\n')
    .filter((line) => line.startsWith(`${counter}{`) || line.startsWith(`${counter} `))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

const sequencesAreOfDifferent = async (numbers: readonly number[]): Promise<boolean> => {
  const logged = await Promise.all(numbers.map((n) => client().getPrediction(`small-${n}`)))
  return new Set(logged.map(({ sequence }) => sequence)).size === numbers.length
}

/** What one of the programs does in the test's folder, with the server and its key in the environment. */
const run = (program: string, words: readonly string[], onOutput?: () => void) =>
  new Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }>((done) => {
    const env = {
      ...process.env,
      VIGIA_URL: url,
      VIGIA_KEY: KEY,
      NODE_NO_WARNINGS: '1',
      PYTHONDONTWRITEBYTECODE: '1',
    }
    const started = execFile(
      program,
      words,
      { cwd: folder, env, maxBuffer: 1 << 26 },
      (error, stdout, stderr) =>
        done({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
    if (onOutput !== undefined) started.stdout?.once('data', onOutput)
  })

const python = (code: string, onOutput?: () => void) =>
  run(
    'python3',
    [
      '-c',
      `import sys\nsys.path.insert(0, ${JSON.stringify(join(CLIENTS, 'python'))})\nfrom vigia_client import VigiaClient, VigiaError\n${code}`,
    ],
    onOutput,
  )
