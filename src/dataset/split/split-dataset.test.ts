import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createRandom } from '../../foundation/random.ts'
import { sqlLiteral, withDatabase } from '../database.ts'
import { PART_NAMES, type SplitRows, UNLABELLED } from './part.ts'
import { type SplitPlan, splitDataset, splitRows } from './split-dataset.ts'

const DAY = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'vigia-split-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const BY_SHARES: SplitPlan = {
  method: 'temporal',
  time: { shares: { warmupMs: 2 * DAY, gapMs: DAY, validation: 0.25, test: 0.25 } },
  excludeKnownCompromised: false,
}

describe('splitting rows', () => {
  it('12 daily rows: 2 of warm-up, 4 train, 1 gap, 2 validation, 1 gap, 2 test', () => {
    // The span is 11 days and a millisecond; warm-up and gaps leave 7, of which 3.5, 1.75 and 1.75.
    const { parts } = splitRows(dailyRows(12), BY_SHARES, DAY, createRandom(1))
    expect(Array.from(parts, (part) => PART_NAMES[part]![0]).join('')).toBe('nnttttnvvntt')
  })

  it('counts the rows that known-compromised users lose', () => {
    const rows = { ...dailyRows(12), labels: Int8Array.of(0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0) }
    const plan: SplitPlan = { ...BY_SHARES, excludeKnownCompromised: true }
    // Two users take turns: user 0, who had a fraud in training, loses one row of validation and one of the test.
    const { report } = splitRows(
      { ...rows, users: rows.users.map((_, row) => row % 2) },
      plan,
      DAY,
      createRandom(1),
    )
    expect(report.excluded).toBe(2)
    expect(report.parts.map(({ part, rows }) => [part, rows])).toEqual([
      ['train', 4],
      ['validation', 1],
      ['test', 1],
      ['none', 6],
    ])
  })

  it('says when no row has a label', () => {
    const rows = { ...dailyRows(3), labels: new Int8Array(3).fill(UNLABELLED) }
    expect(() => splitRows(rows, BY_SHARES, DAY, createRandom(1))).toThrow('None of the 3 rows has a label')
  })

  it('says which part is empty, and where the labelled rows are', () => {
    const windows = {
      train: { fromMs: 0, toMs: 2 * DAY },
      validation: null,
      test: { fromMs: 30 * DAY, toMs: 31 * DAY },
    }
    const plan: SplitPlan = { method: 'temporal', time: { windows }, excludeKnownCompromised: false }
    expect(() => splitRows(dailyRows(12), plan, DAY, createRandom(1))).toThrow(
      'The test part of the split has no rows: no labelled row lies in its window. Labelled rows span 1970-01-01T00:00:00Z to 1970-01-12T00:00:00Z',
    )
  })
})

describe('splitting a dataset', () => {
  it('writes the part of every row, and the same bytes for the same seed', async () => {
    const prepared = join(folder, 'prepared.parquet')
    const plan: SplitPlan = { method: 'random', shares: { validation: 0.2, test: 0.3 } }
    const run = (out: string, seed: number) =>
      withDatabase({ threads: 2, memoryLimit: '1GB', tempDirectory: folder }, async (connection) => {
        await connection.run(
          `COPY (SELECT i AS arrival, 'u' || i % 7 AS user_id, i * 1000 AS event_time_ms,
                        (i % 10 = 0)::TINYINT AS is_fraud, NULL::BIGINT AS labelled_at_ms FROM range(4000) t(i))
           TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
        )
        const report = await splitDataset(connection, prepared, plan, 7 * DAY, seed, join(folder, out))
        const counted = await connection.runAndReadAll(
          `SELECT part, count(*)::INT, sum(arrival % 10 = 0)::INT FROM read_parquet(${sqlLiteral(join(folder, out))}) GROUP BY 1 ORDER BY 1`,
        )
        return { report, rows: counted.getRows() }
      })
    const { report, rows } = await run('a.parquet', 42)
    expect(rows).toEqual([
      ['test', 1200, 120],
      ['train', 2000, 200],
      ['validation', 800, 80],
    ])
    expect(report).toMatchObject({
      method: 'random',
      windows: null,
      rows: 4000,
      sharedUsers: 7,
      unlabelled: 0,
    })
    await run('b.parquet', 42)
    await run('c.parquet', 43)
    expect(bytesOf('b.parquet')).toEqual(bytesOf('a.parquet'))
    expect(bytesOf('c.parquet')).not.toEqual(bytesOf('a.parquet'))
  })
})

const bytesOf = (name: string) => readFileSync(join(folder, name)).toString('base64')

const dailyRows = (days: number): SplitRows => ({
  eventTimesMs: Float64Array.from({ length: days }, (_, day) => day * DAY),
  labels: Int8Array.from({ length: days }, (_, day) => (day % 3 === 0 ? 1 : 0)),
  knownAtMs: Float64Array.from({ length: days }, (_, day) => (day + 1) * DAY),
  users: new Uint32Array(days),
})
