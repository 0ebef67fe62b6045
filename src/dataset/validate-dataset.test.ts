import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import { ValidationSchema, type ValidationSettings } from '../config/sections/validation.ts'
import { withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { canonicalJson } from '../foundation/canonical-json.ts'
import { type AmountRules, DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { readSource } from './read-source.ts'
import { validateDataset } from './validate-dataset.ts'
import type { ValidationReport } from './validation-report.ts'

const HEADER =
  'transaction_id,user_id,timestamp,amount,currency,device_type,is_fraud,labelled_at,latitude,longitude'
const DAY_1 = 'a,u,2026-01-01T10:00:00Z,10,EUR,web,0,,,'
const DAY_2 = 'b,u,2026-01-02T10:00:00Z,12,EUR,web,1,,,'

describe('a check fails past its threshold, and says what was found', () => {
  it.each([
    ['rows.accepted', { min_rows: 3 }, [DAY_1, DAY_2], 2],
    ['rows.quarantined', { max_quarantined_share: 0.4 }, [DAY_1, 'c,u,soon,1,,,,,,'], 0.5],
    ['ids.repeated', { max_repeated_id_share: 0.4 }, [DAY_1, DAY_1], 0.5],
    ['ids.repeated', { max_repeated_id_share: 0.4 }, [DAY_1, DAY_1.replace('10,EUR', '11,EUR')], 0.5],
    ['ids.reused', {}, [DAY_1, DAY_1.replace('10,EUR', '11,EUR')], 0.5],
    ['quarantine.frauds', {}, [DAY_2, DAY_2.replace('b,u', 'c,')], 0.5],
    ['order.source', { max_out_of_order_share: 0.4 }, [DAY_2, DAY_1], 0.5],
    ['missing.device_type', { max_missing_share: 0.4 }, [DAY_1, DAY_2.replace('web', '')], 0.5],
    [
      'missing.device_type',
      { missing_share_by_column: { device_type: 0.4 }, max_missing_share: 1 },
      [DAY_1, DAY_2.replace('web', '')],
      0.5,
    ],
    ['time.future', { as_of: '2025-12-31T10:00:00Z' }, [DAY_1, DAY_2], '2026-01-02T10:00:00.000Z'],
    ['time.fresh', { as_of: '2026-01-05T10:00:00Z', max_age: '2d' }, [DAY_1, DAY_2], 3],
    ['label.share', { max_fraud_share: 0.4 }, [DAY_1, DAY_2], 0.5],
    ['label.time', {}, [DAY_1.replace(',0,,', ',0,2025-12-31T10:00:00Z,')], 1],
    ['cardinality.device_type', { max_categories: 1 }, [DAY_1, DAY_2.replace('web', 'app')], 2],
    ['allowed.currency', { allowed_values: { currency: ['USD'] } }, [DAY_1], 1],
    ['range.amount', { max_amount: 11 }, [DAY_1, DAY_2], 1],
    ['coordinates.pair', {}, [`${DAY_1.slice(0, -1)}50,`], 1],
  ])('%s with %j', async (id, settings, lines, observed) => {
    const report = await validate(lines, settings)
    const strict = await validate([DAY_1, DAY_2], { max_fraud_share: 1 })
    expect(checkOf(report, id)).toMatchObject({ passed: false, observed })
    expect(checkOf(strict, id)?.passed ?? true).toBe(true)
  })

  it.each([
    [99, 0.01, false],
    [100, 0.01, true],
    [100, 0, false],
  ])(
    'one lost fraud beside %i accepted ones, allowed below %d: passes %j',
    async (accepted, limit, passed) => {
      const frauds = Array.from({ length: accepted }, (_, index) => DAY_2.replace('b,u', `t${index},u`))
      const lost = DAY_2.replace('b,u', 'x,').replace(',12,', ',none,')
      const report = await validate([...frauds, lost], { quarantined_fraud_share: limit })
      expect(checkOf(report, 'quarantine.frauds')).toMatchObject({
        passed,
        rows: 1,
        detail: `1 of ${accepted + 1} frauds: user missing 1`,
      })
      expect(report.verdict).toBe(passed ? 'passed' : 'failed')
    },
  )

  it('a fraud that came twice is not lost', async () => {
    const check = checkOf(await validate([DAY_2, DAY_2], {}), 'quarantine.frauds')
    expect(check).toMatchObject({ passed: true, rows: 0, observed: 0 })
  })

  it('names the columns whose name an earlier one has', async () => {
    const path = join(folder, 'twice.csv')
    writeFileSync(path, `${HEADER},Account,Account\n${DAY_1},x,y\n`)
    const check = checkOf(await validateSource({ path }, {}), 'schema.repeated_header')
    expect(check).toMatchObject({
      passed: false,
      severity: 'warning',
      observed: 1,
      detail: expect.stringContaining('column 12, "Account", is used as "Account_2"'),
    })
    expect(checkOf(await validate([DAY_1], {}), 'schema.repeated_header')).toMatchObject({ passed: true })
  })

  it('names the fields whose times were taken as UTC, and what to set', async () => {
    const path = join(folder, 'local.csv')
    writeFileSync(path, `${HEADER}\n${DAY_1}\n`)
    const fields = { timestamp: "strptime(timestamp, '%Y-%m-%dT%H:%M:%SZ')" }
    expect(checkOf(await validateSource({ path, fields }, {}), 'time.zone')).toMatchObject({
      passed: false,
      severity: 'warning',
      observed: 'timestamp',
      detail: expect.stringContaining('read as UTC. Set source.time_zone'),
    })
    const zoned = { path, fields, time_zone: 'UTC' }
    expect(checkOf(await validateSource(zoned, {}), 'time.zone')).toMatchObject({ passed: true })
  })

  it('shows the first rows concerned, no more than configured', async () => {
    const report = await validate([DAY_1, DAY_2], { max_amount: 1, max_examples: 1 })
    expect(checkOf(report, 'range.amount')).toMatchObject({
      rows: 2,
      examples: [{ sourceRow: 1, value: '10.0' }],
    })
  })
})

describe('the verdict', () => {
  it('counts failures of the severity asked for and above', async () => {
    const warning = { max_amount: 1 }
    expect((await validate([DAY_1], { ...warning, fail_on: 'error' })).verdict).toBe('passed')
    expect((await validate([DAY_1], { ...warning, fail_on: 'warning' })).verdict).toBe('failed')
  })

  it('without accepted rows it is failed, not an error', async () => {
    const report = await validate(['c,u,soon,1,,,,,,'], {})
    expect(report).toMatchObject({ verdict: 'failed', asOf: null, lastEvent: null, amounts: [] })
    expect(report.days).toEqual([])
  })

  it('refuses a setting that names no column, and an as_of that is no instant', async () => {
    await expect(validate([DAY_1], { allowed_values: { colour: ['red'] } })).rejects.toMatchObject({
      code: 'DATASET_SETTING_INVALID',
    })
    await expect(validate([DAY_1], { as_of: 'today' })).rejects.toMatchObject({
      code: 'DATASET_SETTING_INVALID',
    })
  })
})

describe('the messy export', () => {
  it('flags the outliers that were put in and keeps them; the same data gives the same bytes', async () => {
    const folder = resolve('examples/messy-bank')
    const { defects } = JSON.parse(readFileSync(join(folder, 'defects.json'), 'utf8')) as {
      defects: Record<string, number>
    }
    const config = parse(readFileSync(join(folder, 'training_config.yaml'), 'utf8')) as {
      source: SourceSettings
    }
    const source = { ...config.source, path: join(folder, 'messy-bank.csv') }
    const report = await validateSource(source, {})
    const outliers = defects['amount an outlier (allowed, flagged)']
    expect(checkOf(report, 'outliers.robust_z')).toMatchObject({ rows: outliers, passed: true })
    expect(checkOf(report, 'outliers.iqr')?.rows).toBe(outliers)
    expect(checkOf(report, 'range.amount')?.rows).toBe(outliers)
    expect(canonicalJson(await validateSource(source, {}))).toBe(canonicalJson(report))
  })

  it('every count adds up: days, amounts and rows', async () => {
    const report = await validate([DAY_1, DAY_2, 'c,u,2026-01-02T10:00:00Z,x,,,,,,', 'd,u,soon,1,,,,,,'], {})
    expect(report.days.map(({ accepted, quarantined, fraud }) => [accepted, quarantined, fraud])).toEqual([
      [1, 0, 0],
      [1, 1, 1],
    ])
    expect(report.amounts.reduce((sum, { rows }) => sum + rows, 0)).toBe(2)
    expect(report.read).toMatchObject({ inputRows: 4, acceptedRows: 2, quarantinedRows: 2 })
  })
})

describe('amounts of 0, refunds and several currencies', () => {
  const amounts = (all: readonly (string | number)[], currency = 'EUR') =>
    all.map(
      (amount, n) => `t${n},u,2026-01-01T10:00:${String(n).padStart(2, '0')}Z,${amount},${currency},web,0,,,`,
    )

  it('amounts of 0 and refunds are counted apart, and are neither in the histogram nor outliers', async () => {
    const report = await validate(amounts([10, 11, 12, 0, 0, -5]), {})
    expect([report.zeroAmounts, report.refunds]).toEqual([2, 1])
    expect(report.amounts.reduce((sum, { rows }) => sum + rows, 0)).toBe(3)
    for (const id of ['range.amount', 'outliers.robust_z', 'outliers.iqr'])
      expect(checkOf(report, id)).toMatchObject({ rows: 0, passed: true })
  })

  it('the size of a refund has to be plausible too', async () => {
    const report = await validate(amounts([10, -2000000, 0]), { min_amount: 0.01 })
    expect(checkOf(report, 'range.amount')).toMatchObject({
      rows: 2,
      examples: [
        { sourceRow: 2, value: '-2000000.0' },
        { sourceRow: 3, value: '0.0' },
      ],
    })
  })

  it('a bank of nothing but refunds has no quartiles to judge by', async () => {
    const report = await validate(amounts([-1, -2]), {})
    expect(report.amounts).toEqual([])
    expect(checkOf(report, 'outliers.iqr')).toBeUndefined()
  })

  it('several currencies are no data to learn from: they are named with their shares', async () => {
    const lines = [...amounts([1, 2, 3]), 'x,u,2026-01-01T11:00:00Z,4,USD,web,0,,,']
    const report = await validate(lines, {})
    expect(report.verdict).toBe('failed')
    expect(checkOf(report, 'amounts.currencies')).toMatchObject({
      severity: 'error',
      observed: 'EUR 75 %, USD 25 %',
      rows: 1,
      examples: [{ sourceRow: 4, value: 'USD' }],
      passed: false,
    })
  })

  it('one currency, however it is written, passes; rows of another than the declared one are quarantined', async () => {
    const lines = [
      ...amounts([1, 2]),
      'x,u,2026-01-01T11:00:00Z,4,eur,web,0,,,',
      'y,u,2026-01-01T11:00:00Z,4,,web,0,,,',
    ]
    expect(checkOf(await validate(lines, {}), 'amounts.currencies')).toMatchObject({ passed: true })
    const yen = await validate(lines, {}, { ...DEFAULT_AMOUNTS, currency: 'JPY' })
    expect(yen.read.reasons).toEqual([
      { code: 'currency_differs', what: 'currency is not JPY (amounts.currency)', rows: 3, frauds: 0 },
    ])
  })

  it('amounts are told in the decimals of the currency', async () => {
    const dinar = { ...DEFAULT_AMOUNTS, decimals: 3 }
    const report = await validate(amounts(['10.125', '2000000.5']), {}, dinar)
    expect(checkOf(report, 'range.amount')).toMatchObject({ rows: 1, examples: [{ value: '2000000.5' }] })
    expect(report.amounts[0]!.fromMinor).toBeLessThanOrEqual(10_125)
  })
})

const checkOf = (report: ValidationReport, id: string) => report.checks.find((check) => check.id === id)

const folder = mkdtempSync(join(tmpdir(), 'vigia-validate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const validate = (
  lines: readonly string[],
  settings: object,
  amounts?: AmountRules,
): Promise<ValidationReport> => {
  const path = join(folder, 'source.csv')
  writeFileSync(path, `${HEADER}\n${lines.join('\n')}\n`)
  return validateSource({ path }, settings, amounts)
}

const validateSource = (
  source: object,
  settings: object,
  amounts = DEFAULT_AMOUNTS,
): Promise<ValidationReport> =>
  withDatabase(
    { threads: 1, memoryLimit: '500MB', tempDirectory: join(folder, 'spill') },
    async (connection) => {
      const preparedPath = join(folder, 'prepared.parquet')
      const complete = Value.Default(SourceSchema, structuredClone(source)) as SourceSettings
      const outputs = { preparedPath, quarantinePath: join(folder, 'quarantine.jsonl') }
      const options = { workingDirectory: process.cwd(), work: unwatched(), amounts }
      const read = await readSource(connection, complete, outputs, options)
      const thresholds = Value.Default(ValidationSchema, structuredClone(settings)) as ValidationSettings
      return validateDataset(connection, preparedPath, read, thresholds)
    },
  )
