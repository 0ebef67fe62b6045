import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { withDatabase } from '../../src/disk/database.ts'
import { servingIn, temporaryFolder, vigiaWith } from './vigia-in-process.ts'

/*
 * A bank of sixty days, which end where the clock of these tests stands: a model learns from the first
 * thirty, a server decides on the others and is told their labels two days later, and `vigia retrain`
 * trains on its log.
 */

const TRACKED = { VIGIA_TRACKING__ENABLED: 'true', USER: 'ana' }
const FIRST_SERVED = '2020-08-14'

const TRAINING = `
models:
  random_forest: { enabled: false }
  gradient_boosting: { enabled: false }
  xgboost: { enabled: false }
resources: { threads: 1 }
labels: { delay: 2d }
split: { warm_up: 5d }
`
const SERVING = `
retraining:
  training: training.yaml
  least_frauds: 15
  least_judged_frauds: 15
  label_horizon: 10d
  window: 60d
`

describe('vigia retrain', () => {
  const { path: work, remove } = temporaryFolder()
  afterAll(remove)
  writeFileSync(join(work, 'serving.yaml'), SERVING)
  writeFileSync(join(work, 'training.yaml'), TRAINING)
  const retrain = (...words: readonly string[]) =>
    vigiaWith(work, ['retrain', ...words, '--config', 'serving.yaml'], TRACKED)

  it('says that nothing has happened yet, and what it cannot read', async () => {
    expect(await retrain('--status')).toMatchObject({
      status: 0,
      stdout: 'fraud-detector was never trained again.\n',
    })
    const cancelled = await retrain('--cancel', 'wrong alarm')
    expect(cancelled).toMatchObject({ status: 2, stderr: expect.stringContaining('RETRAINING_NOTHING_RUNS') })
    expect(await retrain('--scheduled', 'soon')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--scheduled is a time'),
    })
    expect(await retrain('--request', ' ')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--request says why'),
    })
  })

  it('has nothing to do without a trigger, and needs no server for that', async () => {
    const { status, stdout } = await retrain('--json')
    expect([status, JSON.parse(stdout)]).toEqual([0, { steps: [{ kind: 'idle' }] }])
  })

  it('trains on the log of a server, compares, and writes down what it did and why', async () => {
    const generated = [
      'rows=3000',
      'users=60',
      'merchants=30',
      'days=60',
      'fraud_rate=0.06',
      'start=2020-07-15',
    ]
    const settings = generated.flatMap((setting) => ['--set', `generate.${setting}`])
    expect((await vigiaWith(work, ['generate', '--out', 'bank.parquet', ...settings], {})).status).toBe(0)
    const days = await servedDays(work)
    const first = ['run', '--config', 'training.yaml', '--set', 'source.path=first.parquet']
    const run = await vigiaWith(work, first, TRACKED)
    expect([run.status, run.stderr]).toEqual([0, expect.anything()])
    const source = 'models:/fraud-detector/1'
    const served = ['--set', `model.source=${source}`, '--set', 'limits.requests_per_minute=0']
    await servingIn(work, served, async (address) => {
      await play(address, days)
      const dry = await retrain('--request', 'new card product', '--dry-run', '--server', address)
      expect([dry.status, dry.stdout]).toEqual([
        0,
        expect.stringContaining('observed: would wait for labels'),
      ])
      const done = await retrain('--request', 'new card product', '--all', '--json', '--server', address)
      const { steps } = JSON.parse(done.stdout) as {
        readonly steps: readonly { readonly record?: { readonly to: string; readonly why: string } }[]
      }
      const tos = steps.flatMap(({ record }) => record?.to ?? [])
      expect(tos.slice(0, 3)).toEqual(['waiting', 'training', 'comparing'])
      expect(['refused', 'shadow']).toContain(tos[3])
      const compared = steps[3]!.record as { readonly figures?: Readonly<Record<string, number>> } | undefined
      expect(compared?.figures?.['averagePrecision.champion']).toBeGreaterThan(0)
      expect(compared?.figures?.['frauds']).toBeGreaterThanOrEqual(15)
    })
    const told = JSON.parse((await retrain('--status', '--json')).stdout) as {
      readonly episodes: readonly { readonly id: string; readonly kind: string }[]
      readonly records: readonly { readonly by: string }[]
    }
    expect(told.episodes).toHaveLength(1)
    expect(told.records.every(({ by }) => by === 'ana')).toBe(true)
    expect(existsSync(join(work, 'retraining', 'runs', told.episodes[0]!.id, 'package'))).toBe(true)
  }, 240_000)
})

type Row = Readonly<Record<string, string | number | null>> & {
  readonly timestamp: string
  readonly transaction_id: string
}

interface ServedRow {
  readonly transaction: Row
  readonly isFraud: boolean
}

/** Rows of the bank from `FIRST_SERVED` on, by day; those before it stand in `first.parquet`. */
const servedDays = (folder: string): Promise<readonly (readonly ServedRow[])[]> =>
  withDatabase({ threads: 1, memoryLimit: '256MB', tempDirectory: folder }, async (connection) => {
    const bank = `read_parquet('${join(folder, 'bank.parquet')}')`
    await connection.run(
      `COPY (SELECT * FROM ${bank} WHERE "timestamp" < '${FIRST_SERVED}') TO '${join(folder, 'first.parquet')}' (FORMAT parquet)`,
    )
    const result = await connection.runAndReadAll(
      `SELECT * EXCLUDE (fraud_pattern) REPLACE (amount::DOUBLE AS amount, is_fraud::VARCHAR AS is_fraud)
       FROM ${bank} WHERE "timestamp" >= '${FIRST_SERVED}' ORDER BY "timestamp"`,
    )
    const days = new Map<string, ServedRow[]>()
    for (const row of result.getRowObjects() as unknown as readonly (Row & { readonly is_fraud: string })[]) {
      const { is_fraud, ...rest } = row
      const present = Object.entries(rest).filter(([, value]) => value !== null)
      const transaction = Object.fromEntries(present) as Row
      const day = transaction.timestamp.slice(0, 10)
      const isFraud = is_fraud === 'true' || is_fraud === '1'
      days.set(day, [...(days.get(day) ?? []), { transaction, isFraud }])
    }
    return [...days.values()]
  })

/** Decides on the days one after the other; labels are told two days later. */
const play = async (address: string, days: readonly (readonly ServedRow[])[]): Promise<void> => {
  const post = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${address}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    expect([response.status, response.status === 200 ? '' : text]).toEqual([200, ''])
  }
  for (const [at, day] of days.entries()) {
    await post('/predict/batch', { transactions: day.map(({ transaction }) => transaction) })
    const known = days[at - 2]
    if (known === undefined) continue
    const labels = known.map(({ transaction: { transaction_id }, isFraud }) => ({
      transaction_id,
      is_fraud: isFraud,
    }))
    await post('/feedback', { labels })
  }
}
