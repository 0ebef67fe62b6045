import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALL_FEATURE_NAMES } from '../../../test/all-feature-names.ts'
import { type GeneratedBank, generatedBank, labelledAt } from '../../../test/parity/histories.ts'
import { databaseIn, type History, replayInto } from '../../../test/parity/replay-run.ts'
import { createMemoryStateStore } from '../../adapters/memory/memory-state-store.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { unwatchedWork } from '../../disk/work.ts'
import type { Scorer } from '../../model/scorer.ts'
import { isParity } from './parity-report.ts'
import { serveRun } from './serve-run.ts'

describe('serving the end of a run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-serve-run-'))
  let bank: GeneratedBank
  beforeAll(async () => {
    const disorder = { late_share: 0.2, duplicate_share: 0.05, same_second_share: 0.1 }
    bank = await generatedBank(folder, 'bank', {
      rows: 4000,
      users: 60,
      merchants: 40,
      days: 50,
      disorder: { ...disorder, mean_lateness_minutes: 600, maximum_lateness_hours: 72 },
    })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  // Labels that are pending at the cut, in no order, in time, and known before they can be: all are part of
  // the history.
  it.each([
    ['by the delay', 'NULL', 500],
    ['out of order', 'event_time_ms + (hash(transaction_id) % 1000) * 3600000', 1500],
    ['before their transactions', 'event_time_ms - 86400000', 500],
    ['sometimes given', 'CASE WHEN arrival % 3 = 0 THEN event_time_ms + 5 * 86400000 END', 1],
    ['at the time of a later payment', 'lead(event_time_ms, 800) OVER (ORDER BY arrival)', 100_000],
  ])('gives the features of training, with labels %s', async (name, expression, rows) => {
    const history = await labelledAt(folder, `labels ${name}`, bank.history, expression)
    const { out } = await replayInto(folder, `replayed ${name}`, history, { workers: 2 })
    const { parity, latency } = await serve(history, out, rows, name)
    const sent = Math.min(rows, bank.read.acceptedRows)
    expect(parity.differing).toEqual([])
    expect(parity).toMatchObject({
      rows: sent,
      values: sent * ALL_FEATURE_NAMES.length,
      missing: 0,
      extra: 0,
    })
    expect(isParity(parity)).toBe(true)
    // A clock that goes on by one millisecond a look.
    expect(latency).toEqual({
      warmUp: Math.min(1000, Math.floor(sent / 10)),
      calls: sent - Math.min(1000, Math.floor(sent / 10)),
      p50: 1,
      p99: 1,
      largest: 1,
    })
  })

  it('finds every value that is not the same, by feature, and rows that training does not have', async () => {
    const { out } = await replayInto(folder, 'whole', bank.history, { workers: 2 })
    const altered = join(folder, 'altered.parquet')
    await withDatabase(databaseIn(folder), (connection) =>
      connection.run(
        `COPY (SELECT * EXCLUDE (n) REPLACE (
             amount + CASE WHEN n > 3700 THEN 0.25 ELSE 0 END AS amount,
             CASE WHEN n = 3700 THEN NULL ELSE hour END AS hour)
           FROM (SELECT *, row_number() OVER () AS n FROM read_parquet(${sqlLiteral(out)})) WHERE n <> 3650)
         TO ${sqlLiteral(altered)} (FORMAT parquet)`,
      ),
    )
    const last = bank.read.acceptedRows - 3600
    const { parity } = await serve(bank.history, altered, last, 'altered')
    expect(isParity(parity)).toBe(false)
    expect(parity).toMatchObject({ rows: last - 1, missing: 0, extra: 1 })
    expect(parity.differing).toHaveLength(2)
    expect(parity.differing).toContainEqual({ feature: 'hour', count: 1, largest: null })
    const amounts = bank.read.acceptedRows - 3700
    expect(parity.differing).toContainEqual({ feature: 'amount', count: amounts, largest: 0.25 })
  })

  it('finds a run that was computed with something else than the model', async () => {
    const { out } = await replayInto(folder, 'other', bank.history, { workers: 2 })
    const other = { ...bank.history.settings, limits: { ...bank.history.settings.limits } }
    const user = { ...other.limits.user, labelDelayMs: 0 }
    const limits = { user, merchant: user, device: user }
    const { parity } = await serve({ ...bank.history, settings: { ...other, limits } }, out, 1000, 'other')
    expect(parity.differing.length).toBeGreaterThan(0)
    const names = parity.differing.map(({ feature }) => feature)
    expect(names).toContain('merchant_risk_7d')
    expect(names).not.toContain('amount')
  })

  const serve = async (
    { prepared, settings, fitted }: History,
    features: string,
    rows: number,
    name: string,
  ) => {
    const workFolder = join(folder, `work ${name}`)
    mkdirSync(workFolder)
    let ticks = 0
    return serveRun({
      files: { prepared, features },
      settings,
      fitted,
      scorer: anyScorer,
      rows,
      source: name,
      workFolder,
      workers: 2,
      store: createMemoryStateStore(),
      world: { monotonicMs: () => ticks++ },
      work: unwatchedWork(databaseIn(folder)),
    })
  }
})

const anyScorer: Scorer = {
  featureNames: ['amount'],
  threshold: 0.5,
  riskLevels: { medium: 0.3, high: 0.5, critical: 0.9 },
  marginOne: () => 0,
  scoreOne: () => 0.5,
  scoreMany: () => undefined,
  isFlagged: () => true,
  riskLevel: () => 'high',
}
