import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { CleaningSchema, type CleaningSettings } from '../config/sections/cleaning.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { type AttributeValues, attributeColumn, preparedColumns } from '../transaction/attributes.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { applyCleaning, cleanTransaction, fitCleaning } from './cleaning.ts'
import type { SourceAttribute } from './source-attributes.ts'

const ATTRIBUTES: readonly SourceAttribute[] = [
  { name: 'balance', kind: 'number', expression: 'balance', missing: 'median' },
  { name: 'age', kind: 'number', expression: 'age', missing: 'constant:0.1234567890123456789' },
  { name: 'limit_left', kind: 'number', expression: 'limit_left' },
  { name: 'browser', kind: 'category', expression: 'browser', missing: 'mode' },
  { name: 'channel', kind: 'category', expression: 'channel', missing: 'constant: Not Known' },
  { name: 'campaign', kind: 'category', expression: 'campaign' },
  { name: 'is_vip', kind: 'boolean', expression: 'is_vip', missing: 'mode' },
  { name: 'is_new', kind: 'boolean', expression: 'is_new', missing: 'constant:true' },
  { name: 'born', kind: 'time', expression: 'born' },
  { name: 'note', kind: 'text', expression: 'note', missing: "constant:it's" },
]

describe('cleaning of attributes', () => {
  it('fits median and mode on training rows only; of equally many the mode is no, and the first text in order', async () => {
    const rows: AttributeValues[] = [
      { balance: 1, browser: 'Firefox', is_vip: true },
      { balance: 3, browser: 'chrome ', is_vip: false },
      { balance: 9, browser: 'FIREFOX' },
      { browser: 'chrome' },
      { balance: 1000, browser: 'opera', is_vip: true },
    ]
    const fitted = await inDatabase((connection) => fitOn(connection, rows, {}, 'arrival < 4'))
    expect(fitted.attributes).toEqual({
      balance: { isCategory: false, fill: 3 },
      age: { isCategory: false, fill: 0.12345678901234568 },
      browser: { isCategory: true, fill: 'chrome' },
      channel: { isCategory: true, fill: 'not known' },
      campaign: { isCategory: true },
      is_vip: { isCategory: false, fill: false },
      is_new: { isCategory: false, fill: true },
      note: { isCategory: false, fill: "it's" },
    })
  })

  it('leaves missing what training has never seen: there is nothing to fill it with', async () => {
    const fitted = await inDatabase((connection) => fitOn(connection, [{ balance: 1 }], {}, 'false'))
    expect(fitted.attributes!['balance']).toBeUndefined()
    expect(fitted.attributes!['is_vip']).toBeUndefined()
    expect(fitted.attributes!['browser']).toEqual({ isCategory: true })
  })

  it('takes away a category of nothing but blanks, also when it is the only attribute', () => {
    const fitted = { version: 1, foldCategories: true, fill: {}, amountCapMinor: null } as const
    const blank = { ...TRANSACTION, attributes: { campaign: '\ufeff' } }
    expect(cleanTransaction(blank, { ...fitted, attributes: { campaign: { isCategory: true } } })).toEqual(
      TRANSACTION,
    )
  })

  it('law: cleaning a file equals cleaning each of its transactions, and twice is once', async () => {
    const settings = fc.record({ fold_categories: fc.boolean() })
    await inDatabase((connection) =>
      fc.assert(
        fc.asyncProperty(
          fc.array(VALUES, { minLength: 1, maxLength: 20 }),
          settings,
          async (rows, chosen) => {
            // What travels with a model is JSON.
            const fitted = JSON.parse(
              JSON.stringify(await fitOn(connection, rows, chosen, 'arrival % 2 = 0')),
            )
            await applyCleaning(connection, prepared, cleaned, fitted)
            const once = rows.map((attributes) => cleanTransaction(withAttributes(attributes), fitted))
            expect(await readAttributes(connection)).toEqual(once.map(({ attributes = {} }) => attributes))
            expect(once.map((each) => cleanTransaction(each, fitted))).toEqual(once)
          },
        ),
        { numRuns: 40 },
      ),
    )
  })
})

const folder = mkdtempSync(join(tmpdir(), 'vigia-clean-attributes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const prepared = join(folder, 'prepared.parquet')
const cleaned = join(folder, 'cleaned.parquet')

const inDatabase = <T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> =>
  withDatabase({ threads: 1, memoryLimit: '500MB', tempDirectory: join(folder, 'spill') }, work)

const TRANSACTION: Transaction = { transactionId: 't', userId: 'u', eventTimeMs: 0, amountMinor: 1 }
const withAttributes = (attributes: AttributeValues): Transaction =>
  Object.keys(attributes).length === 0 ? TRANSACTION : { ...TRANSACTION, attributes }

const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const category = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
  fc.constantFrom(' A', 'a', 'İ', 'Σ', 'ß', '\u00a0', '\ufeff', '\u0085'),
)
/** Half of the attributes are missing. */
const VALUES: fc.Arbitrary<AttributeValues> = fc.record(
  {
    balance: number,
    age: number,
    limit_left: number,
    browser: category,
    channel: category,
    campaign: category,
    is_vip: fc.boolean(),
    is_new: fc.boolean(),
    born: fc.integer({ min: -30_610_224_000_000, max: 253_402_300_799_999 }),
    note: category,
  },
  { requiredKeys: [] },
)

const fitOn = async (
  connection: DuckDBConnection,
  rows: readonly AttributeValues[],
  settings: object,
  training: string,
) => {
  const columns = preparedColumns(ATTRIBUTES)
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE rows (${Object.entries(columns)
      .map(([name, type]) => `${name} ${type}`)
      .join(', ')})`,
  )
  const places = ATTRIBUTES.map((_, index) => `$${index + 2}`).join(', ')
  const names = ATTRIBUTES.map(({ name }) => attributeColumn(name)).join(', ')
  for (const [arrival, row] of rows.entries())
    await connection.run(
      `INSERT INTO rows (arrival, source_row, transaction_id, user_id, event_time_ms, amount_minor, ${names})
       VALUES ($1, $1, 't', 'u', 0, 1, ${places})`,
      [arrival, ...ATTRIBUTES.map(({ name, kind }) => sqlValue(kind, row[name]))],
    )
  await connection.run(`COPY (FROM rows ORDER BY arrival) TO ${sqlLiteral(prepared)} (FORMAT parquet)`)
  const complete = Value.Default(CleaningSchema, structuredClone(settings)) as CleaningSettings
  return fitCleaning(connection, prepared, training, complete, ATTRIBUTES)
}

const sqlValue = (kind: string, value: number | string | boolean | undefined) =>
  // The library takes whole doubles for integers; their text is exact.
  value === undefined ? null : kind === 'number' || kind === 'time' ? String(value) : value

const readAttributes = async (connection: DuckDBConnection): Promise<readonly AttributeValues[]> => {
  const columns = ATTRIBUTES.map(({ name, kind }) => {
    const column = attributeColumn(name)
    // Text as its bytes: the library's own decoding takes a byte order mark away.
    return kind === 'category' || kind === 'text' ? `hex(${column})` : column
  })
  const reader = await connection.runAndReadAll(
    `SELECT ${columns.join(', ')} FROM read_parquet(${sqlLiteral(cleaned)})`,
  )
  return reader.getRows().map((values) =>
    Object.fromEntries(
      ATTRIBUTES.flatMap(({ name, kind }, index) => {
        const value = values[index]
        if (value === null || value === undefined) return []
        if (kind === 'time') return [[name, Number(value)]]
        return [[name, typeof value === 'string' ? Buffer.from(value, 'hex').toString() : value]]
      }),
    ),
  ) as AttributeValues[]
}
