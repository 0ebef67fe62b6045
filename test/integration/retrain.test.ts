import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { withDatabase } from '../../src/disk/database.ts'
import { DAY_MS, dateOf } from '../../src/foundation/days.ts'
import { killVigiaServers, runVigia, startVigiaServer, type VigiaServer } from './vigia-server.ts'

/*
 * A bank of fifty days that ended yesterday, whose frauds change their ways on the twentieth: a real server
 * with a registry in a folder decides on the thirty days after it with the model of before. Then it is
 * trained again, by the command over HTTP and by the server itself. Stages that take days take a second here,
 * and what is decided in them happens now.
 */

const home = mkdtempSync(join(tmpdir(), 'vigia-retrain-'))
afterAll(async () => {
  await killVigiaServers()
  rmSync(home, { recursive: true, force: true })
})

const TRACKED = { VIGIA_TRACKING__ENABLED: 'true', USER: 'ana' }
/** A server that trains records its runs. */
const PLACE = { config: 'serving.yaml', within: ['env', 'VIGIA_TRACKING__ENABLED=true'] }
const MODEL = 'fraud-detector'
const DAYS = 50
const LEARNT_DAYS = 20
const FIRST_DAY = Math.floor(Date.now() / DAY_MS) - DAYS
const FIRST_SERVED = dateOf(FIRST_DAY + LEARNT_DAYS)
/** Steps take seconds, on a busy machine many. */
const PATIENCE = { timeout: 300_000, interval: 500 }

const TRAINING = `
models:
  random_forest: { enabled: false }
  xgboost: { enabled: false }
  logistic_regression: { enabled: false }
  gradient_boosting: { trees: 30 }
resources: { threads: 1 }
labels: { delay: 2d }
split: { warm_up: 3d }
# How fast this machine is says nothing here.
promotion: { latency: { p50: null, p99: null } }
`
const SERVING = `
model: { source: 'models:/${MODEL}/1' }
limits: { requests_per_minute: 0 }
log: { level: warn }
# No look comes by itself: what is asked for is all that begins.
monitoring: { schedule: '0 0 1 1 *' }
retraining:
  training: training.yaml
  least_frauds: 20
  least_judged_frauds: 20
  label_horizon: 10d
  window: 60d
  shadow: 1s
  canary: 1s
  canary_share: 0.5
  watch: 1s
  least_decisions: 20
  # Of a moment of service up to twenty alerts are within the budget, and sixty are not.
  alert_rate_limits: [0.0001, 5]
`

interface Row {
  readonly transaction: Readonly<Record<string, string | number>> & {
    readonly timestamp: string
    readonly transaction_id: string
  }
  readonly isFraud: boolean
}

/** Rows that a server decides on, in their order. */
let served: readonly Row[] = []
let server: VigiaServer

beforeAll(async () => {
  writeFileSync(join(home, 'training.yaml'), TRAINING)
  writeFileSync(join(home, 'serving.yaml'), SERVING)
  const bank = ['rows=8000', 'users=120', 'merchants=40', `days=${DAYS}`, `start=${dateOf(FIRST_DAY)}`]
  await vigia(['generate', '--out', 'bank.parquet', ...bank.flatMap((one) => ['--set', `generate.${one}`])])
  served = await splitBank()
  await vigia(['run', '--config', 'training.yaml', '--out', 'first', '--set', 'source.path=learnt.parquet'])
  // The one that a rollback leads back to.
  const first = ['models', 'promote', '1', '--run', 'first', '--by', 'ana', '--reason', 'the first']
  await vigia([...first, '--config', 'training.yaml'])
  server = await startVigiaServer(home, [], PLACE)
  await play()
}, 600_000)

test('the command leads a changed bank over HTTP to a challenger, to production and back', async () => {
  const dry = await retrain('--if-drift', '--dry-run', '--json')
  expect([dry.status, JSON.parse(dry.stdout).steps]).toEqual([0, [expect.anything()]])

  // From the request to the challenger beside the champion: it has learnt the new ways.
  const asked = await retrain('--request', 'frauds are others now', '--all')
  expect([asked.status, asked.stderr]).toEqual([0, expect.anything()])
  expect((await status()).passed).toEqual(['observed', 'waiting', 'training', 'comparing', 'shadow'])
  const compared = (await status()).figures('shadow')
  expect(compared['averagePrecision.challenger']).toBeGreaterThan(2 * compared['averagePrecision.champion']!)
  expect(await modelsOf()).toEqual(['champion 1', 'shadow 2'])

  // As long as nobody pays nothing goes on.
  expect((await retrain('--all')).stdout).toMatch(/shadow until|are too few/)
  await decideNow(40)
  await retrain('--all')
  expect(await modelsOf()).toEqual(['canary 2', 'champion 1', 'shadow 2'])
  await decideNow(80)
  await retrain('--all')
  expect(await modelsOf()).toEqual(['champion 2', 'shadow 1'])
  expect(await aliases()).toMatchObject({ production: 2, previous: 1 })

  // In production it raises alerts at everything: it goes back by itself.
  await decideNow(60, () => true)
  const back = await retrain('--all')
  expect([back.status, back.stdout]).toEqual([1, expect.stringContaining('alerts a day')])
  expect((await status()).passed.slice(-5)).toEqual([
    'canary',
    'promoting',
    'watching',
    'rolling_back',
    'rolled_back',
  ])
  expect(await modelsOf()).toEqual(['champion 1'])
  expect(await aliases()).toMatchObject({ production: 1, previous: 2 })
  expect((await retrain('--all', '--json')).stdout).toContain('"idle"')
}, 900_000)

test('a server trains again by itself, goes on after it was killed, and hears of its own looks', async () => {
  await server.stop()
  const settings = [
    'retraining.enabled=true',
    'retraining.steps=*/2 * * * * *',
    // How many moments a stage takes says how fast this machine is.
    'retraining.alert_rate_limits=[0.0001,100]',
  ]
  server = await startVigiaServer(home, settings, PLACE)
  const before = (await told()).episodes.length
  const asked = await fetch(`${address()}/retraining/request`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ why: 'frauds are others still', by: 'bo' }),
  })
  expect(asked.status).toBe(200)
  await vi.waitFor(async () => expect((await told()).status).toBe('training'), { ...PATIENCE, interval: 20 })
  await server.kill()

  server = await startVigiaServer(home, settings, PLACE)
  await vi.waitFor(async () => expect((await told()).status).toBe('shadow'), PATIENCE)
  await vi.waitFor(
    async () => expect(await modelsOf()).toEqual(['champion 1', expect.stringMatching(/^shadow /)]),
    PATIENCE,
  )
  // Decisions are answered while steps are done, and bring it further.
  await vi.waitFor(
    async () => {
      await decideNow(20)
      expect((await told()).status).toBe('done')
    },
    { ...PATIENCE, interval: 1500 },
  )
  const { episodes, records } = await told()
  expect(episodes).toHaveLength(before + 1)
  expect(records.filter(({ to, from }) => to === 'promoting' && from !== to).length).toBeGreaterThan(0)
  expect(records.some(({ by }) => by.startsWith('bo '))).toBe(true)
  const { version } = episodes[0]!.challenger!
  expect(await modelsOf()).toEqual([`champion ${version}`])
  expect(await aliases()).toMatchObject({ production: Number(version) })
  const metrics = await (await fetch(`${address()}/metrics`)).text()
  expect(metrics).toMatch(/^vigia_retraining_status\{.*status="done"\} 1$/m)
  // Of the killed server a process was lost, if it had begun one: that is told, and nothing else has failed.
  const failed = server
    .output()
    .split('\n')
    .filter((line) => line.includes('RETRAINING_STEP_FAILED'))
  expect(failed.filter((line) => !line.includes('gave no sign of life any more'))).toEqual([])
  expect(failed.length).toBeLessThanOrEqual(1)
  expect(metrics).toContain(`\nvigia_retraining_failures_total ${failed.length}\n`)

  // A look of the server is a look of retraining.
  await server.stop()
  const looking = [...settings, 'monitoring.schedule=*/5 * * * * *']
  server = await startVigiaServer(home, looking, PLACE)
  const journal = () => readFileSync(join(home, 'retraining', 'journal.jsonl'), 'utf8')
  await vi.waitFor(() => expect(journal()).toMatch(/"look":\{"id":"daily \d/), PATIENCE)
  expect(await server.stop()).toBe(0)
}, 900_000)

/** What frauds pay from `FIRST_SERVED` on; before it they paid hundreds. */
const CHANGED_AMOUNT = 1.25

/**
 * The bank with frauds of our own, one row in twenty: nine in ten of them pay an amount of their ways. Those
 * before `FIRST_SERVED` stand in `learnt.parquet`.
 */
const splitBank = (): Promise<readonly Row[]> =>
  withDatabase({ threads: 1, memoryLimit: '256MB', tempDirectory: home }, async (connection) => {
    const isServed = `"timestamp" >= '${FIRST_SERVED}'`
    const isFraud = 'hash(transaction_id) % 20 = 0'
    const itsWay = 'hash(transaction_id) % 200 < 180'
    const amount = `CASE WHEN NOT (${isFraud} AND ${itsWay}) THEN amount::DOUBLE
      WHEN ${isServed} THEN ${CHANGED_AMOUNT} ELSE 700 + hash(transaction_id) % 1000 / 10 END`
    await connection.run(
      `CREATE TABLE bank AS SELECT * EXCLUDE (fraud_pattern) REPLACE ((${amount})::DOUBLE AS amount, (${isFraud})::TINYINT AS is_fraud)
       FROM read_parquet('${join(home, 'bank.parquet')}')`,
    )
    await connection.run(
      `COPY (SELECT * FROM bank WHERE NOT (${isServed})) TO '${join(home, 'learnt.parquet')}' (FORMAT parquet)`,
    )
    const result = await connection.runAndReadAll(
      `SELECT * FROM bank WHERE ${isServed} ORDER BY "timestamp", transaction_id`,
    )
    return result.getRowObjects().map((row): Row => {
      const { is_fraud, ...rest } = row
      const present = Object.entries(rest).filter(([, value]) => value !== null)
      return { transaction: Object.fromEntries(present) as Row['transaction'], isFraud: is_fraud === 1 }
    })
  })

/** The server decides day by day, and hears of each day's labels two days later. */
const play = async (): Promise<void> => {
  const days = new Map<string, Row[]>()
  for (const row of served) {
    const day = row.transaction.timestamp.slice(0, 10)
    days.set(day, [...(days.get(day) ?? []), row])
  }
  const inOrder = [...days.values()]
  for (const [at, day] of inOrder.entries()) {
    await post('/predict/batch', { transactions: day.map(({ transaction }) => transaction) })
    const labels = (inOrder[at - 2] ?? []).map(({ transaction: { transaction_id }, isFraud }) => ({
      transaction_id,
      is_fraud: isFraud,
    }))
    if (labels.length > 0) await post('/feedback', { labels })
  }
}

let decided = 0

/** Customers pay now what they have paid before; one in eight, or who is said, pays as frauds do. */
const decideNow = async (rows: number, isChanged = (row: number) => row % 8 === 0): Promise<void> => {
  const genuine = served.filter(({ isFraud, transaction: { amount } }) => {
    const paid = Number(amount)
    return !isFraud && paid > 20 && paid < 300
  })
  const transactions = Array.from({ length: rows }, (_, row) => {
    const { transaction } = genuine[decided % genuine.length]!
    const now = { transaction_id: `now-${decided++}`, timestamp: new Date().toISOString() }
    return { ...transaction, ...now, ...(isChanged(row) && { amount: CHANGED_AMOUNT }) }
  })
  await post('/predict/batch', { transactions })
  // Stages take a second here.
  const sinceMs = Date.now()
  await vi.waitFor(() => expect(Date.now() - sinceMs).toBeGreaterThan(1100), PATIENCE)
}

const address = (): string => `http://127.0.0.1:${server.port}`

const post = async (path: string, body: object): Promise<void> => {
  const response = await fetch(`${address()}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  expect([response.status, response.status === 200 ? '' : text]).toEqual([200, ''])
}

const vigia = async (words: readonly string[]): Promise<void> => {
  const { status: code, stderr } = await runVigia(home, words, TRACKED)
  expect([code, stderr]).toEqual([0, expect.anything()])
}

const retrain = (...words: readonly string[]) =>
  runVigia(home, ['retrain', ...words, '--config', 'serving.yaml', '--server', address()], TRACKED)

interface Trail {
  readonly records: readonly {
    readonly from: string | null
    readonly to: string
    readonly figures?: Readonly<Record<string, number>>
  }[]
}

/** How retraining stands, as the command tells it. */
const status = async () => {
  const { records } = JSON.parse((await retrain('--status', '--json')).stdout) as Trail
  const moves = records.filter(({ from, to }) => from !== to)
  return {
    passed: moves.map(({ to }) => to),
    figures: (to: string) => moves.findLast((record) => record.to === to)?.figures ?? {},
  }
}

interface Told {
  readonly status: string | null
  readonly episodes: readonly { readonly challenger: { readonly version: string } | null }[]
  readonly records: readonly { readonly from: string | null; readonly to: string; readonly by: string }[]
}

/** The same as the server tells it. */
const told = async (): Promise<Told> => (await (await fetch(`${address()}/retraining`)).json()) as Told

/** Models in service: `champion 1`. */
const modelsOf = async (): Promise<readonly string[]> => {
  const { models } = (await (await fetch(`${address()}/admin/models`)).json()) as {
    readonly models: readonly { readonly role: string; readonly version: string }[]
  }
  return models.map(({ role, version }) => `${role} ${version}`).sort()
}

const aliases = async (): Promise<Readonly<Record<string, number>>> => {
  const { stdout } = await runVigia(home, ['models', 'list', '--json'], TRACKED)
  const { versions } = JSON.parse(stdout) as {
    readonly versions: readonly { readonly version: number; readonly aliases: readonly string[] }[]
  }
  return Object.fromEntries(versions.flatMap((one) => one.aliases.map((alias) => [alias, one.version])))
}
