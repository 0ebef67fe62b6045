import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { ATTRIBUTES } from '../../test/oracle/random-histories.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { readRow, readTransaction, TransactionEvent } from '../features/transaction-event.ts'
import {
  type Attribute,
  type AttributeValues,
  attributeColumn,
  preparedColumns,
} from '../transaction/attributes.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { ArrivalReader, profileArrivals } from './arrival-reader.ts'
import { allocateBatch, mapBatch } from './shared-batch.ts'

describe('arrivals of a prepared dataset', () => {
  it('law: a row has the attributes that its transaction has when it is served, bit for bit', async () => {
    await inDatabase((connection, connect) =>
      fc.assert(
        fc.asyncProperty(fc.array(VALUES, { minLength: 1, maxLength: 30 }), async (rows) => {
          await writePrepared(connection, rows)
          const served = rows.map((attributes) => {
            const event = new TransactionEvent(ATTRIBUTES)
            readTransaction(event, transactionOf(attributes))
            return event
          })
          expect(await arrivals(connection, await connect(), rows.length)).toEqual(served)
        }),
        { numRuns: 30, examples: [[[{}, { balance: -0, browser: '\ufeff' }, { balance: 0, browser: '0' }]]] },
      ),
    )
  })

  it('are refused when the data lacks an attribute, or has it for values of another kind', async () => {
    await inDatabase(async (connection) => {
      await writePrepared(connection, [{}])
      const profile = (attributes: readonly Attribute[]) => profileArrivals(connection, prepared, attributes)
      await expect(profile(ATTRIBUTES)).resolves.toMatchObject({ rows: 1 })
      await expect(profile([{ name: 'device_age', kind: 'number' }])).rejects.toMatchObject({
        code: 'DATASET_ATTRIBUTE_MISSING',
        details: { got: 'device_age', path: prepared },
      })
      await expect(profile([{ name: 'balance', kind: 'category' }])).rejects.toMatchObject({
        code: 'DATASET_ATTRIBUTE_KIND',
        details: { attribute: 'balance', allowed: 'category', got: 'number' },
      })
      await expect(profile([{ name: 'signed_up', kind: 'boolean' }])).rejects.toMatchObject({
        code: 'DATASET_ATTRIBUTE_KIND',
        details: { got: 'time' },
      })
      // Text and categories stand in columns of one type, and mean the same value.
      await expect(profile([{ name: 'browser', kind: 'text' }])).resolves.toMatchObject({ rows: 1 })
    })
  })
})

const folder = mkdtempSync(join(tmpdir(), 'vigia-arrivals-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const prepared = join(folder, 'prepared.parquet')

const inDatabase = (
  work: (connection: DuckDBConnection, connect: () => Promise<DuckDBConnection>) => Promise<unknown>,
) => withDatabase({ threads: 1, memoryLimit: '500MB', tempDirectory: join(folder, 'spill') }, work)

const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }),
  fc.constantFrom('\ufeff', '\ufeffa', '0', 'NaN'),
)
/** Any may be missing. */
const VALUES: fc.Arbitrary<AttributeValues> = fc.record(
  {
    balance: fc.double({ noNaN: true, noDefaultInfinity: true }),
    browser: text,
    is_vip: fc.boolean(),
    signed_up: fc.integer({ min: -30_610_224_000_000, max: 253_402_300_799_999 }),
    note: text,
  },
  { requiredKeys: [] },
)

const transactionOf = (attributes: AttributeValues): Transaction => ({
  transactionId: 't',
  userId: 'u',
  eventTimeMs: 1000,
  amountMinor: 1,
  attributes,
})

const writePrepared = async (connection: DuckDBConnection, rows: readonly AttributeValues[]) => {
  const columns = Object.entries(preparedColumns(ATTRIBUTES)).map(([name, type]) => `${name} ${type}`)
  await connection.run(`CREATE OR REPLACE TEMP TABLE rows (${columns.join(', ')})`)
  const names = ATTRIBUTES.map(({ name }) => attributeColumn(name))
  for (const [arrival, row] of rows.entries())
    await connection.run(
      `INSERT INTO rows (arrival, source_row, transaction_id, user_id, event_time_ms, amount_minor, ${names.join(', ')})
       VALUES ($1, $1, 't', 'u', 1000, 1, ${names.map((_, index) => `$${index + 2}`).join(', ')})`,
      // The library takes whole doubles for integers; their text is exact.
      [arrival, ...ATTRIBUTES.map(({ name }) => textOf(row[name]))],
    )
  await connection.run(`COPY (FROM rows ORDER BY arrival) TO ${sqlLiteral(prepared)} (FORMAT parquet)`)
}

const textOf = (value: number | string | boolean | undefined) => {
  if (value === undefined) return null
  return Object.is(value, -0) ? '-0.0' : typeof value === 'number' ? String(value) : value
}

const arrivals = async (
  transactions: DuckDBConnection,
  labels: DuckDBConnection,
  rows: number,
): Promise<readonly TransactionEvent[]> => {
  const shape = { attributes: ATTRIBUTES.length, entities: 0, features: 1 }
  const batch = mapBatch(allocateBatch(shape), shape)
  const reader = await ArrivalReader.open(
    { transactions, labels },
    {
      prepared,
      profile: { rows, isDisordered: false },
      attributes: ATTRIBUTES,
      entities: [],
      labelDelayMs: 0,
      needsLabels: false,
    },
  )
  expect(await reader.fill(batch)).toEqual({ rows, labels: 0 })
  labels.closeSync()
  return Array.from({ length: rows }, (_, row) => {
    const event = new TransactionEvent(ATTRIBUTES)
    readRow(event, batch.events, row)
    return event
  })
}
