import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withDatabase } from '../../src/disk/database.ts'
import { GENERATED, servingIn, TRACKED, temporaryFolder, vigiaIn } from './vigia-in-process.ts'

/** Euros, yen without decimals and dinars with three, from the file to production, in euros for the model. */
describe('three currencies from the file to production', () => {
  const { path: work, remove } = temporaryFolder()
  const at = (...names: string[]): string => join(work, ...names)
  const vigia = (...args: string[]) => vigiaIn(work, args)

  beforeAll(async () => {
    expect((await vigia('generate', '--out', at('euros.parquet'), ...GENERATED)).status).toBe(0)
    await query(`COPY (${IN_THREE_CURRENCIES}) TO '${at('bank.csv')}' (HEADER)`)
    writeFileSync(at('bank.yaml'), configurationOf({ base: BASE }))
    writeFileSync(at('none.yaml'), configurationOf({ decimals: 3 }))
    const run = await vigia('run', '--config', at('bank.yaml'), '--out', at('bank'), ...TRACKED)
    expect([run.status, run.stderr]).toEqual([0, ''])
  })
  afterAll(remove)

  it('features and the prepared dataset have euros, beside what was sent', async () => {
    const manifest = json('bank/package/manifest.json')
    const base = { currency: 'EUR', rate: 'rate_to_eur', decimals: 2 }
    expect(manifest.featureSettings.amounts).toMatchObject({ currency: '', decimals: 4, base })
    expect(manifest.fitted.cleaning.amounts).toMatchObject({ decimals: 4, base })
    const [counts] = await query(
      `SELECT count(*)::INTEGER,
         count_if(f.amount <> p.amount_minor / 100)::INTEGER,
         count_if(abs(p.amount_minor - p.sent_amount_minor / 100 * coalesce(p.attribute_rate_to_eur, 1)) > 0.51)::INTEGER,
         count(DISTINCT p.currency)::INTEGER
       FROM '${at('bank/features/features.parquet')}' f JOIN '${at('bank/read/prepared.parquet')}' p USING (transaction_id)`,
    )
    expect(counts).toEqual([1998, 0, 0, 3])
    const [means] = await query(
      `SELECT count_if(abs(user_mean_amount_7d - (
         SELECT avg(o.amount) FROM '${at('bank/features/features.parquet')}' o
         WHERE o.user_id = f.user_id AND o.event_time_ms <= f.event_time_ms
           AND o.event_time_ms > f.event_time_ms - 7 * 86400000)) > 1e-6)::INTEGER
       FROM '${at('bank/features/features.parquet')}' f`,
    )
    expect(means).toEqual([0])
  })

  it('reversals know their originals, those of other currencies too', async () => {
    const [counts] = await query(
      `SELECT count(*) > 50, count_if(r.reversal_is_known IS NULL)::INTEGER,
         count_if(r.reversal_is_known = 1) > 20,
         count_if(r.reversal_is_known = 1 AND (r.reversal_seconds_since <> (p.event_time_ms - o.event_time_ms) / 1000
           OR r.reversal_share_of_amount <> abs(p.amount_minor) / abs(o.amount_minor)))::INTEGER
       FROM '${at('bank/features/features.parquet')}' r JOIN '${at('bank/read/prepared.parquet')}' p USING (transaction_id)
         JOIN '${at('bank/read/prepared.parquet')}' o ON o.transaction_id = p.reverses`,
    )
    expect(counts).toEqual([true, 0, true, 0])
  })

  it('a row without a rate is in the quarantine, and said', () => {
    const { reasons } = json('bank/read/read.json')
    expect(reasons).toEqual([
      {
        code: 'rate_missing',
        what: 'no rate to EUR above 0 (amounts.base.rate: rate_to_eur)',
        rows: 2,
        frauds: 0,
      },
    ])
  })

  it('without a base currency the run is refused, and told how one is said', async () => {
    const { status, stderr } = await vigia('run', '--config', at('none.yaml'), '--out', at('none'))
    expect([status, stderr]).toEqual([1, expect.stringContaining('PIPELINE_VALIDATION_FAILED')])
    expect(stderr).toContain('amounts.base')
  })

  it('a file is scored by the same rates', async () => {
    const args = ['--config', at('bank.yaml'), '--model', at('bank'), '--out', at('scores.csv')]
    const { status, stderr } = await vigia('predict', at('bank.csv'), ...args)
    expect([status, stderr]).toEqual([0, ''])
    const [counts] = await query(
      `SELECT count(*) > 100, count_if(s.probability <> f.probability)::INTEGER
       FROM read_csv('${at('scores.csv')}') s
       JOIN '${at('bank/score/predictions.parquet')}' f USING (transaction_id)`,
    )
    expect(counts).toEqual([true, 0])
  })

  it('is promoted: served with the amounts as they were sent, no value differs from training', async () => {
    const args = ['--run', at('bank'), '--by', 'ana', '--reason', 'it is due', '--config', at('bank.yaml')]
    const { status, stdout, stderr } = await vigia('models', 'promote', '1', ...args, ...TRACKED)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/parity +passed +.* 0 of \d+ values differ, in 300 rows/)
  })

  it('a service takes each amount in its own currency and shows it so; without a rate it is refused', async () => {
    const served = await servingIn(work, servingOf(at('bank')), async (address) => {
      const get = async (path: string) =>
        (await (await fetch(`${address}${path}`)).json()) as { readonly transaction?: object }
      const post = async (body: object) => {
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(`${address}/predict`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        })
        return [answer.status, JSON.stringify(await answer.json())]
      }
      for (const [transaction_id, amount, currency, rate_to_eur] of [
        ['yen', 1000, 'JPY', 0.0061],
        ['dinars', 12.345, 'KWD', 2.98],
        ['euros', 42.5, 'EUR', null],
      ] as const) {
        const sent = { ...PAYMENT, transaction_id, amount, currency, attributes: { rate_to_eur } }
        expect((await post(sent))[0]).toBe(200)
        const { transaction } = await get(`/predictions/${transaction_id}`)
        expect(transaction).toMatchObject({ amount, currency })
      }
      const refused = await post({ ...PAYMENT, transaction_id: 'none', amount: 1, currency: 'JPY' })
      expect(refused).toEqual([
        422,
        expect.stringContaining('attributes.rate_to_eur is missing (rate_missing)'),
      ])
      const large = { amount: 1e9, currency: 'KWD', attributes: { rate_to_eur: 3 } }
      const beyond = await post({ ...PAYMENT, transaction_id: 'beyond', ...large })
      expect(beyond).toEqual([
        422,
        expect.stringContaining('amount is beyond 999999999.99 EUR at the rate 3'),
      ])
      expect((await post(await get('/sample-transaction')))[0]).toBe(200)
      const api = JSON.stringify(await get('/openapi.json'))
      expect(api).toContain('A transaction in EUR needs none.')
    })
    expect([served.status, served.stderr]).toEqual([0, ''])
  })

  it('the rates may stand in a table, as of the time of each transaction: the same features, served alike', async () => {
    await query(
      `COPY (SELECT * EXCLUDE rate_to_eur FROM read_csv('${at('bank.csv')}', all_varchar = true)) TO '${at('plain.csv')}' (HEADER)`,
    )
    await query(`COPY (${RATES}) TO '${at('rates.csv')}' (HEADER)`)
    writeFileSync(at('table.yaml'), configurationOf({ base: BASE }, OF_TABLE))
    const run = await vigia('run', '--config', at('table.yaml'), '--out', at('table'), ...TRACKED)
    expect([run.status, run.stderr]).toEqual([0, ''])
    // Two rows more: the table has a rate for those that came without.
    const [counts] = await query(
      `SELECT count(*)::INTEGER, count_if(a.amount_minor <> b.amount_minor)::INTEGER
       FROM '${at('bank/read/prepared.parquet')}' a JOIN '${at('table/read/prepared.parquet')}' b USING (transaction_id)`,
    )
    expect([counts, json('table/read/read.json').acceptedRows]).toEqual([[1998, 0], 2000])
    const args = ['--run', at('table'), '--by', 'ana', '--reason', 'as well', '--config', at('table.yaml')]
    const { status, stdout, stderr } = await vigia('models', 'promote', '2', ...args, ...TRACKED)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/parity +passed +.* 0 of \d+ values differ, in 300 rows/)
    const served = await servingIn(work, servingOf(at('table')), async (address) => {
      const predict = async (body: object) => {
        const headers = { 'content-type': 'application/json' }
        const sent = { ...PAYMENT, amount: 1000, ...body }
        const answer = await fetch(`${address}/predict`, {
          method: 'POST',
          headers,
          body: JSON.stringify(sent),
        })
        return [answer.status, JSON.stringify(await answer.json())]
      }
      expect((await predict({ transaction_id: 'known', currency: 'jpy' }))[0]).toBe(200)
      expect(await predict({ transaction_id: 'unknown', currency: 'USD' })).toEqual([
        422,
        expect.stringContaining('attributes.rate_to_eur is missing (rate_missing)'),
      ])
    })
    expect([served.status, served.stderr]).toEqual([0, ''])
  })

  const json = (path: string) => JSON.parse(readFileSync(at(path), 'utf8'))

  const query = (sql: string): Promise<unknown[][]> =>
    withDatabase({ threads: 1, memoryLimit: '1GB', tempDirectory: at('temporary') }, async (connection) =>
      (await connection.runAndReadAll(sql.replace("'euros'", `'${at('euros.parquet')}'`))).getRows(),
    )
})

const PAYMENT = { user_id: 'ada', timestamp: '2020-09-13T12:00:00Z', merchant_id: 'm1' }

const servingOf = (run: string) => ['--set', `model.source=${run}`, '--set', 'log.level=warn']

/** Each user pays in all three; rates move daily, and two rows have none. One in ten reverses another. */
const IN_THREE_CURRENCIES = `
  SELECT * REPLACE (
      CASE kind WHEN 0 THEN amount::VARCHAR WHEN 1 THEN (amount / 0.0061)::BIGINT::VARCHAR
        ELSE (amount / 3)::DECIMAL(12, 3)::VARCHAR END AS amount,
      CASE kind WHEN 0 THEN 'EUR' WHEN 1 THEN 'jpy' ELSE 'KWD' END AS currency) ,
    CASE WHEN kind = 0 OR is_fraud = 0 AND place IN (500, 501) THEN NULL
      WHEN kind = 1 THEN 0.0061 + day / 1000000 ELSE 2.98 + day / 1000 END AS rate_to_eur,
    CASE WHEN place % 10 = 7 THEN lag(transaction_id) OVER (PARTITION BY user_id ORDER BY place) END AS reverses
  FROM (SELECT *, CASE WHEN is_fraud = 0 AND place IN (500, 501) THEN 1 ELSE hash(transaction_id) % 3 END AS kind FROM (
    SELECT *, row_number() OVER () AS place, date_diff('day', DATE '2025-01-01', timestamp::TIMESTAMP) AS day FROM 'euros'))`

/** From midnight on, of the two currencies that are not the base. */
const RATES = `
  SELECT currency, (DATE '2025-01-01' + day::INTEGER)::VARCHAR || 'T00:00:00Z' AS since,
    CASE currency WHEN 'jpy' THEN 0.0061 + day / 1000000 ELSE 2.98 + day / 1000 END AS rate
  FROM range(-3000, 1000) AS days(day), (VALUES ('jpy'), ('KWD')) AS currencies(currency)`

const OF_COLUMN = { path: 'bank.csv', attributes: { rate_to_eur: { kind: 'number' } } }
const BASE = { currency: 'EUR', rate: 'rate_to_eur' }
const OF_TABLE = {
  path: 'plain.csv',
  attributes: { rate_to_eur: { kind: 'number', from: 'rate', table: 'rates' } },
  tables: { rates: { path: 'rates.csv', key: { currency: 'currency' }, valid_from: 'since' } },
}

/** JSON is YAML. Few features and trees: what is tried is the way from end to end. */
const configurationOf = (amounts: object, source: object = OF_COLUMN): string =>
  JSON.stringify({
    source,
    amounts,
    resources: { threads: 1 },
    models: {
      random_forest: { enabled: false },
      gradient_boosting: { trees: 5 },
      xgboost: { enabled: false },
    },
    features: { include: ['amount.*', 'user_behaviour.*', 'merchant.*'] },
    promotion: { parity_rows: 300 },
  })
