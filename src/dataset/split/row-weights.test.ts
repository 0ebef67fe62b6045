import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, expect, test } from 'vitest'
import { SplitSchema, type SplitSettings } from '../../config/sections/split.ts'
import { createControlSampler } from '../../decisions/control-sample.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { readFeatureRows } from '../../fitting/feature-rows.ts'
import { createRandom } from '../../foundation/random.ts'
import { type DecisionMark, readRowWeights, rowWeight } from './row-weights.ts'
import { splitDataset } from './split-dataset.ts'

const folder = mkdtempSync(join(tmpdir(), 'vigia-weights-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const DATABASE = { threads: 1, memoryLimit: '256MB', tempDirectory: join(folder, 'spill') }

const BLOCKED = { flagged: 'blocked', unlabelled: 'genuine_after_delay' } as const
const mark = (
  decision: DecisionMark['decision'],
  propensity: number | null,
  toldBy: DecisionMark['toldBy'],
) => ({
  decision,
  propensity,
  toldBy,
})

test.each([
  ['blocked, and stood for by what was let through', mark('flag', 0.02, null), 0],
  ['the same where somebody told a label, or it would count twice', mark('flag', 0.02, 'customer'), 0],
  ['blocked without a chance, and nobody knows', mark('flag', null, null), 0],
  ['blocked without a chance, and somebody told', mark('flag', null, 'customer'), 1],
  ['let through', mark('let_through', 0.02, null), 50],
  ['reviewed, where all that nobody tells of is genuine', mark('review', 0.01, 'sample'), 1],
])('what is flagged is blocked: a row that is %s', (_, of, weight) => {
  expect(rowWeight(of, BLOCKED)).toBe(weight)
})

test.each([
  ['flagged', mark('flag', 0.02, null), 1],
  ['let through: alerts are looked at, and have labels themselves', mark('let_through', 0.02, 'sample'), 1],
  ['told by the review, for all of which nobody tells', mark('review', 0.01, 'sample'), 100],
  ['told by a customer, who would have told anyway', mark('review', 0.01, 'customer'), 1],
  ['drawn, and nobody has told yet', mark('review', 0.01, null), 1],
])('alerts are reviewed, and unlabelled is unknown: a row that is %s', (_, of, weight) => {
  expect(rowWeight(of, {})).toBe(weight)
})

test('weighted sums over what is known have no bias: of rows, frauds and amounts of a simulated bank', () => {
  const random = createRandom(3)
  const rows = Array.from({ length: 2000 }, (_, n) => {
    const isReached = random.next() < 0.2
    const isFraud = random.next() < (isReached ? 0.6 : 0.01)
    return { id: `t${n}`, isReached, isFraud, amountMinor: Math.round(1000 * random.next()) }
  })
  const truth = sumsOf(rows.map((row) => ({ ...row, weight: 1 })))
  const draws = Array.from({ length: 150 }, (_, salt) => {
    const { draw } = createControlSampler({
      letThrough: 0.1,
      review: 0,
      mostAmountMinor: { other: 1000 },
      except: {},
      salt: `${salt}`,
    })!
    return sumsOf(
      rows.map((row) => {
        const sample = draw(
          { transactionId: row.id, eventTimeMs: 0, amountMinor: row.amountMinor },
          row.isReached,
        )
        if (!row.isReached) return { ...row, weight: 1 }
        const decision = sample!.drawn === 'let_through' ? 'let_through' : 'flag'
        return { ...row, weight: rowWeight({ decision, propensity: 0.1, toldBy: null }, BLOCKED) }
      }),
    )
  })
  for (const [at, value] of truth.entries()) {
    const values = draws.map((sums) => sums[at]!)
    const mean = values.reduce((sum, one) => sum + one, 0) / values.length
    const variance = values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1)
    // Five standard errors: a bias of a tenth would be seen.
    expect(Math.abs(mean - value)).toBeLessThan(5 * Math.sqrt(variance / values.length))
    expect(5 * Math.sqrt(variance / values.length)).toBeLessThan(value / 10)
  }
})

const sumsOf = (rows: readonly { isFraud: boolean; amountMinor: number; weight: number }[]) => {
  const of = (value: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((sum, row) => sum + row.weight * value(row), 0)
  return [
    of(() => 1),
    of(({ isFraud }) => Number(isFraud)),
    of((row) => row.amountMinor * Number(row.isFraud)),
  ]
}

test('a split of a log leaves censored rows out and says what the others count for, down to what models are given', async () => {
  const path = (name: string): string => join(folder, name)
  writeFileSync(
    path('marks.jsonl'),
    [
      { transaction_id: 't3', decision: 'flag', propensity: 0.1, told_by: null },
      { transaction_id: 't5', decision: 'let_through', propensity: 0.1, told_by: 'sample' },
      { transaction_id: 't40', decision: 'flag', propensity: null, told_by: 'customer' },
      // Of a transaction that reading has left out.
      { transaction_id: 'gone', decision: 'flag', propensity: 0.1, told_by: null },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  )
  const labels = { delay: '1d', flagged: 'blocked', unlabelled: 'genuine_after_delay' } as const
  const shares = { warm_up: '0s', gap: '0s', validation: 0.25, test: 0.25 }
  const split = Value.Default(SplitSchema, shares) as SplitSettings
  const { report, reviewed, weights, rows } = await withDatabase(DATABASE, async (connection) => {
    await connection.run(
      `COPY (SELECT i AS arrival, 't' || i AS transaction_id, 'u' || i AS user_id, i * 86400000 AS event_time_ms, 100 AS amount_minor,
                    (i % 5 = 0)::TINYINT AS is_fraud, NULL::BIGINT AS labelled_at_ms
             FROM range(80) t(i)) TO ${sqlLiteral(path('prepared.parquet'))} (FORMAT parquet)`,
    )
    await connection.run(
      `COPY (SELECT *, i.arrival AS x FROM read_parquet(${sqlLiteral(path('prepared.parquet'))}) i) TO ${sqlLiteral(path('features.parquet'))} (FORMAT parquet)`,
    )
    const prepared = path('prepared.parquet')
    const marks = path('marks.jsonl')
    const { weights } = await readRowWeights(connection, prepared, marks, labels, 80)
    const report = await splitDataset(connection, prepared, split, labels, 1, path('split.parquet'), marks)
    const files = { prepared, features: path('features.parquet'), split: path('split.parquet') }
    const alerts = { ...labels, flagged: 'reviewed' } as const
    const reviewed = await splitDataset(connection, prepared, split, alerts, 1, path('other.parquet'), marks)
    return { report, reviewed, weights, rows: await readFeatureRows(connection, files, 'train', ['x']) }
  })
  expect([weights[3], weights[5], weights[40], weights[6]]).toEqual([0, 10, 1, 1])
  expect(report.sample).toEqual({ untold: 1, censored: 1, weighted: 1, weight: 10 })
  expect(report.warnings.at(-2)).toContain('blocked transactions would have been: 1')
  expect(report.warnings.at(-1)).toContain('count for more than one: 1, together for 10')
  expect(reviewed.sample).toEqual({ untold: 1, censored: 0, weighted: 0, weight: 0 })
  expect(reviewed.warnings.at(-1)).toContain('so that they count as genuine: 1')
  const weightOf = new Map(Array.from(rows.table.columns[0]!, (x, at) => [x, rows.weights![at]]))
  expect([weightOf.has(3), weightOf.get(5), weightOf.get(6)]).toEqual([false, 10, 1])
})

test('an empty file of marks changes nothing', async () => {
  const marks = join(folder, 'empty.jsonl')
  writeFileSync(marks, '')
  const weights = await withDatabase(DATABASE, async (connection) => {
    const prepared = join(folder, 'three.parquet')
    await connection.run(
      `COPY (SELECT i AS arrival, 't' || i AS transaction_id FROM range(3) t(i)) TO ${sqlLiteral(prepared)} (FORMAT parquet)`,
    )
    return (await readRowWeights(connection, prepared, marks, { delay: '1d' }, 3)).weights
  })
  expect([...weights]).toEqual([1, 1, 1])
})
