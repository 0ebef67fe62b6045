import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { CleaningSchema, type CleaningSettings } from '../config/sections/cleaning.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { CATEGORY_FIELDS } from '../transaction/fields.ts'
import { foldCategory } from '../transaction/fold-category.ts'
import { PREPARED_COLUMNS } from '../transaction/prepared-columns.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { applyCleaning, cleanTransaction, type FittedCleaning, fitCleaning } from './cleaning.ts'

describe('categories take one form', () => {
  it.each([
    ['  Online ', 'online'],
    ['A\u00a0 Coruña', 'a coruña'],
    ['cafe\u0301', 'café'],
    ['ΟΔΟΣ', 'οδος'.replace(/σ$/, 'ς')],
    [' \u3000 ', undefined],
  ])('"%s" becomes "%s"', (text, folded) => {
    expect(foldCategory('location', text)).toBe(folded)
  })

  it('writes a currency in upper case', () => {
    expect(foldCategory('currency', ' eur')).toBe('EUR')
  })

  it('law: folding twice is folding once, on the whole basic plane', () => {
    for (let point = 0x20; point < 0x10000; point++) {
      if (point >= 0xd800 && point < 0xe000) continue
      const once = foldCategory('location', `a${String.fromCharCode(point)}b`)!
      expect(foldCategory('location', once)).toBe(once)
    }
  })
})

describe('cleaning is fitted on training rows only', () => {
  const rows = [
    transaction({ location: 'Bilbao ', amountMinor: 100 }),
    transaction({ location: 'bilbao', amountMinor: 200 }),
    transaction({ location: 'Madrid', amountMinor: 300 }),
    transaction({ location: 'Madrid', amountMinor: 400 }),
    transaction({ location: 'Madrid', amountMinor: 90000 }),
  ]

  it('by default nothing is filled and no amount is capped', async () => {
    expect(await fitRows(rows, {})).toEqual({
      version: 1,
      foldCategories: true,
      fill: Object.fromEntries(CATEGORY_FIELDS.map(({ column }) => [column, null])),
      amountCapMinor: null,
    })
  })

  it('the mode and the cap come from the rows before the split; equal counts go to the first in order', async () => {
    const fitted = await fitRows(
      rows,
      { missing: { location: 'mode' }, amount_cap_quantile: 0.75 },
      'arrival < 4',
    )
    expect(fitted.fill.location).toBe('bilbao')
    expect(fitted.amountCapMinor).toBe(300)
  })

  it('changing a row outside the training rows changes nothing that is fitted', async () => {
    const settings = { missing: { location: 'mode' }, amount_cap_quantile: 0.5 }
    const changed = [...rows.slice(0, 4), transaction({ location: 'x', amountMinor: 1 })]
    expect(await fitRows(changed, settings, 'arrival < 4')).toEqual(
      await fitRows(rows, settings, 'arrival < 4'),
    )
  })
})

const BY_MODE = {
  fold_categories: false,
  missing: { location: 'mode', currency: 'keep' },
  amount_cap_quantile: 0.5,
} as const

describe('bulk and serving', () => {
  it('law: cleaning a file equals cleaning each of its transactions', async () => {
    const text = fc.option(
      fc.oneof(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }),
        fc.constantFrom(' A', 'a', 'İ', 'Σ', 'ß', '\u00a0'),
      ),
      { nil: undefined },
    )
    const history = fc.array(
      fc.record({
        location: text,
        currency: text,
        deviceType: text,
        amountMinor: fc.integer({ min: 1, max: 5000 }),
      }),
      { minLength: 1, maxLength: 30 },
    )
    const of = (location: string | undefined) => ({
      location,
      currency: undefined,
      deviceType: undefined,
      amountMinor: 1,
    })
    const settings = fc.record({
      fold_categories: fc.boolean(),
      missing: fc.record({
        location: fc.constantFrom('keep', 'mode', 'constant: Far Away'),
        currency: fc.constantFrom('keep', 'mode'),
      }),
      amount_cap_quantile: fc.constantFrom(0.5, 0.9, 1),
    })
    await withDatabase(database, (connection) =>
      fc.assert(
        fc.asyncProperty(history, settings, async (drafts, chosen) => {
          const transactions = drafts.map((draft) => transaction(draft))
          const fitted = await fitOn(connection, transactions, chosen, 'arrival % 2 = 0')
          await applyCleaning(connection, prepared, cleaned, fitted)
          expect(await readTransactions(connection, cleaned)).toEqual(
            transactions.map((each) => cleanTransaction(each, fitted)),
          )
        }),
        // A category of nothing but the character 0, which ends texts elsewhere, is the commonest one here.
        { numRuns: 40, examples: [[[of('\0'), of(undefined)], BY_MODE]] },
      ),
    )
  })

  it('law: cleaning twice is cleaning once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (location) => {
        const fitted: FittedCleaning = { ...none, fill: { ...none.fill, location: 'x' }, amountCapMinor: 50 }
        const once = cleanTransaction(transaction({ location, amountMinor: 70 }), fitted)
        expect(cleanTransaction(once, fitted)).toEqual(once)
      }),
    )
  })
})

const folder = mkdtempSync(join(tmpdir(), 'vigia-clean-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const prepared = join(folder, 'prepared.parquet')
const cleaned = join(folder, 'cleaned.parquet')
const database = { threads: 1, memoryLimit: '500MB', tempDirectory: join(folder, 'spill') }
const none: FittedCleaning = {
  version: 1,
  foldCategories: true,
  fill: {},
  amountCapMinor: null,
}

function transaction(draft: { [K in keyof Transaction]?: Transaction[K] | undefined }): Transaction {
  const all = { transactionId: 't', userId: 'u', eventTimeMs: 0, amountMinor: 1, ...draft }
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as unknown as Transaction
}

const fitRows = (rows: readonly Transaction[], settings: object, training = 'true') =>
  withDatabase(database, (connection) => fitOn(connection, rows, settings, training))

const fitOn = async (
  connection: DuckDBConnection,
  rows: readonly Transaction[],
  settings: object,
  training: string,
) => {
  const definitions = Object.entries(PREPARED_COLUMNS).map(([name, type]) => `${name} ${type}`)
  await connection.run(`CREATE OR REPLACE TEMP TABLE rows (${definitions.join(', ')})`)
  for (const [arrival, row] of rows.entries())
    await connection.run(
      'INSERT INTO rows (arrival, source_row, transaction_id, user_id, event_time_ms, amount_minor, location, currency, device_type) VALUES ($1, $1, $2, $3, $4, $5, $6, $7, $8)',
      [
        arrival,
        row.transactionId,
        row.userId ?? null,
        row.eventTimeMs,
        row.amountMinor,
        row.location ?? null,
        row.currency ?? null,
        row.deviceType ?? null,
      ],
    )
  await connection.run(`COPY (FROM rows ORDER BY arrival) TO ${sqlLiteral(prepared)} (FORMAT parquet)`)
  const complete = Value.Default(CleaningSchema, structuredClone(settings)) as CleaningSettings
  return fitCleaning(connection, prepared, training, complete)
}

const readTransactions = async (
  connection: DuckDBConnection,
  path: string,
): Promise<readonly Transaction[]> => {
  const reader = await connection.runAndReadAll(
    `SELECT transaction_id, user_id, event_time_ms, amount_minor, location, currency, device_type FROM read_parquet(${sqlLiteral(path)})`,
  )
  return reader
    .getRows()
    .map(([transactionId, userId, eventTimeMs, amountMinor, location, currency, deviceType]) =>
      transaction({
        transactionId: String(transactionId),
        userId: String(userId),
        eventTimeMs: Number(eventTimeMs),
        amountMinor: Number(amountMinor),
        location: location === null ? undefined : String(location),
        currency: currency === null ? undefined : String(currency),
        deviceType: deviceType === null ? undefined : String(deviceType),
      }),
    )
}
