import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStateStore } from '../src/adapters/memory/memory-state-store.ts'
import { withDatabase } from '../src/disk/database.ts'
import { createOnlineFeatures } from '../src/pipelines/online/online-features.ts'
import type { Transaction } from '../src/transaction/transaction.ts'
import { ALL_FEATURE_NAMES } from './all-feature-names.ts'
import { type GeneratedBank, generatedBank, labelledAt, secondBank } from './parity/histories.ts'
import { databaseIn, type History, type Replayed, replayInto } from './parity/replay-run.ts'
import { serveHistory } from './parity/serve-history.ts'

/**
 * The claim: what a model is trained on is what it will be given in production, to the last bit.
 *
 * Training features come from replaying history (`replay`: threads, batches, shared memory). Serving features
 * come from one call a transaction on stored states (`createOnlineFeatures`). Both write down what they
 * computed; here the two are laid side by side. Files are compared by SHA-256, values by `Object.is`: no
 * tolerance anywhere.
 */

const folder = mkdtempSync(join(tmpdir(), 'vigia-parity-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('second-bank: 576,870 transactions of another bank, five of them of amount zero and quarantined', () => {
  const banks: Record<string, History> = {}
  const replayed: Record<string, Replayed> = {}
  beforeAll(async () => {
    Object.assign(banks, await secondBank(folder))
  })

  describe.each([
    ['fifteen', 15, 90_000, [2, 4]],
    ['all', 104, 80_000, [3]],
  ])('with %s features', (name, features, first, others) => {
    test(`one worker and ${others.join(' and ')} write the same bytes, features and states`, async () => {
      const one = await replayInto(folder, `${name}-1`, banks[name]!, { workers: 1 })
      replayed[name] = one
      expect([one.result.rows, one.result.featureNames.length]).toEqual([576_865, features])
      for (const workers of others) {
        const more = await replayInto(folder, `${name}-${workers}`, banks[name]!, { workers })
        expect(more.hashes).toEqual(one.hashes)
        expect(more.result).toEqual(one.result)
      }
    })

    test('the serving call answers the same vectors, transaction by transaction', async () => {
      // The first days; all of them are in test/integration.
      const served = await serveHistory(folder, banks[name]!, replayed[name]!, first)
      expect(served.differences).toEqual([])
      expect(served.values).toBe(first * features)
      expect(served.labels).toBeGreaterThan(first / 10)
    })
  })

  test('batches of another size give the same bytes', async () => {
    const { hashes } = await replayInto(folder, 'thousand', banks['fifteen']!, {
      workers: 2,
      batchRows: 1000,
    })
    expect(hashes).toEqual(replayed['fifteen']!.hashes)
  })
})

describe('a generated bank whose events come late, twice and in the same second', () => {
  let bank: GeneratedBank
  let one: Replayed
  beforeAll(async () => {
    const disorder = { late_share: 0.1, duplicate_share: 0.05, same_second_share: 0.1 }
    bank = await generatedBank(folder, 'disordered', {
      rows: 20_000,
      users: 300,
      merchants: 150,
      days: 60,
      // Times late of an exponential distribution: some within the allowed day, some beyond.
      disorder: { ...disorder, mean_lateness_minutes: 600, maximum_lateness_hours: 72 },
    })
    one = await replayInto(folder, 'one', bank.history, { workers: 1 })
  })

  test('has all of it: every feature, late and too late updates, repetitions, ties', async () => {
    expect(one.result.featureNames).toEqual(ALL_FEATURE_NAMES)
    expect(one.result.counts.late).toBeGreaterThan(1000)
    expect(one.result.counts.tooLate).toBeGreaterThan(100)
    expect(bank.read.reasons).toEqual([
      expect.objectContaining({ code: 'transaction_id_repeated', rows: 1000 }),
    ])
    const [ties] = await query(
      `SELECT count(*)::INTEGER AS ties FROM (SELECT 1 FROM '${bank.history.prepared}' GROUP BY user_id, event_time_ms HAVING count(*) > 1)`,
    )
    expect(ties!['ties']).toBeGreaterThan(1000)
  })

  test.each([{ workers: 2 }, { workers: 4 }, { workers: 1, batchRows: 7 }, { workers: 2, batchRows: 1000 }])(
    'replayed with other threads and batches: the same bytes (%o)',
    async (how) => {
      const name = `workers-${how.workers}-${how.batchRows}`
      expect((await replayInto(folder, name, bank.history, how)).hashes).toEqual(one.hashes)
    },
  )

  test('the serving call answers the same vectors, and leaves the same states byte for byte', async () => {
    const served = await serveHistory(folder, bank.history, one)
    expect(served.differences).toEqual([])
    expect(served.transactions).toBe(bank.read.acceptedRows)
    expect(served.values).toBe(bank.read.acceptedRows * ALL_FEATURE_NAMES.length)
    expect(served.states).toBeGreaterThan(1000)
    expect(served.equalStates).toBe(served.states)
  })

  test('a repetition is quarantined by the reader and answered "repeated" by the serving call', async () => {
    const online = createOnlineFeatures(bank.history.settings, bank.history.fitted, createMemoryStateStore())
    const sent = await query(
      `SELECT transaction_id AS "transactionId", user_id AS "userId", epoch_ms("timestamp"::TIMESTAMP)::DOUBLE AS "eventTimeMs"
       FROM (SELECT *, row_number() OVER () AS n FROM '${bank.source}') ORDER BY n`,
    )
    const answers = { created: 0, repeated: 0, tooLateAgain: 0, wrong: 0 }
    const remembered = new Map<unknown, boolean>()
    const latest = new Map<unknown, number>()
    for (const row of sent as unknown as Pick<Transaction, 'transactionId' | 'userId' | 'eventTimeMs'>[]) {
      const { transactionId, userId, eventTimeMs } = row
      const { outcome } = await online.createAllFeatures({ ...row, amountMinor: 100 })
      const known = remembered.get(transactionId)
      // One that came more than a day late was not remembered. Sent again, it is answered again, and changes
      // nothing again.
      answers[known === false ? 'tooLateAgain' : outcome]++
      if ((outcome === 'repeated') !== (known === true)) answers.wrong++
      const latestMs = latest.get(userId) ?? 0
      if (known === undefined) remembered.set(transactionId, eventTimeMs >= latestMs - 86_400_000)
      latest.set(userId, Math.max(latestMs, eventTimeMs))
    }
    expect(answers.wrong).toBe(0)
    expect(answers.created).toBe(bank.read.acceptedRows)
    expect(answers.repeated + answers.tooLateAgain).toBe(1000)
    expect(answers.tooLateAgain).toBeLessThan(20)
  })
})

describe('a small disordered bank whose labels have times of their own', () => {
  let small: GeneratedBank
  beforeAll(async () => {
    const disorder = { late_share: 0.2, duplicate_share: 0.05, same_second_share: 0.1 }
    small = await generatedBank(folder, 'small', {
      rows: 4000,
      users: 60,
      merchants: 40,
      days: 50,
      disorder: { ...disorder, mean_lateness_minutes: 600, maximum_lateness_hours: 72 },
    })
  })

  // What the clock says when a label comes: before its transaction's delay is over, long after, in no order
  // at all.
  test.each([
    ['early', 'event_time_ms + 3600000'],
    ['late', 'event_time_ms + 20 * 86400000'],
    ['out of order', 'event_time_ms + (hash(transaction_id) % 1000) * 3600000'],
    ['before its transaction', 'event_time_ms - 86400000'],
    // To the millisecond: whether that payment already sees it is part of the rule.
    ['at the time of a later payment', 'lead(event_time_ms, 800) OVER (ORDER BY arrival)'],
    ['sometimes given', 'CASE WHEN arrival % 3 = 0 THEN event_time_ms + 5 * 86400000 END'],
  ])('with labels %s, two threads, small batches and the serving call agree', async (name, expression) => {
    const history = await labelledAt(folder, `labels ${name}`, small.history, expression)
    const base = await replayInto(folder, `labels-${name}`, history, { workers: 2, batchRows: 777 })
    const served = await serveHistory(folder, history, base)
    expect(served.differences).toEqual([])
    expect(served.equalStates).toBe(served.states)
  })

  test('batches of a single transaction, and of a single label, give the same bytes', async () => {
    const whole = await replayInto(folder, 'small whole', small.history, { workers: 2 })
    const single = await replayInto(folder, 'small single', small.history, { workers: 2, batchRows: 1 })
    expect(single.hashes).toEqual(whole.hashes)
  })
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
