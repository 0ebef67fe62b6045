import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withDatabase } from '../src/disk/database.ts'
import type { Transaction } from '../src/transaction/transaction.ts'
import { ALL_FEATURE_NAMES } from './all-feature-names.ts'
import {
  type GeneratedBank,
  generatedBank,
  LABEL_TIMES,
  labelledAt,
  OWN_DERIVED,
} from './parity/histories.ts'
import { databaseIn, type Replayed, replayInto } from './parity/replay-run.ts'
import { openPipelineOf, serveHistory } from './parity/serve-history.ts'

/**
 * The claim: what a model is trained on is what it is given in production, to the last bit.
 *
 * Training features come from replaying history (`replay`: threads, batches, shared memory). Served features
 * are those that a server writes to its log (`openService`: one call a transaction, states in a store). Here
 * the two are laid side by side. Files are compared by SHA-256, values by `Object.is`: no tolerance anywhere.
 *
 * These are 10,000 transactions of an invented bank; `test/long/replay-parity.test.ts` has a real one's
 * 576,870.
 */

const folder = mkdtempSync(join(tmpdir(), 'vigia-parity-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a generated bank whose events come late, twice and in the same second', () => {
  let bank: GeneratedBank
  let one: Replayed
  beforeAll(async () => {
    const disorder = { late_share: 0.1, duplicate_share: 0.05, same_second_share: 0.1 }
    bank = await generatedBank(folder, 'disordered', {
      rows: 10_000,
      users: 300,
      merchants: 150,
      days: 60,
      // Times late of an exponential distribution: some within the allowed day, some beyond.
      disorder: { ...disorder, mean_lateness_minutes: 600, maximum_lateness_hours: 72 },
    })
    one = await replayInto(folder, 'one', bank.history, { workers: 1 })
  })

  test('has all of it: every feature, late and too late updates, repetitions, ties', async () => {
    const names = one.result.featureNames
    expect(names.slice(0, ALL_FEATURE_NAMES.length)).toEqual(ALL_FEATURE_NAMES)
    expect(names).toEqual(
      expect.arrayContaining(['corner_risk_1d', 'user_corner_is_new', 'merchant_distinct_corner_1h']),
    )
    expect(names).toEqual(expect.arrayContaining(Object.keys(OWN_DERIVED)))
    const aggregates = ['balance_mean_7d', 'balance_sum_1h', 'balance_high_2d', 'balance_change']
    aggregates.push('shop_kinds_7d', 'shop_kind_share_30d', 'last_shop_kind', 'far_share_1d')
    const known = aggregates.map((name) => `count_if(NOT isnan(${name}))::INTEGER AS ${name}`)
    const [values] = await query(`SELECT ${known.join(', ')} FROM '${one.out}'`)
    for (const name of aggregates) expect([name, values![name]]).not.toEqual([name, 0])
    expect(one.result.counts.late).toBeGreaterThan(500)
    expect(one.result.counts.tooLate).toBeGreaterThan(50)
    expect(bank.read.reasons).toEqual([
      expect.objectContaining({ code: 'transaction_id_repeated', rows: 500 }),
    ])
    const [ties] = await query(
      `SELECT count(*)::INTEGER AS ties FROM (SELECT 1 FROM '${bank.history.prepared}' GROUP BY user_id, event_time_ms HAVING count(*) > 1)`,
    )
    expect(ties!['ties']).toBeGreaterThan(500)
  })

  test('replayed with other threads and batches: the same bytes', async () => {
    const other = await replayInto(folder, 'other', bank.history, { workers: 3, batchRows: 777 })
    expect(other.hashes).toEqual(one.hashes)
  })

  test('a server logs the same vectors, and keeps the same states byte for byte', async () => {
    const served = await serveHistory(folder, bank.history, one)
    expect(served.differences).toEqual([])
    expect(served.transactions).toBe(bank.read.acceptedRows)
    expect(served.values).toBe(bank.read.acceptedRows * one.result.featureNames.length)
    expect(served.labels).toBeGreaterThan(bank.read.acceptedRows / 2)
    expect(served.states).toBeGreaterThan(1000)
    expect(served.equalStates).toBe(served.states)
  })

  test('with labels at times of their own, of every kind, replay and server agree as well', async () => {
    const kinds = Object.values(LABEL_TIMES)
    const expression = `CASE arrival % ${kinds.length} ${kinds.map((time, n) => `WHEN ${n} THEN ${time}`).join(' ')} END`
    const history = await labelledAt(folder, 'labelled', bank.history, expression)
    const replayed = await replayInto(folder, 'labels', history, { workers: 2, batchRows: 777 })
    const served = await serveHistory(folder, history, replayed)
    expect(served.differences).toEqual([])
    expect(served.equalStates).toBe(served.states)
  })

  test('a repetition is quarantined by the reader and answered as before by a server', async () => {
    const { pipeline } = await openPipelineOf(join(folder, 'repeated'), bank.history)
    const sent = await query(
      `SELECT transaction_id AS "transactionId", user_id AS "userId", epoch_ms("timestamp"::TIMESTAMP)::DOUBLE AS "eventTimeMs"
       FROM (SELECT *, row_number() OVER () AS n FROM '${bank.source}') ORDER BY n`,
    )
    const answers = new Map<string, string>()
    const told = { repeated: 0, wrong: 0 }
    for (const row of sent as unknown as Pick<Transaction, 'transactionId' | 'userId' | 'eventTimeMs'>[]) {
      const { predictionId, isRepeated } = await pipeline.predict({ ...row, amountMinor: 100 }, 0)
      const before = answers.get(row.transactionId)
      if (isRepeated) told.repeated++
      if (isRepeated !== (before !== undefined) || predictionId !== (before ?? predictionId)) told.wrong++
      answers.set(row.transactionId, predictionId)
    }
    await pipeline.close()
    expect(told).toEqual({ repeated: 500, wrong: 0 })
    expect(answers.size).toBe(bank.read.acceptedRows)
  })
})

test('entities that were away for too long are begun anew by replay and server alike', async () => {
  const generate = { rows: 3000, users: 600, merchants: 200, days: 240 }
  const { history } = await generatedBank(folder, 'sparse', generate)
  const limits = Object.entries(history.settings.limits).map(
    ([kind, own]) => [kind, { ...own, forgetAfterMs: 45 * 86_400_000 }] as const,
  )
  const settings = { ...history.settings, limits: Object.fromEntries(limits) }
  const forgetful = { ...history, settings: settings as typeof history.settings }
  const replayed = await replayInto(folder, 'forgetful', forgetful, { workers: 2, batchRows: 777 })
  const remembered = await replayInto(folder, 'remembered', history, { workers: 2 })
  const [first, all] = await Promise.all(
    [replayed, remembered].map(async ({ out }) => {
      const [row] = await query(`SELECT sum(user_is_first)::INTEGER AS first FROM '${out}'`)
      return Number(row!['first'])
    }),
  )
  expect(first! - all!).toBeGreaterThan(200)
  const served = await serveHistory(folder, forgetful, replayed)
  expect(served.differences).toEqual([])
  expect(served.states).toBeGreaterThan(500)
  expect(served.equalStates).toBe(served.states)
})

test('batches of a single transaction, and of a single label, give the same bytes', async () => {
  const { history } = await generatedBank(folder, 'small', { rows: 2000, users: 60, merchants: 40, days: 50 })
  const whole = await replayInto(folder, 'small whole', history, { workers: 2 })
  const single = await replayInto(folder, 'small single', history, { workers: 2, batchRows: 1 })
  expect(single.hashes).toEqual(whole.hashes)
})

test('labels queued in memory and labels sorted by the database come in the same order', async () => {
  const { history } = await generatedBank(folder, 'ordered', {
    rows: 6000,
    users: 100,
    merchants: 40,
    days: 60,
  })
  // Giving each label the time at which it would be known anyway turns one way of feeding into the other.
  const given = await labelledAt(folder, 'given', history, `event_time_ms + 7 * 86400000`)
  const queued = await replayInto(folder, 'queued', history, { workers: 2 })
  const sorted = await replayInto(folder, 'sorted', given, { workers: 2 })
  for (const kind of ['user', 'merchant', 'device']) {
    expect(sorted.hashes[`${kind}.states`]).toBe(queued.hashes[`${kind}.states`])
  }
  const hash = async ({ out }: Replayed) =>
    (
      await query(
        `SELECT md5(string_agg(f::VARCHAR, '|')) AS hash FROM (SELECT * EXCLUDE labelled_at_ms FROM '${out}') f`,
      )
    )[0]
  expect(await hash(sorted)).toEqual(await hash(queued))
  const [risks] = await query(
    `SELECT count(*) FILTER (merchant_risk_7d > 0)::INTEGER AS risky FROM '${queued.out}'`,
  )
  expect(risks!['risky']).toBeGreaterThan(100)
})

const query = (sql: string): Promise<Record<string, unknown>[]> =>
  withDatabase(databaseIn(folder), async (connection) =>
    (await connection.runAndReadAll(sql)).getRowObjectsJS(),
  )
