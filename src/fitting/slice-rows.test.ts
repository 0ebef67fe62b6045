import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { type Slicing, sliceRows } from './slice-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-slices-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const DAY_MS = 86_400_000
const database = { threads: 1, memoryLimit: '256MB', tempDirectory: folder }
const files = { prepared: join(folder, 'prepared.parquet'), split: join(folder, 'split.parquet') }

/** Ada is seen from day 0 on, Bob from day 39 on. t1 belongs to another part. */
const ROWS = [
  { id: 't1', user: 'ada', day: 0, category: 'food', amount: 100, pattern: null, part: 'train' },
  { id: 't2', user: 'ada', day: 40, category: 'food', amount: 200, pattern: null, part: 'test' },
  { id: 't3', user: 'bob', day: 39, category: 'food', amount: 300, pattern: null, part: 'test' },
  { id: 't4', user: 'bob', day: 41, category: 'fuel', amount: 400, pattern: 'stolen card', part: 'test' },
  { id: 't5', user: 'ada', day: 42, category: null, amount: 500, pattern: null, part: 'test' },
  { id: 't6', user: 'bob', day: 43, category: 'fuel', amount: -900, pattern: null, part: 'test' },
]

beforeAll(async () => {
  const values = ROWS.map(
    ({ id, user, day, category, amount, pattern, part }) =>
      `(${[id, user].map(sqlLiteral).join()}, ${day * DAY_MS}::BIGINT, ${text(category)}, ${amount}::BIGINT, ${text(pattern)}, '${part}')`,
  )
  await withDatabase(database, async (connection) => {
    await connection.run(
      `CREATE TABLE t AS SELECT * FROM (VALUES ${values.join()})
         v(transaction_id, user_id, event_time_ms, merchant_category, amount_minor, fraud_pattern, part)`,
    )
    await connection.run(`COPY (SELECT * EXCLUDE part FROM t) TO ${sqlLiteral(files.prepared)}`)
    await connection.run(`COPY (SELECT part FROM t) TO ${sqlLiteral(files.split)}`)
  })
})

test('rows are divided in the order asked for, by categories, amounts, age of the user and pattern', async () => {
  const slicings = await slicesOf(['t5', 't4', 't3', 't2'], { smallest: 2, amount_bands: 2 })
  expect(slicings).toEqual([
    {
      by: 'merchant category',
      names: ['food', 'other categories', 'no category'],
      nameOfRow: ['no category', 'other categories', 'food', 'food'],
    },
    {
      by: 'amount band',
      names: ['up to 3.00', 'above 3.00'],
      nameOfRow: ['above 3.00', 'above 3.00', 'up to 3.00', 'up to 3.00'],
    },
    {
      by: 'new users',
      names: ['first seen less than 30 days ago', 'seen for longer'],
      // Ada was first seen in the training rows: what counts is all history.
      nameOfRow: [
        'seen for longer',
        'first seen less than 30 days ago',
        'first seen less than 30 days ago',
        'seen for longer',
      ],
    },
    { by: 'fraud pattern', names: ['stolen card'], nameOfRow: [null, 'stolen card', null, null] },
  ])
})

test('a division that parts nothing is left out', async () => {
  const slicings = await slicesOf(['t2'], { smallest: 1, amount_bands: 5 })
  expect(slicings.map(({ by }) => by)).toEqual([])
})

test('refunds are a band of their own, beside those of the payments', async () => {
  const [, bands] = await slicesOf(['t5', 't4', 't3', 't6'], { smallest: 2, amount_bands: 2 })
  expect(bands).toEqual({
    by: 'amount band',
    names: ['up to 4.00', 'above 4.00', 'refunds'],
    nameOfRow: ['above 4.00', 'up to 4.00', 'up to 4.00', 'refunds'],
  })
})

const slicesOf = (
  ids: readonly string[],
  settings: { smallest: number; amount_bands: number },
): Promise<readonly Slicing[]> =>
  withDatabase(database, (connection) =>
    sliceRows(connection, files, 'test', ids, { ...settings, new_user_days: 30, decimals: 2 }),
  )

const text = (value: string | null): string => (value === null ? 'NULL::VARCHAR' : sqlLiteral(value))
