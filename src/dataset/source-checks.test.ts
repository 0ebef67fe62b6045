import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import { ValidationSchema, type ValidationSettings } from '../config/sections/validation.ts'
import { withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { readSource } from './read-source.ts'
import { validateDataset } from './validate-dataset.ts'
import type { ValidationReport } from './validation-report.ts'

const HOUR = 3_600_000
const START = Date.parse('2026-01-01T00:00:00Z')

describe('numbers that are no milliseconds', () => {
  const at = (unitsPerSecond: number) => (row: number) =>
    String(BigInt(1_577_836_800 + row * 3607) * BigInt(unitsPerSecond))

  it.each([
    ['seconds', at(1), 'epoch_seconds(timestamp)', '2020-01-'],
    ['microseconds', at(1_000_000), 'epoch_microseconds(timestamp)', '2020-01-'],
    ['nanoseconds', at(1_000_000_000), 'epoch_nanoseconds(timestamp)', '2020-01-'],
    ['seconds', (row: number) => `${1_577_836_800 + row * 3607}.0`, 'epoch_seconds(timestamp)', '2020-01-'],
    ['seconds', (row: number) => `${1_577_836_800 + row * 3607}.25`, 'epoch_seconds(timestamp)', '2020-01-'],
  ])('%s are an error that says how to read them', async (unit, time, macro, day) => {
    const report = await validate({ timestamp: time })
    expect(checkOf(report, 'time.unit')).toMatchObject({
      passed: false,
      severity: 'error',
      observed: `looks like ${unit}`,
      detail: expect.stringContaining(macro.replace('timestamp', '"timestamp"')),
    })
    expect(checkOf(report, 'time.unit')?.detail).toContain(day)
    expect(report.verdict).toBe('failed')
    // What the message says works.
    const repaired = await validate({ timestamp: time }, {}, { timestamp: macro })
    expect(checkOf(repaired, 'time.unit')?.passed).toBe(true)
    expect(repaired.firstEvent?.slice(0, 10)).toBe('2020-01-01')
  })

  it('hours counted from a day of their own (PaySim) are a warning, milliseconds and text nothing', async () => {
    const step = await validate({ step: String }, {}, { timestamp: 'CAST(step AS BIGINT) * 3600000' })
    expect(checkOf(step, 'time.unit')).toMatchObject({ passed: false, severity: 'warning' })
    const seconds = await validate({ Time: String }, {}, { timestamp: 'Time' })
    expect(checkOf(seconds, 'time.unit')).toMatchObject({ passed: false, severity: 'warning' })
    const milliseconds = await validate({ timestamp: (row) => String(START + row) })
    expect(checkOf(milliseconds, 'time.unit')?.passed).toBe(true)
    expect(checkOf(await validate({}), 'time.unit')?.passed).toBe(true)
  })

  it('a few wrong ones are not the bulk', async () => {
    const timestamp = (row: number) => String(row % 3 === 0 ? 1_577_836_800 + row : START + row)
    expect(checkOf(await validate({ timestamp }), 'time.unit')?.passed).toBe(true)
  })
})

describe('windows and the resolution of the times', () => {
  it.each([
    [24 * HOUR, ['1h', '1d', '7d'], '1h, 1d'],
    [HOUR, ['1h', '1d'], '1h'],
    [HOUR, ['2h'], 'none'],
    [61_000, ['1h', '30m'], 'none'],
    [60_000, ['1m', '90s'], '1m'],
  ])('times %i ms apart and windows of %j: %s', async (step, windows, observed) => {
    const timestamp = (row: number) => new Date(START + row * step).toISOString()
    const check = checkOf(await validate({ timestamp }, {}, {}, windows), 'time.resolution')
    expect(check).toMatchObject({ observed, passed: observed === 'none', severity: 'warning' })
  })

  it('local midnights are days, though clocks change', async () => {
    const timestamp = (row: number) =>
      `${new Date(START + row * 24 * HOUR).toISOString().slice(0, 10)} 00:00:00`
    const report = await validate({ timestamp }, {}, {}, ['1h'], { time_zone: 'Europe/Madrid' })
    expect(checkOf(report, 'time.resolution')).toMatchObject({ observed: '1h', passed: false })
    expect(checkOf(report, 'time.resolution')?.detail).toContain('resolution 1d')
  })
})

describe('entities that never repeat', () => {
  it('PaySim: the sender comes once, and the receiver is named', async () => {
    const report = await validate(
      {
        user_id: (row) => `nobody${row}`,
        nameOrig: (row) => `C${1_000_000 + row}`,
        nameDest: (row) => `M${row % 60}`,
        type: (row) => ['PAYMENT', 'TRANSFER'][row % 2]!,
        oldbalanceOrg: (row) => `${(row % 80) * 1000}.25`,
        age: (row) => String(20 + (row % 60)),
      },
      {},
      { user_id: 'nameOrig' },
    )
    const check = checkOf(report, 'entities.user_id')
    expect(check).toMatchObject({ passed: false, severity: 'warning', observed: 0 })
    expect(check?.detail).toContain('is another column the entity? Like ids, and coming again: "nameDest" (')
    for (const no of ['type', 'oldbalanceOrg', 'age', 'amount', 'timestamp', 'nameOrig'])
      expect(check?.detail).not.toContain(`"${no}"`)
  })

  it('a user who comes again passes, and few rows say nothing', async () => {
    const once = { user_id: (row: number) => `u${row}` }
    expect(checkOf(await validate({ user_id: (row) => `u${row % 50}` }), 'entities.user_id')?.passed).toBe(
      true,
    )
    expect(checkOf(await validate(once), 'entities.user_id')?.passed).toBe(false)
    expect(checkOf(await validate(once, {}, {}, [], {}, 99), 'entities.user_id')?.passed).toBe(true)
    const lenient = await validate(once, { min_repeat_share: 0 })
    expect(checkOf(lenient, 'entities.user_id')?.passed).toBe(true)
  })
})

describe('what the columns know', () => {
  // One in eight, without a rhythm that other columns could share.
  const fraud = (row: number) => ((row * 2654435761) % 4294967296) % 97 < 12
  const columns = {
    is_fraud: (row: number) => (fraud(row) ? '1' : '0'),
    // ULB: the knowledge is in a column without a name of its own.
    V14: (row: number) => String(fraud(row) && row % 5 !== 0 ? -9.5 + (row % 7) : (row % 11) / 2 - 1),
    V1: (row: number) => String((row * 31) % 17),
  }

  it('an unused column is told with its power, a label never', async () => {
    const report = await validate(columns)
    const unused = checkOf(report, 'columns.unused')
    expect(unused).toMatchObject({ passed: false, severity: 'info', observed: 1 })
    expect(unused?.detail).toMatch(/: "V14" 0\.[89]\d\d, "V1" 0\.[456]\d\d$/)
    expect(checkOf(report, 'columns.leak')?.passed).toBe(true)
    const powers = report.read.profile!.columns.map(({ name, power }) => [name, power === null] as const)
    expect(Object.fromEntries(powers)).toMatchObject({ is_fraud: true, V14: false, amount: false })
  })

  it('a column that gives fraud away is a suspicion of a leak, mapped or not', async () => {
    const alert = { ...columns, alert_id: (row: number) => (fraud(row) ? String(row) : '') }
    const named = async (fields: object) => checkOf(await validate(alert, {}, fields), 'columns.leak')
    for (const fields of [{}, { location: 'alert_id' }]) {
      const check = await named(fields)
      expect(check).toMatchObject({ passed: false, severity: 'warning', observed: 1 })
      expect(check?.detail).toContain('suspicion of a leak: "alert_id" 1.000')
    }
    // The pattern of a fraud is no column that anything learns from.
    expect((await named({ fraud_pattern: 'alert_id' }))?.passed).toBe(true)
  })

  it('without labels there is nothing to measure', async () => {
    const report = await validate({ V14: columns.V14 })
    expect(checkOf(report, 'columns.unused')).toMatchObject({ passed: true, observed: 0 })
  })
})

const checkOf = (report: ValidationReport, id: string) => report.checks.find((check) => check.id === id)

const folder = mkdtempSync(join(tmpdir(), 'vigia-source-checks-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Columns = Readonly<Record<string, (row: number) => string>>

const USUAL: Columns = {
  transaction_id: (row) => `t${row}`,
  user_id: (row) => `u${row % 40}`,
  timestamp: (row) => new Date(START + row * 1_234_567).toISOString(),
  amount: (row) => String(1 + ((row * 37) % 500)),
}

/** Validates an invented file of the usual columns and those of `own`. */
const validate = async (
  own: Columns,
  settings: Partial<ValidationSettings> = {},
  fields: object = {},
  windows: readonly string[] = [],
  source: Partial<SourceSettings> = {},
  length = 400,
): Promise<ValidationReport> => {
  const columns = { ...USUAL, ...own }
  const path = join(folder, 'source.csv')
  const lines = Array.from({ length }, (_, row) =>
    Object.values(columns)
      .map((value) => value(row))
      .join(','),
  )
  writeFileSync(path, `${Object.keys(columns).join(',')}\n${lines.join('\n')}\n`)
  return withDatabase(
    { threads: 1, memoryLimit: '500MB', tempDirectory: join(folder, 'spill') },
    async (connection) => {
      const preparedPath = join(folder, 'prepared.parquet')
      const read = await readSource(
        connection,
        Value.Default(SourceSchema, { ...source, path, fields }) as SourceSettings,
        { preparedPath, quarantinePath: join(folder, 'quarantine.jsonl') },
        { workingDirectory: folder, work: unwatched(), profile: true },
      )
      const thresholds = Value.Default(ValidationSchema, { ...settings }) as ValidationSettings
      return validateDataset(connection, preparedPath, read, thresholds, windows)
    },
  )
}
