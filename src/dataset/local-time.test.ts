import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { instantOfLocal as localInstant } from '../foundation/local-instant.ts'
import { createTimeZone } from '../foundation/time-zone.ts'
import { clockChangeOf, instantOfLocal, type LocalTimes, partsOf } from './local-time.ts'
import { type ReadResult, readSource } from './read-source.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1440 * MINUTE_MS
const RULES = ['later', 'earlier', 'compatible', 'reject'] as const
/** Clocks that change by an hour, by half an hour, at midnight, on other dates, and never. */
const ZONES = [
  'Europe/Madrid',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Asia/Beirut',
  'Atlantic/Canary',
  'Asia/Tokyo',
]

const folder = mkdtempSync(join(tmpdir(), 'vigia-local-time-'))
const DATABASE = { threads: 1, memoryLimit: '1GB', tempDirectory: join(folder, 'tmp') }
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a local time in SQL', () => {
  it.each(ZONES)('is the instant that the runtime knows it to be, around every change: %s', async (zone) => {
    const locals = timesAroundChanges(zone)
    for (const disambiguation of RULES)
      expect([disambiguation, await inSql(locals, { timeZone: zone, disambiguation })]).toEqual([
        disambiguation,
        locals.map((local) => expected(local, zone, disambiguation)),
      ])
  })

  it('is told and refused as far as timestamps go', async () => {
    const times = { timeZone: 'Europe/Madrid' }
    const parts = partsOf('written', times)
    await withDatabase(DATABASE, async (connection) => {
      const reader = await connection.runAndReadAll(
        `SELECT ${instantOfLocal(parts, times)} IS NULL, ${clockChangeOf(parts, times)}
         FROM (VALUES (TIMESTAMP '0001-01-01'), (TIMESTAMP '9999-12-31 23:59:59'), (NULL)) AS t(written)`,
      )
      expect(reader.getRows()).toEqual([
        [false, 0],
        [false, 0],
        [true, 0],
      ])
    })
  })
})

describe('a local time of a request', () => {
  it.each(ZONES)('is the same instant, around every change: %s', (name) => {
    const zone = createTimeZone(name)
    for (const local of timesAroundChanges(name))
      for (const rule of RULES)
        expect([local, rule, localInstant(local, zone, rule) ?? null]).toEqual([
          local,
          rule,
          expected(local, name, rule)[0],
        ])
  })
})

describe('a file with the hours of a clock change', () => {
  const ROWS = [
    ['before', '2024-10-27T01:59:59'],
    ['twice', '2024-10-27T02:30:00'],
    ['told', '2024-10-27T02:30:00+02:00'],
    ['never', '2024-03-31T02:30:00'],
  ]

  it.each([
    ['later', '2024-10-27T01:30:00Z', '2024-03-31T01:30:00Z'],
    ['earlier', '2024-10-27T00:30:00Z', '2024-03-31T00:30:00Z'],
    ['compatible', '2024-10-27T00:30:00Z', '2024-03-31T01:30:00Z'],
  ] as const)(
    'takes the instant that is asked for, %s, and counts what was a guess',
    async (disambiguation, twice, never) => {
      const { result, times } = await read(ROWS, { disambiguation })
      expect(times).toEqual({
        before: '2024-10-26T23:59:59Z',
        twice,
        told: '2024-10-27T00:30:00Z',
        never,
      })
      expect(result.clockChanges).toEqual([{ name: 'timestamp', repeated: 1, skipped: 1 }])
      expect(result.served).toMatchObject({ timeZone: 'Europe/Madrid' })
      expect(result.served?.disambiguation).toBe(disambiguation === 'later' ? undefined : disambiguation)
    },
  )

  it('quarantines them where they are rejected, and says why', async () => {
    const { result, times, quarantine } = await read(ROWS, { disambiguation: 'reject' })
    expect(Object.keys(times)).toEqual(['before', 'told'])
    expect(result.reasons).toMatchObject([{ code: 'timestamp_ambiguous', rows: 2 }])
    expect(quarantine.map(({ reasons }) => reasons)).toEqual([
      [expect.objectContaining({ code: 'timestamp_ambiguous', got: '2024-10-27T02:30:00' })],
      [expect.objectContaining({ code: 'timestamp_ambiguous', got: '2024-03-31T02:30:00' })],
    ])
  })

  it('counts the times of attributes too, and none where the zone has no such hours', async () => {
    const attributes = { opened: { kind: 'time', from: 'timestamp' } }
    const { result } = await read(ROWS, { attributes } as Partial<SourceSettings>)
    expect(result.clockChanges.map(({ name }) => name)).toEqual(['timestamp', 'attributes.opened'])
    expect((await read(ROWS, { time_zone: 'UTC' })).result.clockChanges).toEqual([])
    expect((await read(ROWS, { time_zone: 'Asia/Tokyo' })).result.clockChanges).toEqual([])
  })
})

/** Every 15 minutes for three hours around the changes of ten years, as milliseconds of local time. */
const timesAroundChanges = (zone: string): number[] => {
  const { offsetMs } = createTimeZone(zone)
  const locals = [Date.UTC(2015, 5, 15, 12)]
  for (let day = Date.UTC(2010, 0, 1); day < Date.UTC(2020, 0, 1); day += DAY_MS) {
    if (offsetMs(day) === offsetMs(day + DAY_MS)) continue
    let change = day
    while (offsetMs(change) === offsetMs(day)) change += 15 * MINUTE_MS
    for (let minutes = -180; minutes <= 180; minutes += 15)
      locals.push(change + minutes * MINUTE_MS + offsetMs(day) + 123)
  }
  return locals
}

/** By search: every instant of the days around that is told as this time. */
const expected = (
  local: number,
  zone: string,
  rule: (typeof RULES)[number],
): readonly [number | null, number] => {
  const { offsetMs } = createTimeZone(zone)
  const [before, after] = [offsetMs(local - DAY_MS), offsetMs(local + DAY_MS)]
  const instants = [local - before, local - after]
  const told = [...new Set(instants.filter((instant) => instant + offsetMs(instant) === local))]
  if (told.length === 1) return [told[0]!, 0]
  const isSkipped = told.length === 0
  const chosen = {
    later: Math.max(...instants),
    earlier: Math.min(...instants),
    compatible: isSkipped ? Math.max(...instants) : Math.min(...instants),
    reject: null,
  }[rule]
  return [chosen, isSkipped ? 2 : 1]
}

const inSql = (locals: readonly number[], times: LocalTimes): Promise<unknown[][]> =>
  withDatabase(DATABASE, async (connection) => {
    const parts = partsOf('written', times)
    const reader = await connection.runAndReadAll(
      `SELECT epoch_ms(${instantOfLocal(parts, times)})::DOUBLE, ${clockChangeOf(parts, times)}
       FROM (SELECT make_timestamp(unnest([${locals.join(', ')}]) * 1000) AS written)`,
    )
    return reader.getRows()
  })

const read = async (rows: readonly (readonly string[])[], settings: Partial<SourceSettings>) => {
  const path = join(folder, 'source.csv')
  const lines = rows.map(([id, at]) => `${id},u1,${at},12.34,0`)
  writeFileSync(path, `transaction_id,user_id,timestamp,amount,is_fraud\n${lines.join('\n')}\n`)
  const source = { path, order: 'arrival', future: 'keep', time_zone: 'Europe/Madrid', ...settings }
  const outputs = { preparedPath: join(folder, 'out.parquet'), quarantinePath: join(folder, 'bad.jsonl') }
  let result: ReadResult | undefined
  const prepared = await withDatabase(DATABASE, async (connection) => {
    result = await readSource(connection, Value.Default(SourceSchema, source) as SourceSettings, outputs, {
      workingDirectory: folder,
      work: unwatched(),
    })
    const reader = await connection.runAndReadAll(
      `SELECT transaction_id, event_time_ms::DOUBLE FROM ${sqlLiteral(outputs.preparedPath)}`,
    )
    return reader.getRows() as [string, number][]
  })
  const bad = readFileSync(outputs.quarantinePath, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return {
    result: result!,
    times: Object.fromEntries(
      prepared.map(([id, ms]) => [id, new Date(ms).toISOString().replace('.000Z', 'Z')]),
    ),
    quarantine: bad.map((line) => JSON.parse(line) as { reasons: unknown }),
  }
}
