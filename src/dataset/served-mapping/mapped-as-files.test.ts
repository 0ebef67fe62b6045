import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { SourceSchema, type SourceSettings } from '../../config/sections/source.ts'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../../disk/database.ts'
import { unwatched } from '../../disk/work.ts'
import { type AmountRules, DEFAULT_AMOUNTS } from '../../transaction/amount-rules.ts'
import { attributeColumn, isTextAttribute } from '../../transaction/attributes.ts'
import { isTextKind, TRANSACTION_FIELDS } from '../../transaction/fields.ts'
import { RequestProblemsError } from '../../transaction/request-problem.ts'
import type { SourceMapping } from '../../transaction/source-mapping.ts'
import type { Transaction } from '../../transaction/transaction.ts'
import { readSource } from '../read-source.ts'
import type { SourceAttribute } from '../source-attributes.ts'
import { openRowMapper, slowExpressions } from './row-mapper.ts'
import { quoteNumbers } from './sent-values.ts'

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

describe('a row of JSON is mapped as the same row of a file is', () => {
  it.each(['csv', 'json'] as const)(
    'law: random mappings over random rows, in files of %s',
    async (format) => {
      const accepted: number[] = []
      for (const [index, mapping] of fc.sample(MAPPING, { numRuns: 40, seed: 23 }).entries()) {
        const rows = fc
          .sample(ROW, { numRuns: 60, seed: 100 + index })
          .map((row, place): Row => ({ id: `t${place}`, ...row }))
        accepted.push(await compare(format, mapping, rows))
      }
      // Neither side refuses everything or nothing.
      const all = accepted.reduce((sum, count) => sum + count, 0)
      expect(all).toBeGreaterThan(400)
      expect(all).toBeLessThan(2000)
    },
  )
})

/** Reads the rows as a file and maps them as JSON; answers how many were accepted. */
const compare = (format: 'csv' | 'json', mapping: Mapping, rows: readonly Row[]): Promise<number> =>
  inFolder(async (connection, folder) => {
    const names = Object.keys(rows[0]!)
    const path = `rows.${format}`
    writeFileSync(join(folder, path), format === 'csv' ? csvOf(names, rows) : rows.map(lineOf).join(''))
    const read = await readFile(connection, folder, path, mapping)
    const mapper = await openRowMapper(read.served, read.shape)
    try {
      const sent = rows.map((row, index) => lineOf({ ...row, source_row: index + 1, other: {} }))
      const mapped = await Promise.all(
        sent.map((line) => mapper.map(JSON.parse(quoteNumbers(line, format))).catch(refusedOnly)),
      )
      const slow = slowExpressions(read.served, read.shape)
      const differing = rows.flatMap((row, index) => {
        const file = read.transactions.get(index + 1)
        return isDeepStrictEqual(mapped[index], file)
          ? []
          : [{ row, mapped: mapped[index], file, mapping, slow }]
      })
      expect(differing).toEqual([])
      return read.transactions.size
    } finally {
      mapper.close()
    }
  })

const refusedOnly = (error: unknown): undefined => {
  if (error instanceof RequestProblemsError) return undefined
  throw error
}

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
const readFile = async (connection: DuckDBConnection, folder: string, path: string, mapping: Mapping) => {
  const { zone, amounts, fields, attributes } = mapping
  const settings = { path, order: 'arrival', time_zone: zone, fields, attributes }
  const preparedPath = join(folder, 'prepared.parquet')
  const read = await readSource(
    connection,
    Value.Default(SourceSchema, settings) as SourceSettings,
    { preparedPath, quarantinePath: join(folder, 'quarantine.jsonl') },
    { workingDirectory: folder, work: unwatched(), amounts },
  )
  const shape = { attributes: read.attributes, hasUsers: fields.user_id !== '', amounts }
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
