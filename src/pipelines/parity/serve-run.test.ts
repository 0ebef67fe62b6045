import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { labelledAt } from '../../../test/parity/histories.ts'
import { databaseIn, type History } from '../../../test/parity/replay-run.ts'
import { modelOf, testStorage } from '../../../test/parity/serving-kit.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { isParity } from './parity-report.ts'
import { CLEANING, createServedBank, overLog, ownedStates, type ServedBank } from './served-bank.test-kit.ts'

let served: ServedBank
beforeAll(async () => {
  served = await createServedBank()
})
afterAll(() => served?.remove())

describe('serving the end of a run', () => {
  // Labels that are pending at the cut, in no order, and of a whole history.
  it.each([
    ['by the delay', 'NULL', 500],
    ['out of order', 'event_time_ms + (hash(transaction_id) % 1000) * 3600000', 1000],
    ['at the time of a later payment', 'lead(event_time_ms, 400) OVER (ORDER BY arrival)', 100_000],
  ])('gives the features of training, with labels %s', async (name, expression, rows) => {
    const { folder, bank, train, serve } = served
    const history = await labelledAt(folder, `labels ${name}`, bank.history, expression)
    const { parity, latency } = await serve(await train(`replayed ${name}`, history), { rows })
    const sent = Math.min(rows, bank.read.acceptedRows)
    expect(parity.differing).toEqual([])
    expect(parity).toMatchObject({
      rows: sent,
      values: sent * modelOf(bank.history).computed.length,
      missing: 0,
      extra: 0,
    })
    expect(latency).toMatchObject({
      warmUp: Math.min(1000, Math.floor(sent / 10)),
      calls: sent - Math.min(1000, Math.floor(sent / 10)),
    })
  })

  // Told before the delay of a week, after it, and both.
  it.each([
    ['by the delay', 'NULL', 500],
    ['at times of their own', 'event_time_ms + (hash(transaction_id) % 500) * 3600000', 1000],
    ['of a whole history', 'event_time_ms + (hash(transaction_id) % 500) * 3600000', 100_000],
  ])(
    'makes transactions genuine that nobody tells of, as training does: frauds told %s',
    async (name, at, rows) => {
      const { folder, bank, train, serve } = served
      const told = await fraudsOnly(folder, await labelledAt(folder, `frauds ${name}`, bank.history, at))
      const genuine = { ...told, settings: { ...told.settings, unlabelled: 'genuine_after_delay' as const } }
      const { parity } = await serve(await train(`frauds replayed ${name}`, genuine), { rows })
      const sent = Math.min(rows, bank.read.acceptedRows)
      expect(parity).toMatchObject({ rows: sent, differing: [], missing: 0, extra: 0 })
    },
  )

  it('finds that the same frauds without genuine transactions are other features', async () => {
    const { folder, bank, train, serve } = served
    const told = await fraudsOnly(folder, await labelledAt(folder, 'frauds alone', bank.history, 'NULL'))
    const genuine = { ...told.settings, unlabelled: 'genuine_after_delay' as const }
    const unknown = await train('frauds unknown', told)
    const model = modelOf({ ...told, settings: genuine }, CLEANING)
    const { parity } = await serve({ ...unknown, model }, { rows: 500 })
    expect(parity.differing.map(({ feature }) => feature)).toContain('merchant_risk_7d')
  })

  // Told early and late, corrected, taken back, told again; and of half of the transactions nothing.
  it.each([
    ['unknown', 1000],
    ['genuine_after_delay', 100_000],
  ] as const)(
    'gives the features of training with all that a table says of labels: %s, %i rows',
    async (unlabelled, rows) => {
      const { folder, bank, train, serve } = served
      const name = `table of labels ${unlabelled} ${rows}`
      const labelHistory = await toldLabels(folder, name, bank.history)
      const settings = {
        ...bank.history.settings,
        ...(unlabelled !== 'unknown' && { unlabelled }),
      }
      const history = { ...bank.history, settings, labelHistory }
      const trained = await train(name, history)
      const { parity } = await serve(trained, { rows })
      const sent = Math.min(rows, bank.read.acceptedRows)
      expect(parity).toMatchObject({ rows: sent, differing: [], missing: 0, extra: 0 })
      // The last words alone are other features.
      const { parity: other } = await serve(
        { ...trained, files: { ...trained.files, labelHistory: undefined } },
        { rows },
      )
      expect(other.differing.map(({ feature }) => feature)).toContain('merchant_risk_7d')
    },
  )

  it('finds every value that is not the same, by feature, and rows that training does not have', async () => {
    const { folder, bank, trained, serve } = served
    const altered = join(folder, 'altered.parquet')
    await withDatabase(databaseIn(folder), (connection) =>
      connection.run(
        `COPY (SELECT * EXCLUDE (n) REPLACE (
             amount + CASE WHEN n > 1700 THEN 0.25 ELSE 0 END AS amount,
             CASE WHEN n = 1700 THEN NULL ELSE hour END AS hour)
           FROM (SELECT *, row_number() OVER () AS n FROM read_parquet(${sqlLiteral(trained.files.features)})) WHERE n <> 1650)
         TO ${sqlLiteral(altered)} (FORMAT parquet)`,
      ),
    )
    const rows = bank.read.acceptedRows - 1600
    const { parity } = await serve(trained, { rows, files: { ...trained.files, features: altered } })
    expect(isParity(parity)).toBe(false)
    expect(parity).toMatchObject({ rows: rows - 1, missing: 0, extra: 1 })
    expect(parity.differing).toHaveLength(2)
    expect(parity.differing).toContainEqual({ feature: 'hour', count: 1, largest: null })
    const amounts = bank.read.acceptedRows - 1700
    expect(parity.differing).toContainEqual({
      feature: 'amount',
      count: amounts,
      largest: expect.closeTo(0.25),
    })
  })

  it('finds a run that was computed with something else than the model', async () => {
    const { bank, trained, serve } = served
    const limits = Object.entries(bank.history.settings.limits).map(([kind, kept]) => [
      kind,
      { ...kept, labelDelayMs: 0 },
    ])
    const settings = { ...bank.history.settings, limits: Object.fromEntries(limits) }
    const model = modelOf({ ...bank.history, settings }, CLEANING)
    const { parity } = await serve(trained, { model })
    const names = parity.differing.map(({ feature }) => feature)
    expect(names).toContain('merchant_risk_7d')
    expect(names).not.toContain('amount')
  })

  it('ends what it has opened when it is interrupted', async () => {
    const { trained, serve } = served
    const open = new Set<string>()
    const interruption = new AbortController()
    const storage = testStorage()
    const interrupted = serve(trained, {
      storage: {
        ...storage,
        openStates: async (settings) => {
          const states = ownedStates(await storage.openStates(settings))
          open.add('states')
          const close = () => states.store.close().finally(() => open.delete('states'))
          return { ...states, store: { ...states.store, close } }
        },
        openLog: async (settings) => {
          const log = await storage.openLog(settings)
          open.add('log')
          const close = () => log.close().finally(() => open.delete('log'))
          return overLog(log, { close })
        },
      },
      work: {
        database: databaseIn(served.folder),
        signal: interruption.signal,
        reportProgress: ({ activity }) => {
          if (activity === 'serving' && open.size === 2) interruption.abort()
        },
      },
    })
    await expect(interrupted).rejects.toMatchObject({ name: 'AbortError' })
    expect([...open]).toEqual([])
  })
})

/** `history` as a bank has it that is told of frauds alone. */
const fraudsOnly = async (folder: string, history: History): Promise<History> => {
  const prepared = history.prepared.replace(/\.parquet$/, ' only.parquet')
  await withDatabase(databaseIn(folder), (connection) =>
    connection.run(
      `COPY (SELECT * REPLACE (
           CASE WHEN is_fraud = 1 THEN 1::TINYINT END AS is_fraud,
           CASE WHEN is_fraud = 1 THEN labelled_at_ms END AS labelled_at_ms)
         FROM read_parquet(${sqlLiteral(history.prepared)}) ORDER BY arrival)
       TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
    ),
  )
  return { ...history, prepared }
}

/** Parquet with up to three words on every other transaction, between 1 hour and 40 days after it. */
const toldLabels = async (folder: string, name: string, history: History): Promise<string> => {
  const path = join(folder, `${name}.labels.parquet`)
  const word = (place: number): string =>
    `SELECT transaction_id, arrival, CASE hash(transaction_id, ${place}) % 5 WHEN 0 THEN NULL WHEN 1 THEN 0 ELSE 1 END::TINYINT AS is_fraud,
       (event_time_ms + (1 + hash(${place}, transaction_id) % 960) * 3600000)::BIGINT AS known_at_ms, ${place}::BIGINT AS place
     FROM read_parquet(${sqlLiteral(history.prepared)}) WHERE arrival % 2 = 0 AND hash(transaction_id) % 3 >= ${place} - 1`
  await withDatabase(databaseIn(folder), (connection) =>
    connection.run(
      `COPY (SELECT * EXCLUDE (arrival) FROM (${[1, 2, 3].map(word).join(' UNION ALL ')}) ORDER BY arrival, known_at_ms, place)
       TO ${sqlLiteral(path)} (FORMAT parquet)`,
    ),
  )
  return path
}
