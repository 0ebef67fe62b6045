import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it, test } from 'vitest'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import { withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { firstStrayDay, type RowsOfDay } from './future-rows.ts'
import { type ReadResult, readSource } from './read-source.ts'

const DAY = 86_400_000
/** Ten rows on each of `count` days, from day `first` on. */
const busy = (first: number, count: number): RowsOfDay[] =>
  Array.from({ length: count }, (_, i) => ({ day: first + i, rows: 10 }))

describe('the first stray day', () => {
  it('is the first after a silence ten times as long as any before', () => {
    expect(firstStrayDay([...busy(0, 100), { day: 110, rows: 1 }])).toBe(110)
    expect(firstStrayDay([...busy(0, 100), { day: 109, rows: 1 }])).toBeUndefined()
    // A silence of five days before: it takes one of more than fifty.
    const gappy = [...busy(0, 50), ...busy(54, 50)]
    expect(firstStrayDay([...gappy, { day: 153, rows: 1 }])).toBeUndefined()
    expect(firstStrayDay([...gappy, { day: 154, rows: 1 }])).toBe(154)
  })

  it('stays the first when strays lie far from each other', () => {
    const strays = [200, 9000, 47_000].map((day) => ({ day, rows: 1 }))
    expect(firstStrayDay([...busy(0, 100), ...strays])).toBe(200)
  })

  it('is none where more than one row in a hundred would be one, and none in a small source', () => {
    expect(firstStrayDay([...busy(0, 100), { day: 400, rows: 10 }])).toBe(400)
    expect(firstStrayDay([...busy(0, 100), { day: 400, rows: 11 }])).toBeUndefined()
    expect(firstStrayDay([...busy(0, 99), { day: 400, rows: 1 }])).toBeUndefined()
    expect(firstStrayDay([])).toBeUndefined()
  })
})

const folder = mkdtempSync(join(tmpdir(), 'vigia-future-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const read = async (settings: Partial<SourceSettings> = {}): Promise<ReadResult> => {
  const path = join(folder, 'bank.csv')
  const at = (ms: number): string => new Date(ms).toISOString()
  const start = Date.parse('2026-01-01T00:00:00Z')
  const rows = Array.from({ length: 1200 }, (_, i) => `t${i},u${i % 9},${at(start + (i * DAY) / 12)},5,0`)
  rows.splice(17, 0, 'stray,u1,2099-01-01T00:00:00Z,0.01,1')
  writeFileSync(path, `transaction_id,user_id,timestamp,amount,is_fraud\n${rows.join('\n')}\n`)
  const source = Value.Default(SourceSchema, { ...settings, path }) as SourceSettings
  return withDatabase(database, (connection) =>
    readSource(
      connection,
      source,
      { preparedPath: join(folder, 'prepared.parquet'), quarantinePath: join(folder, 'quarantine.jsonl') },
      { workingDirectory: folder, work: unwatched() },
    ),
  )
}

const database = { threads: 1, memoryLimit: '500MB', tempDirectory: join(tmpdir(), 'vigia-spill') }

test('a row of the year 2099 is quarantined with its reason, and its fraud counted as lost', async () => {
  const result = await read()
  expect(result).toMatchObject({ inputRows: 1201, acceptedRows: 1200, quarantinedRows: 1, lostFrauds: 1 })
  expect(result.reasons).toEqual([
    {
      code: 'timestamp_in_future',
      what: 'timestamp far after all others (source.future)',
      rows: 1,
      frauds: 1,
    },
  ])
  const line = JSON.parse(readFileSync(join(folder, 'quarantine.jsonl'), 'utf8')) as Record<string, unknown>
  expect(line).toMatchObject({
    source_row: 18,
    reasons: [{ code: 'timestamp_in_future', got: '2099-01-01T00:00:00Z' }],
  })
})

test('source.future: keep takes it as it is', async () => {
  expect(await read({ future: 'keep' })).toMatchObject({ acceptedRows: 1201, quarantinedRows: 0 })
})
