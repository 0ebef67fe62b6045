import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { SplitSchema, type SplitSettings } from '../../config/sections/split.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { createRandom } from '../../foundation/random.ts'
import { PART_NAMES, type SplitRows, UNLABELLED } from './part.ts'
import { splitDataset, splitRows } from './split-dataset.ts'
import { readSplitPlan, type SplitPlan } from './split-plan.ts'

const DAY = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'vigia-split-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const BY_SHARES: SplitPlan = {
  method: 'temporal',
  time: { shares: { warmupMs: 2 * DAY, gapMs: DAY, validation: 0.25, test: 0.25 }, by: 'event_time' },
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
    // Two users take turns: user 0, who had a fraud in training, loses one row of validation and one of the
    // test.
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

  it('by rows, unlabelled ones take no share: 24 rows of which every other has a label', () => {
    const plan: SplitPlan = {
      method: 'temporal',
      time: { shares: { warmupMs: 0, gapMs: 0, validation: 0.25, test: 0.25 }, by: 'rows' },
      excludeKnownCompromised: false,
    }
    const rows = dailyRows(24)
    const labels = rows.labels.map((label, row) => (row % 2 === 0 ? label : UNLABELLED))
    const { report } = splitRows({ ...rows, labels }, plan, 0, createRandom(1))
    expect(report.parts.map(({ part, rows }) => [part, rows])).toEqual([
      ['train', 6],
      ['validation', 3],
      ['test', 3],
      ['none', 12],
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

describe('the settings of a split', () => {
  it('by default share out the time, with a gap as long as labels take', () => {
    expect(readSplitPlan(settingsOf({}), { delay: '7d' })).toEqual({
      method: 'temporal',
      time: { shares: { warmupMs: 30 * DAY, gapMs: 7 * DAY, validation: 0.2, test: 0.2 }, by: 'event_time' },
      excludeKnownCompromised: false,
    })
  })

  it('take days as their first instant, and ends as exclusive', () => {
    const dates = {
      train_from: '1970-01-02',
      train_to: '1970-01-03T12:00:00Z',
      test_from: '1970-01-05',
      test_to: '1970-01-06',
    }
    expect(readSplitPlan(settingsOf({ dates }), { delay: '7d' })).toMatchObject({
      time: {
        windows: {
          train: { fromMs: DAY, toMs: 2.5 * DAY },
          validation: null,
          test: { fromMs: 4 * DAY, toMs: 5 * DAY },
        },
      },
    })
  })

  it('refuse dates given in part, and a day that does not exist', () => {
    const read = (dates: object) => () => readSplitPlan(settingsOf({ dates }), { delay: '7d' })
    expect(read({ train_from: '2018-06-10' })).toThrow('split.dates.train_to is "missing"')
    expect(read({ train_from: '2018-02-30' })).toThrow('split.dates.train_from is "2018-02-30"')
  })

  it('refuse shares that leave nothing to train on', () => {
    expect(() => readSplitPlan(settingsOf({ validation: 0.5, test: 0.5 }), { delay: '7d' })).toThrow(
      'split.validation + split.test is "1"; allowed: below 1',
    )
  })
})

describe('splitting a dataset', () => {
  it('writes the part of every row, and the same bytes for the same seed', async () => {
    const prepared = join(folder, 'prepared.parquet')
    const settings = settingsOf({ method: 'stratified', validation: 0.2, test: 0.3 })
    const run = (out: string, seed: number) =>
      withDatabase({ threads: 2, memoryLimit: '1GB', tempDirectory: folder }, async (connection) => {
        await connection.run(
          `COPY (SELECT i AS arrival, 'u' || i % 7 AS user_id, i * 1000 AS event_time_ms,
                        (i % 10 = 0)::TINYINT AS is_fraud, NULL::BIGINT AS labelled_at_ms FROM range(4000) t(i))
           TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
        )
        const report = await splitDataset(
          connection,
          prepared,
          settings,
          { delay: '7d' },
          seed,
          join(folder, out),
        )
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
      method: 'stratified',
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

const settingsOf = (given: object): SplitSettings =>
  Value.Default(SplitSchema, { dates: {}, ...given }) as SplitSettings

const bytesOf = (name: string) => readFileSync(join(folder, name)).toString('base64')

const dailyRows = (days: number): SplitRows => ({
  eventTimesMs: Float64Array.from({ length: days }, (_, day) => day * DAY),
  labels: Int8Array.from({ length: days }, (_, day) => (day % 3 === 0 ? 1 : 0)),
  knownAtMs: Float64Array.from({ length: days }, (_, day) => (day + 1) * DAY),
  users: new Uint32Array(days),
})
