import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { array, assert, asyncProperty, constantFrom, integer, option, record } from 'fast-check'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { SourceSchema, type SourceSettings } from '../../config/sections/source.ts'
import { ValidationSchema, type ValidationSettings } from '../../config/sections/validation.ts'
import { type DatabaseSettings, sqlLiteral, withDatabase } from '../../disk/database.ts'
import { unwatched } from '../../disk/work.ts'
import { readText } from '../../transaction/read-fields.ts'
import { type ReadResult, readSource } from '../read-source.ts'
import { validateDataset } from '../validate-dataset.ts'
import { declareTables } from './declare-tables.ts'
import { openSnapshot } from './read-table.ts'

describe('tables beside a source', () => {
  it('give each transaction the row that held, and was known, at its time', async () => {
    const { rows, result } = await read({
      transactions: [
        { id: 't1', user: 'ada', day: '2026-01-05' },
        { id: 't2', user: 'ada', day: '2026-01-12' },
        { id: 't3', user: 'ada', day: '2026-01-20' },
        { id: 't4', user: 'eve', day: '2026-01-20' },
        { id: 't5', user: ' ada ', day: '2026-02-01' },
      ],
      files: {
        'customers.csv':
          'customer_id,since,until,loaded,band,age\n' +
          'ada,2026-01-01T00:00:00Z,,2026-01-01T00:00:00Z,low,30\n' +
          // Came two days late.
          'ada,2026-01-10T00:00:00Z,2026-02-01T00:00:00Z,2026-01-13T00:00:00Z,high,31\n',
      },
      tables: {
        customer: {
          path: 'customers.csv',
          key: { customer_id: 'user_id' },
          valid_from: 'since',
          valid_to: 'until',
          known_from: 'loaded',
        },
      },
      attributes: {
        band: { table: 'customer', kind: 'category' },
        older: { table: 'customer', kind: 'number', from: 'CAST(age AS INTEGER) + 1' },
      },
    })
    expect(rows).toEqual([
      { band: 'low', older: 31 },
      { band: 'low', older: 31 },
      { band: 'high', older: 32 },
      { band: null, older: null },
      { band: null, older: null },
    ])
    expect(result.tables).toMatchObject([
      {
        name: 'customer',
        rows: 2,
        usableRows: 2,
        keys: 1,
        unusable: [],
        found: 3,
        missing: 2,
        withoutKey: 0,
      },
    ])
    expect(result.attributes.map(({ name, table }) => [name, table])).toEqual([
      ['band', 'customer'],
      ['older', 'customer'],
    ])
  })

  it('are found by ranges, and by what another table gives; in CSV, JSON and Parquet, from several files', async () => {
    const { rows } = await read({
      transactions: [
        { id: 't1', ip: '10.0.0.9', bin: '411111' },
        { id: 't2', ip: '10.1.0.0', bin: '499999' },
        { id: 't3', ip: '2001:db8::5', bin: '500000' },
        { id: 't4', ip: 'no address', bin: '' },
      ],
      files: {
        'geo-1.csv': 'network;country\n10.0.0.0/16;ES\n',
        'geo-2.csv': 'network;country\n2001:db8::/32;PT\n',
        'countries.jsonl': '{"code":"ES","level":1.5,"eu":true}\n{"code":"PT","level":2,"eu":true}\n',
      },
      parquet: { 'bins.parquet': "SELECT 400000 AS low, 499999 AS high, DATE '2020-02-03' AS opened" },
      tables: {
        geo: { path: 'geo-*.csv', delimiter: ';', range: { of: 'ip', network: 'network' } },
        country: { path: 'countries.jsonl', key: { code: 'country' } },
        bin: { path: 'bins.parquet', range: { of: 'bin', from: 'low', to: 'high' } },
      },
      attributes: {
        country: { table: 'geo', kind: 'category' },
        level: { table: 'country', kind: 'number' },
        eu: { table: 'country', kind: 'boolean' },
        bin: { kind: 'number' },
        opened: { table: 'bin', kind: 'time' },
      },
    })
    const opened = BigInt(Date.UTC(2020, 1, 3))
    expect(rows).toEqual([
      { ip: '10.0.0.9', bin: 411111, country: 'ES', level: 1.5, eu: true, opened },
      { ip: '10.1.0.0', bin: 499999, country: null, level: null, eu: null, opened },
      { ip: '2001:db8::5', bin: 500000, country: 'PT', level: 2, eu: true, opened: null },
      { ip: 'no address', bin: null, country: null, level: null, eu: null, opened: null },
    ])
  })

  it('lose no row in silence: each that cannot be found or read is counted, and validation names it', async () => {
    const { result, report } = await read({
      transactions: [{ id: 't1', user: 'ada' }],
      files: {
        'customers.csv':
          'customer_id,since,age\n' +
          'ada,2026-01-01T00:00:00Z,30\n' +
          ',2026-01-01T00:00:00Z,31\n' +
          'bob,2026-01-01 00:00:00,32\n' +
          'cy,,33\n' +
          'dan,2026-01-01T00:00:00Z,old\n' +
          'eve,2026-01-01T00:00:00Z,1,2,3\n',
      },
      tables: { customer: { path: 'customers.csv', key: { customer_id: 'user_id' }, valid_from: 'since' } },
      attributes: { age: { table: 'customer', kind: 'number' } },
    })
    expect(result.tables).toMatchObject([
      {
        rows: 6,
        usableRows: 2,
        unreadableRows: 1,
        unusable: [
          { reason: 'key_missing', rows: 1, sourceRow: 2 },
          { reason: 'row_malformed', rows: 1, sourceRow: 6 },
          { reason: 'valid_from_missing', rows: 2, sourceRow: 3 },
        ],
      },
    ])
    const failed = report.checks.filter(({ id, passed }) => id.startsWith('tables.') && !passed)
    expect(failed.map(({ id, severity }) => [id, severity])).toEqual([
      ['tables.customer.unusable', 'error'],
      ['tables.customer.unreadable', 'warning'],
    ])
    expect(failed[0]!.detail).toContain('row 3 has no valid_from that can be read (a time without a zone')
  })

  it('that nobody finds, and those that know no time, are told', async () => {
    const { report } = await read({
      transactions: [{ id: 't1', user: 'ada' }],
      files: { 'customers.csv': 'customer_id,age\n7,30\n' },
      tables: { customer: { path: 'customers.csv', key: { customer_id: 'user_id' } } },
      attributes: { age: { table: 'customer', kind: 'number' } },
    })
    const failed = report.checks.filter(({ id, passed }) => id.startsWith('tables.') && !passed)
    expect(failed.map(({ id, severity, detail }) => [id, severity, detail?.slice(0, 40)])).toEqual([
      ['tables.customer.found', 'error', '1 find none at their time, 0 do not say '],
      ['tables.customer.time', 'info', 'every transaction finds the row as it is'],
    ])
  })

  it.each([
    [
      'a table that is not there',
      { tables: {} },
      'source.attributes.age.table is "customer"; allowed: a table of source.tables, which has none',
    ],
    [
      'nothing to find a row by',
      { tables: { customer: { path: 'customers.csv' } } },
      'source.tables.customer is "nothing to find a row by"; allowed: key, range, or both',
    ],
    [
      'a column that is not there',
      { tables: { customer: { path: 'customers.csv', key: { id_of: 'user_id' } } } },
      'source.tables.customer.key is "id_of", which names the column "id_of"',
    ],
    [
      'a key that is a field of another kind',
      { tables: { customer: { path: 'customers.csv', key: { customer_id: 'amount' } } } },
      'source.tables.customer.key.customer_id is "amount, which is no text"',
    ],
    [
      'a column of the source that is not there',
      { tables: { customer: { path: 'customers.csv', key: { customer_id: 'cc_num' } } } },
      'cc_num',
    ],
    [
      'a range with a time',
      {
        tables: {
          customer: {
            path: 'customers.csv',
            range: { of: 'user_id', from: 'age', to: 'age' },
            valid_from: 'age',
          },
        },
      },
      'left out beside a range',
    ],
    [
      'half a range',
      { tables: { customer: { path: 'customers.csv', range: { of: 'user_id', from: 'age' } } } },
      'from and to, or network alone',
    ],
    [
      'rows that clash',
      { tables: { customer: { path: 'twice.csv', key: { customer_id: 'user_id' } } } },
      'source.tables.customer: rows 1 and 3 with the key 7 hold from the same time and have other values',
    ],
    [
      'a file that is not there',
      { tables: { customer: { path: 'nowhere.csv', key: { customer_id: 'user_id' } } } },
      'There is no file at',
    ],
    [
      'a subquery',
      { tables: { customer: { path: 'customers.csv', key: { '(SELECT 1)': 'user_id' } } } },
      'it has a subquery',
    ],
  ])('refuse %s, in words', async (_, { tables }, words) => {
    const asked = read({
      transactions: [{ id: 't1', user: '7' }],
      files: {
        'customers.csv': 'customer_id,age\n7,30\n',
        'twice.csv': 'customer_id,age\n7,30\n8,1\n7,31\n',
      },
      tables: tables as SourceSettings['tables'],
      attributes: { age: { table: 'customer', kind: 'number' } },
    })
    await expect(asked).rejects.toThrow(words)
  })

  it('find text by what it says, whatever stands in front of it', async () => {
    const { rows, result } = await read({
      transactions: [
        { id: 't1', user: '\ufeffada' },
        { id: 't2', user: ' \ufeff ada' },
        { id: 't3', user: 'bob' },
      ],
      files: { 'customers.csv': 'customer_id,band\nada,\ufefflow\n\ufeffbob,high\n' },
      tables: { customer: { path: 'customers.csv', key: { customer_id: 'user_id' } } },
      attributes: { band: { table: 'customer', kind: 'category' } },
    })
    expect(rows).toEqual([{ band: 'low' }, { band: 'low' }, { band: 'high' }])
    expect(result.acceptedRows).toBe(3)
    expect(readText('user_id', ' \ufeff\ufeff ada', [])).toBe('ada')
    expect(readText('user_id', '\ufeff', [])).toBeUndefined()
  })

  it.each(['../x', 'a/b', 'Customer', ''])('are not called %j', (name) => {
    const tables = { [name]: { path: 'c.csv', key: { customer_id: 'user_id' } } }
    expect(() => declareTables(sourceOf({ path: 't.csv', tables }))).toThrow(
      `source.tables.${name} is "${name}"; allowed: lower case letters, digits and _`,
    )
  })

  it('a table that gives nothing is refused', () => {
    const tables = { customer: { path: 'c.csv', key: { customer_id: 'user_id' } } }
    expect(() => declareTables(sourceOf({ path: 't.csv', tables }))).toThrow(/gives no attribute/)
  })

  it('a snapshot finds what the table found, whatever its values', async () => {
    const value = constantFrom('', 'a', 'Ã±', '1', '0.5', 'nan', "it's", ' x ')
    const rows = array(
      record({
        key: constantFrom('a', 'b', '', '1'),
        day: integer({ min: 1, max: 6 }),
        value: option(value),
      }),
      { maxLength: 8 },
    )
    await assert(
      asyncProperty(rows, async (generated) => {
        const seen = new Set<string>()
        const distinct = generated.filter(
          ({ key, day }) => !seen.has(`${key} ${day}`) && seen.add(`${key} ${day}`),
        )
        const text = distinct.map(
          ({ key, day, value: v }) => `"${key}",2026-01-0${day}T00:00:00Z,"${v ?? ''}"\n`,
        )
        const transactions = ['a', 'b', 'c', '1'].flatMap((user) =>
          [1, 2, 4, 6, 7].map((day) => ({ id: `${user}${day}`, user, day: `2026-01-0${day}` })),
        )
        const given = await read({
          transactions,
          files: {
            'customers.csv': `customer_id,since,value\n${text.join('') || '"z",2026-01-01T00:00:00Z,""\n'}`,
          },
          tables: {
            customer: { path: 'customers.csv', key: { customer_id: 'user_id' }, valid_from: 'since' },
          },
          attributes: {
            text: { table: 'customer', kind: 'text', from: 'value', unreadable: 'missing' },
            number: { table: 'customer', kind: 'number', from: 'value', unreadable: 'missing' },
          },
        })
        const [mapping] = given.result.served!.tables!
        const attributes = [
          { name: 'text', kind: 'text' as const },
          { name: 'number', kind: 'number' as const },
        ]
        const snapshot = await withDatabase(database(given.folder), (connection) =>
          openSnapshot(
            connection,
            { name: 'customer', mapping: mapping!, attributes },
            join(given.folder, 'table-customer.parquet'),
            new AbortController().signal,
          ),
        )
        for (const [at, { user, day }] of transactions.entries()) {
          const place = snapshot.index.find(user, Date.parse(day))
          const found = attributes.map(({ name }) =>
            place < 0 ? null : (snapshot.columns.get(name)!.get(place) ?? null),
          )
          expect(found).toEqual([given.rows[at]!['text'], given.rows[at]!['number']])
          const row = distinct
            .filter((one) => one.key === user && `2026-01-0${one.day}` <= day)
            .sort((a, b) => b.day - a.day)[0]
          expect(given.rows[at]!['text']).toBe(row?.value?.trim() || null)
        }
      }),
      { numRuns: 12 },
    )
  })
})

interface Given {
  readonly transactions: readonly Readonly<Record<string, string>>[]
  readonly files: Readonly<Record<string, string>>
  readonly parquet?: Readonly<Record<string, string>>
  readonly tables: SourceSettings['tables']
  readonly attributes: SourceSettings['attributes']
}

const root = mkdtempSync(join(tmpdir(), 'vigia-tables-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const database = (folder: string): DatabaseSettings => ({
  threads: 2,
  memoryLimit: '512MB',
  tempDirectory: join(folder, 'spill'),
})

const sourceOf = (settings: object): SourceSettings =>
  Value.Default(SourceSchema, settings) as unknown as SourceSettings

const COLUMNS = ['id', 'user', 'day', 'ip', 'bin']

/** Reads transactions with these tables, and validates them; attributes by their names. */
const read = async ({ transactions, files, parquet = {}, tables, attributes }: Given) => {
  const folder = mkdtempSync(join(root, 'case-'))
  const lines = transactions.map((row) => COLUMNS.map((name) => `"${row[name] ?? DEFAULTS[name]}"`).join(','))
  writeFileSync(join(folder, 'transactions.csv'), `${COLUMNS.join(',')}\n${lines.join('\n')}\n`)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const source = declareTables(
    sourceOf({
      path: 'transactions.csv',
      time_zone: '',
      fields: { transaction_id: 'id', user_id: '"user"', timestamp: "day || 'T00:00:00Z'", amount: "'1'" },
      attributes,
      tables,
    }),
  )
  return withDatabase(database(folder), async (connection) => {
    for (const [name, sql] of Object.entries(parquet))
      await connection.run(`COPY (${sql}) TO ${sqlLiteral(join(folder, name))} (FORMAT parquet)`)
    const prepared = join(folder, 'prepared.parquet')
    const result: ReadResult = await readSource(
      connection,
      source,
      {
        preparedPath: prepared,
        quarantinePath: join(folder, 'quarantine.jsonl'),
        tablePath: (table) => join(folder, `table-${table}.parquet`),
      },
      { workingDirectory: folder, work: unwatched(), profile: true },
    )
    const rows = await connection.runAndReadAll(
      `SELECT COLUMNS('attribute_.*') FROM read_parquet(${sqlLiteral(prepared)}) ORDER BY source_row`,
    )
    const settings = Value.Default(ValidationSchema, {}) as unknown as ValidationSettings
    const report = await validateDataset(connection, prepared, result, settings)
    return {
      folder,
      result,
      report,
      rows: rows
        .getRowObjects()
        .map((row) =>
          Object.fromEntries(
            Object.entries(row).map(([name, value]) => [name.slice('attribute_'.length), value]),
          ),
        ),
    }
  })
}

const DEFAULTS: Readonly<Record<string, string>> = { user: 'u', day: '2026-01-15', ip: '', bin: '' }
