import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sqlIdentifier, withDatabase } from '../disk/database.ts'
import { type MappedField, mapFields } from './field-mapping.ts'
import { createMappingMacros } from './mapping-macros.ts'

/** The columns of TabFormer, and three whose names mean something to SQL. */
const COLUMNS = [
  'User',
  'Merchant Name',
  'Use Chip',
  'Errors?',
  'Is Fraud?',
  'Amount',
  'order',
  'a"b',
  'now()',
]
const REQUIRED = { transaction_id: 'order', user_id: 'User', timestamp: "'2026-01-01'", amount: 'Amount' }

describe('the name of a column is that column', () => {
  it.each([
    ['Merchant Name', '"Merchant Name"', ['Merchant Name']],
    ['Is Fraud?', '"Is Fraud?"', ['Is Fraud?']],
    ['is fraud?', '"Is Fraud?"', ['Is Fraud?']],
    [' Errors? ', '"Errors?"', ['Errors?']],
    ['user', '"User"', ['User']],
    ['order', '"order"', ['order']],
    ['a"b', '"a""b"', ['a"b']],
    // No clock: the column is called so.
    ['now()', '"now()"', ['now()']],
    // Anything else is SQL.
    ['"Merchant Name"', '"Merchant Name"', ['Merchant Name']],
    ['concat("User", \'-\', "order")', 'concat("User", \'-\', "order")', ['User', 'order']],
    ['source_rows.amount || source_file', 'source_rows.amount || source_file', ['Amount']],
    ["'Is Fraud?'", "'Is Fraud?'", []],
  ])('%s', async (configured, expression, columns) => {
    const field = (await mapped({ location: configured })).find(({ field }) => field === 'location')
    expect(field).toMatchObject({ field: 'location', expression, type: 'VARCHAR', columns })
  })

  it('is told apart from the place of a row', async () => {
    const fields = await mapped({ location: "concat(SOURCE_ROW, '-', amount)" })
    expect(fields.find(({ field }) => field === 'location')).toMatchObject({
      columns: ['Amount'],
      places: ['source_row'],
    })
    expect(fields.find(({ field }) => field === 'amount')).not.toHaveProperty('places')
  })

  it('of two names that differ in case alone, the one that is written is meant', async () => {
    const fields = { ...REQUIRED, transaction_id: 'order' }
    const [id] = await mapped(fields, ['ORDER', 'order', 'user', 'amount'])
    expect(id).toMatchObject({ expression: '"order"' })
  })

  it.each([
    'money("Amount")',
    'yes_no("Is Fraud?")',
    "first_time(\"Use Chip\", ['%d/%m/%Y', '%Y%m%d'])",
    'epoch_microseconds("Amount")',
  ])('takes the macro in %s', async (expression) => {
    const fields = await mapped({ location: expression })
    expect(fields.find(({ field }) => field === 'location')?.columns).toHaveLength(1)
  })

  it('refuses a format with a zone where the zone would be lost', async () => {
    await expect(mapped({ location: "first_time(Amount, ['%Y-%m-%d %H:%M%z'])" })).rejects.toMatchObject({
      code: 'DATASET_EXPRESSION_INVALID',
      message: expect.stringContaining('first_time takes formats without a zone'),
    })
  })

  it('a name that is nearly that of a column gets its answer', async () => {
    await expect(mapped({ location: 'Merchant Nme' })).rejects.toMatchObject({
      code: 'DATASET_EXPRESSION_INVALID',
      message: expect.stringContaining('did you mean "Merchant Name"?'),
    })
  })
})

const folder = mkdtempSync(join(tmpdir(), 'vigia-mapping-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const mapped = (fields: object, columns = COLUMNS): Promise<readonly MappedField[]> =>
  withDatabase({ threads: 1, memoryLimit: '200MB', tempDirectory: folder }, async (connection) => {
    await createMappingMacros(connection)
    // DuckDB takes no two columns that differ in case alone; which is meant is decided by the names.
    const distinct = columns.filter(
      (name, index) => columns.findIndex((other) => other.toLowerCase() === name.toLowerCase()) === index,
    )
    const list = [...distinct, 'source_file'].map((name) => `'' AS ${sqlIdentifier(name)}`).join(', ')
    await connection.run(`CREATE OR REPLACE TEMP VIEW source_rows AS SELECT 1 AS source_row, ${list}`)
    return mapFields(connection, { ...REQUIRED, ...fields }, columns)
  })
