import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { createRandom } from '../foundation/random.ts'
import { findUnlikeFeatures } from './unlike-features.ts'

const NAMES = ['amount', 'hour', 'distance', 'flag']

describe('features that may be other columns', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-unlike-'))
  const database = { threads: 1, memoryLimit: '256MB', tempDirectory: join(folder, 'tmp') }
  beforeAll(async () => {
    mkdirSync(join(folder, 'features'))
    await withDatabase(database, (connection) =>
      connection.run(
        `COPY (SELECT (i * 7919) % 1000 / 10 AS amount, i % 24 AS hour, CASE WHEN i % 2 = 0 THEN 'nan'::DOUBLE ELSE i % 50 END AS distance, i % 2 = 0 AS flag
           FROM range(50000) AS r(i)) TO ${sqlLiteral(join(folder, 'features', 'features.parquet'))} (FORMAT parquet)`,
      ),
    )
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const random = createRandom(1)
  const rows = (make: () => readonly number[], count = 500) =>
    Array.from({ length: count }, () => Float64Array.from(make()))
  const unlike = (given: readonly Float64Array[]) => findUnlikeFeatures(given, NAMES, folder, { database })
  const alike = () => [random.integer(1000) / 10, random.integer(24), random.integer(50), random.integer(2)]

  it('are none where the rows are of the same kind, missing values or not', async () => {
    expect(await unlike(rows(alike))).toEqual([])
    expect(
      await unlike(rows(() => alike().map((value) => (random.next() < 0.3 ? Number.NaN : value)))),
    ).toEqual([])
  })

  it('are those that lie elsewhere, the most different first', async () => {
    const other = () => {
      const [amount, hour, , flag] = alike()
      return [amount! + 55, hour! * 3600 + 1, Number.NaN, flag!]
    }
    const found = await unlike(rows(other))
    expect(found.map(({ name }) => name)).toEqual(['hour', 'amount'])
    expect(found[0]).toMatchObject({ distance: expect.closeTo(23 / 24, 1), ours: expect.closeTo(12, -0.5) })
    expect(found[1]!.distance).toBeCloseTo(0.55, 1)
    expect(found[1]!.theirs - found[1]!.ours).toBeGreaterThan(40)
  })

  it('are none where there are too few rows to say', async () => {
    expect(await unlike(rows(() => [1e6, 1e6, 1e6, 1e6], 99))).toEqual([])
  })
})
