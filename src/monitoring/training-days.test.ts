import { expect, test } from 'vitest'
import { testFolder } from '../decisions/inference.test-kit.ts'
import { withDatabase } from '../disk/database.ts'
import { decodeDays } from '../drift/days-encoding.ts'
import { profileLayoutOf, SCORE, scoreLayoutOf } from '../drift/profile-layout.ts'
import { LINEAR } from '../model/artifact.test-kit.ts'
import { profileNumbers } from '../model/reference-profile.ts'
import { createModelScorer } from '../model/scorer.ts'
import { importanceOfRows } from './importance-of-rows.ts'
import { daysOfRun } from './training-days.ts'

const DAY_MS = 86_400_000
const SCORER = createModelScorer(LINEAR, { method: 'none' })
const AMOUNTS = Float64Array.of(5, 10, 15, 20, Number.NaN, 40)
const CATEGORIES = Float64Array.of(1, 2, 3, 4, 5, 6)
const table = (from: number, to: number) => ({
  names: LINEAR.featureNames,
  columns: [AMOUNTS.subarray(from, to), CATEGORIES.subarray(from, to)],
  rowCount: to - from,
})
const SCORES = new Float64Array(6)
SCORER.scoreMany(table(0, 6), SCORES)
const REFERENCE = {
  schema: 1 as const,
  rows: 6,
  features: { amount: profileNumbers(AMOUNTS), category: profileNumbers(CATEGORIES) },
  score: { part: 'validation' as const, profile: profileNumbers(SCORES) },
}
const THRESHOLD = SCORES.toSorted()[3]!

interface Row {
  readonly day: number
  readonly part: string | null
  readonly type: string | null
  /** Place in `AMOUNTS` and `CATEGORIES`. */
  readonly of: number
}

const encodedDays = async (rows: readonly Row[], warmUpMs = 0): Promise<Uint8Array> => {
  const { folder, remove } = testFolder()
  const files = {
    features: `${folder}/features.parquet`,
    split: `${folder}/split.parquet`,
    prepared: `${folder}/prepared.parquet`,
  }
  const text = (value: string | null) => (value === null ? 'NULL' : `'${value}'`)
  const number = (value: number) => `'${value}'::DOUBLE`
  const write = (sql: string, file: string) => `COPY (${sql}) TO '${file}' (FORMAT parquet)`
  const values = (row: (row: Row) => string) => rows.map((of) => `(${row(of)})`).join(', ')
  try {
    return await withDatabase(
      { threads: 1, memoryLimit: '256MB', tempDirectory: folder },
      async (connection) => {
        for (const sql of [
          write(
            `SELECT * FROM (VALUES ${values(({ day, of }) => `${day * DAY_MS + 1}::BIGINT, ${number(AMOUNTS[of]!)}, ${number(CATEGORIES[of]!)}`)}) AS t(event_time_ms, amount, category)`,
            files.features,
          ),
          write(
            `SELECT * FROM (VALUES ${values(({ part }) => `${text(part)}::VARCHAR`)}) AS t(part)`,
            files.split,
          ),
          write(
            `SELECT * FROM (VALUES ${values(({ type }) => `${text(type)}::VARCHAR`)}) AS t(transaction_type)`,
            files.prepared,
          ),
        ])
          await connection.run(sql)
        const { signal } = new AbortController()
        return daysOfRun(connection, files, {
          scorer: SCORER,
          reference: REFERENCE,
          threshold: THRESHOLD,
          warmUpMs,
          signal,
        })
      },
    )
  } finally {
    remove()
  }
}

const LAYOUT = profileLayoutOf(REFERENCE, { features: LINEAR.featureNames, threshold: THRESHOLD })
const decode = (bytes: Uint8Array) => decodeDays(bytes, LAYOUT, scoreLayoutOf(REFERENCE, THRESHOLD))

test('the days of a run have all rows, scores of those alone that the model has not learnt from, and its segments', async () => {
  const days = decode(
    await encodedDays([
      { day: 6, part: 'train', type: 'atm', of: 0 },
      { day: 7, part: 'train', type: 'Purchase ', of: 0 },
      { day: 7, part: 'train', type: null, of: 1 },
      { day: 8, part: 'train', type: 'ATM', of: 2 },
      { day: 8, part: null, type: 'purchase', of: 3 },
      { day: 7, part: 'validation', type: ' ', of: 4 },
      { day: 9, part: 'test', type: 'purchase', of: 4 },
      { day: 9, part: 'validation', type: 'atm', of: 5 },
      { day: 10, part: 'test', type: 'purchase', of: 1 },
    ]),
  )
  const score = LAYOUT.columns.find(({ name }) => name === SCORE)!
  expect(
    days.map(({ day, profile }) => [day, profile.rows, profile.rows - profile.countsOf(score).at(-1)!]),
  ).toEqual([
    [7, 3, 1],
    [8, 2, 1],
    [9, 2, 2],
  ])
  const alerts = [3, 4, 4, 5].filter((row) => SCORES[row]! >= THRESHOLD).length
  expect(days.reduce((sum, { profile }) => sum + profile.alerts, 0)).toBe(alerts)
  expect(alerts).toBeGreaterThan(0)
  expect(days.map(({ segments }) => [...segments!].map(([name, { rows }]) => [name, rows]))).toEqual([
    [['purchase', 1]],
    [
      ['atm', 1],
      ['purchase', 1],
    ],
    [
      ['purchase', 1],
      ['atm', 1],
    ],
  ])
  const amounts = days[2]!.profile.countsOf(LAYOUT.columns[0]!)
  expect([amounts.at(-1), amounts.reduce((sum, count) => sum + count, 0)]).toEqual([1, 2])
})

test('only the latest 130 whole days after the warm-up are told of, and none where there is none', async () => {
  const row = (day: number): Row => ({ day, part: 'test', type: null, of: 0 })
  const days = decode(await encodedDays(Array.from({ length: 140 }, (_, day) => row(day))))
  expect([days.length, days[0]!.day, days.at(-1)!.day]).toEqual([130, 9, 138])
  expect(decode(await encodedDays([row(5), row(6)]))).toEqual([])
  const warm = decode(
    await encodedDays(
      Array.from({ length: 10 }, (_, day) => row(day)),
      6.5 * DAY_MS,
    ),
  )
  expect(warm.map(({ day }) => day)).toEqual([7, 8])
})

test('importance is each feature’s share of the mean size of SHAP values, and nothing where nothing moves', () => {
  const sizes = (column: Float64Array, f: number) =>
    [...column].reduce(
      (sum, value) =>
        sum +
        (Number.isNaN(value)
          ? 0
          : Math.abs((LINEAR.coefficients[f]! * (value - LINEAR.means[f]!)) / LINEAR.scales[f]!)),
      0,
    )
  const [amount, category] = [sizes(AMOUNTS, 0), sizes(CATEGORIES, 1)]
  const importance = importanceOfRows(LINEAR, table(0, 6))
  expect(importance['amount']).toBeCloseTo(amount / (amount + category), 12)
  expect(importance['category']).toBeCloseTo(category / (amount + category), 12)
  expect(importanceOfRows({ ...LINEAR, coefficients: [0, 0] }, table(0, 6))).toEqual({
    amount: 0,
    category: 0,
  })
})
