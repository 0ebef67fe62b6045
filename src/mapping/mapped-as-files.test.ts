import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import { readSource } from '../dataset/read-source.ts'
import type { SourceAttribute } from '../dataset/source-attributes.ts'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { type AmountRules, DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import { attributeColumn, isTextAttribute } from '../transaction/attributes.ts'
import { isTextKind, TRANSACTION_FIELDS } from '../transaction/fields.ts'
import { RequestProblemsError } from '../transaction/request-problem.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { openRowMapper, slowExpressions } from './row-mapper.ts'
import { numberLiteral, quoteNumbers } from './sent-values.ts'

/** What a bank writes into a cell: sense, nonsense, and what is in between. */
const CELL = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -50, max: 100_000 }) },
  { weight: 2, arbitrary: fc.double({ noNaN: true, min: -1e6, max: 1e6 }) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 99_999 }).map((minor) => (minor / 100).toFixed(2)) },
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(
    '',
    ' ',
    'yes',
    'No',
    'TRUE',
    '0',
    '1',
    '1.0',
    'nan',
    'inf',
    '-0',
    '007',
    '111.0',
    '1e3',
    '.5',
    '5.',
  ),
  fc.constantFrom(
    '$1,234.50',
    '($99.00)',
    '-$5',
    '1.234,50',
    '1,234.50',
    '€ 7',
    '1 234,5',
    '12,34',
    '- 1',
    '$-99.00',
  ),
  fc.constantFrom(
    '2026-01-31T09:30:00Z',
    '2026-03-29 02:30:00',
    '2026-10-25 02:30:00.1239',
    '2026-01-31T09:30:00+01:00',
  ),
  fc.constantFrom(
    '2026-01-31',
    '31/12/2025 23:59',
    ' 2026-01-31 09:30:00 ',
    '24:00',
    '2026-01-31 24:00:00',
    '1955-03-02',
  ),
  fc.constantFrom(
    '1767225600',
    '1767225600000',
    '1767225600.25',
    '-5',
    '99999999999999999999',
    '\u00a0x\u2003',
    '\ufeffmark',
  ),
  fc.constantFrom(
    'a\tb \n c',
    "O'Neill",
    '"quoted", text',
    'Ñandú',
    '😀',
    'x'.repeat(257),
    'bell\u0007',
    'K',
    'ſ',
  ),
  fc.string({ unit: 'grapheme', maxLength: 6 }).filter((text) => !text.includes('\0')),
)

const TEXTS = [
  'b',
  'lower(b)',
  `money(b)`,
  'yes_no("b")',
  'blank_to_null(b)',
  'decimal_comma(b)',
  'decimal_point(b)',
  `'it''s'`,
  `concat_ws('-', b, c)`,
  `CASE WHEN b = '' THEN 'empty' WHEN b IS NULL THEN 'none' ELSE b END`,
  'CAST(b AS INTEGER)',
  'CAST(b AS DOUBLE)',
  'b = c',
  'length(b)',
]
const NUMBERS = [
  'c',
  'money(c)',
  'decimal_comma(c)',
  'CAST(c AS DOUBLE) * 3',
  'TRY_CAST(c AS DOUBLE) / 7',
  'TRY_CAST(c AS DECIMAL(18, 3))',
  'CAST(c AS BIGINT)',
  'length(c)',
  `nullif(c, '0')`,
  '1.5',
]
const TIMES = [
  't',
  'epoch_seconds(t)',
  'TRY_CAST(t AS TIMESTAMP)',
  `first_time(t, ['%d/%m/%Y %H:%M', '%Y-%m-%d'])`,
  `epoch_ms(TIMESTAMP '2017-11-30') + TRY_CAST(t AS BIGINT) * 1000`,
  'CAST(t AS DATE)',
  'TRY_CAST(t AS TIMESTAMPTZ)',
]
const IDS = ['id', `concat('x', id)`, `printf('P%06d', source_row)`]

const entries = (kind: SourceAttribute['kind'], expressions: readonly string[]) =>
  fc.record({
    kind: fc.constant(kind),
    from: fc.constantFrom(...expressions),
    unreadable: fc.constantFrom('quarantine' as const, 'missing' as const, 'missing' as const),
  })

/** Every third mapping knows no users; amounts by some rules, times of some zone. */
const MAPPING = fc.record({
  zone: fc.constantFrom('', 'UTC', 'Europe/Madrid'),
  disambiguation: fc.constantFrom('later', 'earlier', 'compatible', 'reject'),
  amounts: fc.constantFrom<AmountRules>(
    DEFAULT_AMOUNTS,
    { ...DEFAULT_AMOUNTS, rounding: 'half_even', zero: false, refunds: false },
    { ...DEFAULT_AMOUNTS, decimals: 3, rounding: 'down', currency: 'EUR' },
  ),
  fields: fc.record({
    transaction_id: fc.constantFrom(...IDS),
    user_id: fc.constantFrom('', 'id', 'id', 'coalesce(b, id)', ...TEXTS.slice(0, 9)),
    timestamp: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('t0', 'epoch_seconds(s0)', 'CAST(s0 AS BIGINT) * 1000') },
      { weight: 1, arbitrary: fc.constantFrom(...TIMES) },
    ),
    amount: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('m0', 'money(m0)', 'CAST(m0 AS DOUBLE)') },
      { weight: 1, arbitrary: fc.constantFrom(...NUMBERS) },
    ),
    currency: fc.constantFrom('', `'EUR'`, `'EUR'`, 'b'),
    merchant_id: fc.constantFrom('', ...TEXTS),
    location: fc.constantFrom('', ...TEXTS),
    latitude: fc.constantFrom('', '', 'm0', 'TRY_CAST(m0 AS DOUBLE)'),
  }),
  attributes: fc.record(
    {
      a_number: entries('number', NUMBERS),
      a_category: entries('category', TEXTS),
      a_text: entries('text', [...TEXTS, ...NUMBERS]),
      a_boolean: entries('boolean', [...TEXTS.slice(0, 10), 'b = c', 'yes_no(c)']),
      a_time: entries('time', TIMES),
    },
    { requiredKeys: [] },
  ),
})

type Mapping = typeof MAPPING extends fc.Arbitrary<infer T> ? T : never
type AnyMapping = { readonly [K in keyof Mapping]: K extends 'fields' | 'attributes' ? object : Mapping[K] }
type Row = Readonly<Record<string, unknown>>

const ROW = fc.record({
  t0: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('2026-01-31T09:30:00Z', '2026-06-01 10:00:00', 1767225600000) },
    CELL,
  ),
  s0: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(1767225600, '1767225600', '1767225600.25') }, CELL),
  m0: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 9999 }).map((minor) => minor / 100) }, CELL),
  b: CELL,
  c: CELL,
  t: CELL,
})

/** A value of each type of Parquet: as SQL writes it and as JSON does. */
const both = (sql: (text: string) => string) => (value: unknown) =>
  [sql(String(value)), JSON.stringify(value)] as const
const TYPED = {
  big: fc
    .oneof(fc.bigInt({ min: -5n, max: 2_000_000_000_000n }), fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }))
    .map((value) => [`${value}::BIGINT`, String(value)] as const),
  small: fc.integer({ min: 0, max: 2 }).map(both((text) => `${text}::TINYINT`)),
  d: fc.oneof(
    fc
      .oneof(fc.integer({ min: -9, max: 1e6 }), fc.double({ noNaN: true, noDefaultInfinity: true }))
      .map(both((text) => `'${text}'::DOUBLE`)),
    fc.integer({ min: 0, max: 99_999 }).map((minor) => both((text) => `'${text}'::DOUBLE`)(minor / 100)),
    fc.constantFrom('NaN', 'Infinity', '-Infinity').map(both((text) => `'${text}'::DOUBLE`)),
  ),
  f: fc.integer({ min: -9, max: 99_999 }).map((minor) => both((text) => `'${text}'::FLOAT`)(minor / 100)),
  dec: fc
    .integer({ min: -9, max: 9_999_999 })
    .map((minor) => both((text) => `${text}::DECIMAL(12, 3)`)(minor / 1000)),
  flag: fc.boolean().map(both((text) => text)),
  day: fc.constantFrom('1955-03-02', '2026-01-31', '0999-12-31').map(both((text) => `DATE '${text}'`)),
  ts: fc
    .constantFrom(
      '2026-01-31 09:30:00.25',
      '2026-03-29T02:30:00',
      '1969-12-31 23:59:59.9999',
      '2026-10-25 02:30:00',
    )
    .map(both((text) => `TIMESTAMP '${text}'`)),
  tz: fc
    .constantFrom('2026-01-31T09:30:00.123456+05:30', '1955-03-02T00:00:00Z')
    .map(both((text) => `TIMESTAMPTZ '${text}'`)),
  s: fc
    .constantFrom('', ' ', 'x', "O'Neill", '1', '1.50', '\ufeffmark', 'yes')
    .map(both((text) => `'${text.replaceAll("'", "''")}'`)),
}
const TYPES = {
  big: 'BIGINT',
  small: 'TINYINT',
  d: 'DOUBLE',
  f: 'FLOAT',
  dec: 'DECIMAL(12, 3)',
  flag: 'BOOLEAN',
  day: 'DATE',
  ts: 'TIMESTAMP',
  tz: 'TIMESTAMPTZ',
  s: 'VARCHAR',
}
const TYPED_ROW = fc.record(
  Object.fromEntries(
    Object.entries(TYPED).map(([name, values]) => [
      name,
      fc.oneof(
        { weight: 9, arbitrary: values },
        { weight: 1, arbitrary: fc.constant(['NULL', 'null'] as const) },
      ),
    ]),
  ),
)

const ANY = ['big', 'small', 'd', 'f', 'dec', 'flag', 's']
const TYPED_MAPPING = fc.record({
  zone: fc.constantFrom('', 'UTC', 'Europe/Madrid'),
  disambiguation: fc.constantFrom('later', 'earlier', 'compatible', 'reject'),
  amounts: fc.constantFrom<AmountRules>(
    { ...DEFAULT_AMOUNTS, rounding: 'half_up' },
    { ...DEFAULT_AMOUNTS, decimals: 3 },
  ),
  fields: fc.record({
    transaction_id: fc.constant('id'),
    user_id: fc.constantFrom('', 'id', 'big', 'd', 'day', 's', 'flag', 'f', `coalesce(s, '?')`),
    timestamp: fc.constantFrom('ts', 'tz', 'big', 'd', 'day', 'epoch_seconds(big)', 'ts'),
    amount: fc.constantFrom('d', 'dec', 'f', 'small', 'big', 'd * 2', 'CAST(small AS DECIMAL(9, 2)) / 4'),
    currency: fc.constant(''),
    merchant_id: fc.constantFrom('', ...ANY, 'tz', 'ts'),
    location: fc.constantFrom('', 's', 'flag'),
    latitude: fc.constantFrom('', '', 'small', 'd'),
  }),
  attributes: fc.record(
    {
      a_number: entries('number', [...ANY, 'd / f']),
      a_category: entries('category', [...ANY, 'day', 'ts', 'blank_to_null(s)']),
      a_boolean: entries('boolean', [...ANY, 'ts < tz']),
      a_time: entries('time', ['ts', 'tz', 'day', 'big', 'd', 's']),
    },
    { requiredKeys: [] },
  ),
})

describe('a row of JSON is mapped as the same row of a file is', () => {
  it.each(['csv', 'json'] as const)('law: random mappings over random rows, in files of %s', (format) =>
    inFolder(async (connection, folder) => {
      let accepted = 0
      for (const [index, mapping] of fc.sample(MAPPING, { numRuns: 15, seed: 23 }).entries()) {
        const rows = fc
          .sample(ROW, { numRuns: 60, seed: 100 + index })
          .map((row, place): Row => ({ id: `t${place}`, ...row }))
        const names = Object.keys(rows[0]!)
        const path = `rows.${format}`
        writeFileSync(join(folder, path), format === 'csv' ? csvOf(names, rows) : rows.map(lineOf).join(''))
        // A number of JSON has no comma: where a file has one, it is refused.
        const asSent = format === 'csv' && JSON.stringify(mapping).includes('decimal_comma') ? textsOf : same
        const sent = rows.map((row, place) => lineOf({ ...asSent(row), source_row: place + 1, other: {} }))
        accepted += await compare(connection, folder, path, mapping, sent)
      }
      // Neither side refuses everything or nothing.
      expect(accepted).toBeGreaterThan(100)
      expect(accepted).toBeLessThan(750)
    }),
  )

  it('law: random mappings over random rows of typed columns, in Parquet', () =>
    inFolder(async (connection, folder) => {
      let accepted = 0
      for (const [index, mapping] of fc.sample(TYPED_MAPPING, { numRuns: 15, seed: 5 }).entries()) {
        const rows = fc.sample(TYPED_ROW, { numRuns: 60, seed: 200 + index })
        const names = Object.keys(TYPES) as (keyof typeof TYPES)[]
        const values = rows.map(
          (row, place) => `('t${place}', ${names.map((name) => row[name]![0]).join(', ')})`,
        )
        await connection.run(
          `COPY (SELECT id, ${names.map((name) => `${name}::${TYPES[name]} AS ${name}`).join(', ')} FROM (VALUES ${values.join(', ')}) AS made(id, ${names.join(', ')})) TO ${sqlLiteral(join(folder, 'rows.parquet'))} (FORMAT parquet)`,
        )
        const sent = rows.map(
          (row, place) =>
            `{"id": "t${place}", ${names.map((name) => `"${name}": ${row[name]![1]}`).join(', ')}}`,
        )
        accepted += await compare(connection, folder, 'rows.parquet', mapping, sent)
      }
      expect(accepted).toBeGreaterThan(100)
      expect(accepted).toBeLessThan(750)
    }))

  it('law: JSON keeps its meaning when its numbers are quoted, and what is none stays none', () => {
    const texts = (value: unknown): unknown =>
      typeof value === 'number'
        ? `\0${JSON.stringify(value)}`
        : Array.isArray(value)
          ? value.map(texts)
          : typeof value === 'object' && value !== null
            ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, texts(member)]))
            : value
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1), (value, indent) => {
        const json = JSON.stringify(value, null, indent)
        expect(JSON.parse(quoteNumbers(json))).toEqual(texts(JSON.parse(json)))
      }),
    )
    const isJson = (text: string): boolean => {
      try {
        JSON.parse(text)
        return true
      } catch {
        return false
      }
    }
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '"a"',
      '1',
      '-',
      '.5',
      'e3',
      '0',
      ' ',
      '\\',
      'true',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 9 }), (parts) => {
        const text = parts.join('')
        expect(isJson(quoteNumbers(text))).toBe(isJson(text))
      }),
      { numRuns: 20_000, seed: 4 },
    )
  })

  it('law: a number of a JSON file is the text that DuckDB makes of it', () =>
    inFolder(async (connection) => {
      const literals = fc.sample(
        fc.oneof(
          fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
          fc.double({ noNaN: true, min: -1e24, max: 1e24 }).map((number) => number.toExponential()),
          fc
            .integer({ min: -999, max: 99_999_999 })
            .map((number) => `${number / 100}0`.replace(/^(-?\d+)0$/, '$1.0')),
          fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
          fc.constantFrom(
            '-0.0',
            '1.50',
            '111.0',
            '1E5',
            '1e-7',
            '1e21',
            '1e22',
            '0.000001',
            '-0',
            '1e400',
            '123456789012345678',
          ),
        ),
        { numRuns: 3000, seed: 3 },
      )
      const json = JSON.stringify(literals.map((literal) => `{"x": ${literal}}`))
      const reader = await connection.runAndReadAll(
        `SELECT json_extract_string(line, '/x') FROM (SELECT unnest(from_json($1, '["VARCHAR"]')) AS line)`,
        [json],
      )
      const differing = reader
        .getRows()
        .map(([text], index) => [literals[index], text, numberLiteral(literals[index]!, 'json')])
        .filter(([, text, ours]) => text !== ours)
      expect(differing).toEqual([])
    }))
})

/** Reads the rows as a file and maps them as JSON; answers how many were accepted. */
const compare = async (
  connection: DuckDBConnection,
  folder: string,
  path: string,
  mapping: AnyMapping,
  sent: readonly string[],
): Promise<number> => {
  const { served, shape, transactions } = await readFile(connection, folder, path, mapping)
  const mapper = await openRowMapper(served, shape)
  try {
    const mapped = await Promise.all(
      sent.map((line) => mapper.map(JSON.parse(quoteNumbers(line))).catch(refusedOnly)),
    )
    const slow = slowExpressions(served, shape)
    const differing = sent.flatMap((row, index) => {
      const file = transactions.get(index + 1)
      return isDeepStrictEqual(mapped[index], file)
        ? []
        : [{ row, mapped: mapped[index], file, mapping, slow }]
    })
    expect(differing).toEqual([])
    return transactions.size
  } finally {
    mapper.close()
  }
}

const refusedOnly = (error: unknown): undefined => {
  if (error instanceof RequestProblemsError) return undefined
  throw error
}

const same = (row: Row): Row => row

/** The numbers of a row as the text that its cells have. */
const textsOf = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'number' ? JSON.stringify(value) : value,
    ]),
  ) as Row

const lineOf = (row: Row): string => `${JSON.stringify(row)}\n`

const csvOf = (names: readonly string[], rows: readonly Row[]): string =>
  [names.join(','), ...rows.map((row) => names.map((name) => cellOf(row[name])).join(','))]
    .join('\n')
    .concat('\n')

const cellOf = (value: unknown): string =>
  value === null || value === undefined
    ? ''
    : `"${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('"', '""')}"`

/** What training reads of a file: accepted transactions by their place. */
const readFile = async (connection: DuckDBConnection, folder: string, path: string, mapping: AnyMapping) => {
  const { zone, disambiguation, amounts, fields, attributes } = mapping
  const settings = { path, order: 'arrival', time_zone: zone, disambiguation, fields, attributes }
  const preparedPath = join(folder, 'prepared.parquet')
  const read = await readSource(
    connection,
    Value.Default(SourceSchema, settings) as SourceSettings,
    { preparedPath, quarantinePath: join(folder, 'quarantine.jsonl') },
    { workingDirectory: folder, work: unwatched(), amounts },
  )
  const hasUsers = (fields as { readonly user_id: string }).user_id !== ''
  const shape = { attributes: read.attributes, hasUsers, amounts }
  return {
    served: JSON.parse(JSON.stringify(read.served)) as SourceMapping,
    shape,
    transactions: await transactionsOf(connection, preparedPath, read.attributes),
  }
}

const transactionsOf = async (
  connection: DuckDBConnection,
  path: string,
  attributes: readonly SourceAttribute[],
): Promise<ReadonlyMap<number, Transaction>> => {
  // Text as its bytes: the library's own decoding takes a byte order mark away.
  const fields = TRANSACTION_FIELDS.map(({ column, kind }) => (isTextKind(kind) ? `hex(${column})` : column))
  const own = attributes.map((attribute) => {
    const column = sqlIdentifier(attributeColumn(attribute.name))
    return isTextAttribute(attribute) ? `hex(${column})` : column
  })
  const reader = await connection.runAndReadAll(
    `SELECT source_row, ${[...fields, ...own].join(', ')} FROM ${sqlLiteral(path)}`,
  )
  const plain = (value: unknown, isText: boolean): unknown =>
    isText ? Buffer.from(String(value), 'hex').toString() : typeof value === 'bigint' ? Number(value) : value
  return new Map(
    reader.getRows().map(([place, ...values]) => {
      const known = TRANSACTION_FIELDS.flatMap(({ name, kind }, index) =>
        values[index] === null ? [] : [[name, plain(values[index], isTextKind(kind))] as const],
      )
      const others = attributes.flatMap((attribute, index) => {
        const value = values[TRANSACTION_FIELDS.length + index]
        return value === null ? [] : [[attribute.name, plain(value, isTextAttribute(attribute))] as const]
      })
      const transaction = {
        ...Object.fromEntries(known),
        ...(others.length > 0 && { attributes: Object.fromEntries(others) }),
      }
      return [Number(place), transaction as unknown as Transaction]
    }),
  )
}

const inFolder = async <T>(
  work: (connection: DuckDBConnection, folder: string) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-mapped-'))
  const database = { threads: 1, memoryLimit: '512MB', tempDirectory: join(folder, 'spill') }
  return withDatabase(database, (connection) => work(connection, folder)).finally(() =>
    rmSync(folder, { recursive: true, force: true }),
  )
}
