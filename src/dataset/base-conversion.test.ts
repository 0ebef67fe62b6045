import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import { ValidationSchema, type ValidationSettings } from '../config/sections/validation.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { openRowMapper } from '../mapping/row-mapper.ts'
import { type AmountRules, DEFAULT_AMOUNTS, MOST_MINOR } from '../transaction/amount-rules.ts'
import { readRequest } from '../transaction/read-request.ts'
import { applyCleaning, cleanTransaction, type FittedCleaning } from './cleaning.ts'
import { readSource } from './read-source.ts'
import { validateDataset } from './validate-dataset.ts'

describe('a source of several currencies with a base currency', () => {
  it('is converted row by row with the rate of the row, and keeps what was sent', async () => {
    const { rows, quarantine } = await read([
      ['a', '1000', 'JPY', '0.0061'],
      ['b', '12.345', 'KWD', '2.9871'],
      ['c', '42.5', 'eur', ''],
      ['d', '-42.5', 'EUR', '1'],
      ['e', '0', 'USD', '0.92'],
    ])
    expect(rows.map(({ id, base, sent }) => [id, base, sent])).toEqual([
      ['a', 610, 10_000_000],
      ['b', 3688, 123_450],
      ['c', 4250, 425_000],
      ['d', -4250, -425_000],
      ['e', 0, 0],
    ])
    expect(quarantine).toEqual([])
  })

  it('quarantines rows without a rate, each with what came, and rows too large by it', async () => {
    const { rows, quarantine } = await read([
      ['a', '1', 'JPY', ''],
      ['b', '1', 'JPY', '0'],
      ['c', '1', 'EUR', '-1'],
      ['d', '1', '', ''],
      ['e', '4000', 'KWD', '3'],
      ['f', '1', 'EUR', ''],
    ])
    expect(rows.map(({ id }) => id)).toEqual(['f'])
    const noRate = 'no rate to EUR above 0 (amounts.base.rate: eur)'
    expect(quarantine.map(({ code, what, got }) => [code, what, got ?? null])).toEqual([
      ['rate_missing', noRate, null],
      ['rate_missing', noRate, '0.0'],
      ['rate_missing', noRate, '-1.0'],
      ['rate_missing', noRate, null],
      ['amount_too_large', 'amount beyond 9999.99 EUR, or 99999999999.9999 as it is sent', '4000'],
    ])
  })

  it('law: rows of a file and requests are accepted alike and seen alike, after cleaning with a cap too', async () => {
    const rows = fc.sample(ROW, { numRuns: 3000, seed: 11 }).map((row, n): Row => [`t${n}`, ...row])
    for (const amountCapMinor of [null, 5000]) {
      const cleaning: FittedCleaning = { ...CLEANING, amountCapMinor }
      const fromFile = new Map((await read(rows, AMOUNTS, cleaning)).rows.map((row) => [row.id, row.base]))
      for (const [id, amount, currency, eur] of rows) {
        const asked = requested({ id, amount, currency, eur })
        const seen = asked === undefined ? undefined : cleanTransaction(asked, cleaning).amountMinor
        expect([id, amount, currency, eur, fromFile.get(id)]).toEqual([id, amount, currency, eur, seen])
      }
      // Neither side refuses everything or nothing.
      expect(fromFile.size).toBeGreaterThan(1000)
      expect(fromFile.size).toBeLessThan(2600)
    }
  })

  it('a row of the source that is sent to a service is read as the file is', async () => {
    const { served } = await read([['a', '1000', 'JPY', '0.0061']])
    const mapper = await openRowMapper(served!, SHAPE)
    const row = { transaction_id: 'a', user_id: 'u', timestamp: TIME, amount: '1000', currency: 'JPY' }
    const transaction = await mapper.map({ ...row, eur: '0.0061' })
    expect(transaction).toMatchObject({ amountMinor: 10_000_000, currency: 'JPY' })
    expect(cleanTransaction(transaction, CLEANING).amountMinor).toBe(610)
    await expect(mapper.map({ ...row, eur: '' })).rejects.toThrow('rate_missing')
  })

  it('passes the check of currencies, which names amounts.base where there is none', async () => {
    const lines: Row[] = [
      ['a', '1000', 'JPY', '0.0061'],
      ['b', '42.5', 'EUR', ''],
    ]
    const { checks } = await read(lines)
    expect(checks.some(({ id }) => id === 'amounts.currencies')).toBe(false)
    const without = await read(lines, { ...DEFAULT_AMOUNTS, decimals: 4 })
    expect(without.checks.find(({ id }) => id === 'amounts.currencies')).toMatchObject({
      passed: false,
      allowed: expect.stringContaining('amounts.base'),
    })
  })

  it('asks for a rate that is an attribute of kind number', async () => {
    const base = { ...BASE, rate: 'rate' }
    await expect(read([['a', '1', 'EUR', '1']], { ...AMOUNTS, base })).rejects.toThrow(
      'amounts.base.rate is "rate"; allowed: an attribute of kind number (source.attributes, source.tables): eur',
    )
  })
})

type Row = readonly [id: string, amount: string, currency: string, eur: string]

const BASE = { currency: 'EUR', rate: 'eur', decimals: 2, largestMinor: 999_999 }
const AMOUNTS: AmountRules = { ...DEFAULT_AMOUNTS, decimals: 4, largestMinor: MOST_MINOR, base: BASE }
const SHAPE = { attributes: [{ name: 'eur', kind: 'number' as const }], hasUsers: true, amounts: AMOUNTS }
const CLEANING: FittedCleaning = {
  version: 1,
  foldCategories: true,
  fill: {},
  amounts: { decimals: 4, base: BASE },
  amountCapMinor: null,
  // Cleaning fills the rate of a feature; the amount is converted by what was sent.
  attributes: { eur: { isCategory: false, fill: 7 } },
}
const TIME = '2026-03-01T10:00:00Z'

const ROW = fc.tuple(
  fc.oneof(
    fc.integer({ min: -99_999, max: 9_999_999 }).map((minor) => (minor / 1000).toString()),
    fc.constantFrom('0', '0.0001', '-0.0001', '99999999999.9999', '1e12', '1.00005', '9999.99', '9999.995'),
  ),
  fc.constantFrom('EUR', 'eur', 'JPY', 'KWD', '', 'EURO'),
  fc.oneof(
    { weight: 4, arbitrary: fc.double({ min: 1e-7, max: 10, noNaN: true }).map(String) },
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 9999 }).map((digits) => String(digits / 1000)) },
    { weight: 4, arbitrary: fc.constantFrom('1', '1.005', '1e-3', '', '0', '-0', '-2', '5e-324', '1e300') },
    { weight: 1, arbitrary: fc.constantFrom('inf', 'nan', 'x') },
  ),
)

const requested = ({ id, amount, currency, eur }: Record<'id' | 'amount' | 'currency' | 'eur', string>) => {
  try {
    return readRequest(
      { transaction_id: id, user_id: 'u', timestamp: TIME, amount, currency, attributes: { eur } },
      SHAPE,
    )
  } catch {
    return undefined
  }
}

const folder = mkdtempSync(join(tmpdir(), 'vigia-base-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const read = (lines: readonly Row[], amounts = AMOUNTS, cleaning = CLEANING) => {
  const texts = lines.map(([id, ...rest]) => [id, 'u', TIME, ...rest].join(','))
  writeFileSync(
    join(folder, 'rows.csv'),
    `transaction_id,user_id,timestamp,amount,currency,eur\n${texts.join('\n')}\n`,
  )
  const source = Value.Default(SourceSchema, {
    path: 'rows.csv',
    order: 'arrival',
    attributes: { eur: { kind: 'number' } },
  }) as SourceSettings
  const [preparedPath, quarantinePath, cleaned] = ['p.parquet', 'q.jsonl', 'c.parquet'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  const database = { threads: 1, memoryLimit: '512MB', tempDirectory: join(folder, 'spill') }
  return withDatabase(database, async (connection) => {
    const options = { workingDirectory: folder, work: unwatched(), amounts }
    const result = await readSource(connection, source, { preparedPath, quarantinePath }, options)
    await applyCleaning(connection, preparedPath, cleaned, cleaning)
    const sent = amounts.base === undefined ? 'amount_minor' : 'sent_amount_minor'
    const reader = await connection.runAndReadAll(
      `SELECT transaction_id, amount_minor::DOUBLE, ${sent}::DOUBLE FROM ${sqlLiteral(cleaned)}`,
    )
    const settings = Value.Default(ValidationSchema, {}) as ValidationSettings
    const { checks } = await validateDataset(connection, preparedPath, result, settings)
    const quarantine = readFileSync(quarantinePath, 'utf8').trim()
    return {
      served: result.served,
      checks,
      rows: (reader.getRows() as [string, number, number][]).map(([id, base, own]) => ({
        id,
        base,
        sent: own,
      })),
      quarantine: quarantine === '' ? [] : quarantine.split('\n').map((line) => JSON.parse(line).reasons[0]),
    }
  })
}
