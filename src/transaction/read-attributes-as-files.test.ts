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
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { type Attribute, type AttributeKind, type AttributeValues, attributeColumn } from './attributes.ts'
import { readRequest } from './read-request.ts'
import { NO_SHAPE } from './shape.ts'

const KINDS: readonly AttributeKind[] = ['number', 'category', 'boolean', 'time', 'text']

/** Of each kind one whose nonsense is refused, and one whose nonsense counts as missing. */
const ATTRIBUTES: readonly Attribute[] = KINDS.flatMap((kind) => [
  { name: `a_${kind}`, kind },
  { name: `b_${kind}`, kind, unreadable: 'missing' as const },
])

describe('attributes of a request are read as those of a file are', () => {
  it('law: random texts, sense and nonsense, are accepted by both or by neither, with equal values', async () => {
    const rows = fc.sample(row, { numRuns: 6000, seed: 11 })
    const fromFile = await readCsv(rows)
    const differing = rows.flatMap((texts, index) => {
      const request = ofRequest(texts)
      const file = fromFile.get(index + 1)
      return isDeepStrictEqual(request, file) ? [] : [{ texts, request, file }]
    })
    expect(differing).toEqual([])
    // Neither side refuses everything or nothing.
    expect(fromFile.size).toBeGreaterThan(1000)
    expect(fromFile.size).toBeLessThan(5000)
  })

  it.each<[kind: AttributeKind, sql: string, json: unknown, value: unknown]>([
    ['number', '150.0::DOUBLE', 150, 150],
    ['number', '0.1::FLOAT', 0.1, 0.1],
    ['number', '-0.0::DOUBLE', -0, 0],
    ['number', '1e300::DOUBLE', 1e300, 1e300],
    ['number', '12.30::DECIMAL(9, 2)', 12.3, 12.3],
    ['number', '7::TINYINT', 7, 7],
    ['number', '9007199254740993::BIGINT', 9007199254740993n, 9007199254740992],
    ['number', 'true', true, 1],
    ['number', "'NaN'::DOUBLE", null, undefined],
    ['number', "'NaN'::FLOAT", null, undefined],
    ['category', '150.0::DOUBLE', 150, '150'],
    ['category', '-0.0::DOUBLE', -0, '0'],
    ['category', '150.00::DECIMAL(9, 2)', 150, '150'],
    ['category', '9007199254740991::BIGINT', 9007199254740991, '9007199254740991'],
    ['category', 'true', true, 'true'],
    ['category', 'false', false, 'false'],
    ['category', "'NaN'::DOUBLE", null, undefined],
    ['text', "'NaN'::FLOAT", null, undefined],
    ['text', '3::UTINYINT', 3, '3'],
    ['text', 'true', true, 'true'],
    ['boolean', 'true', true, true],
    ['boolean', '0.0::DOUBLE', 0, false],
    ['boolean', '1::DECIMAL(4, 1)', 1, true],
    ['boolean', "'NaN'::DOUBLE", null, undefined],
    ['time', "DATE '1955-03-02'", '1955-03-02', Date.UTC(1955, 2, 2)],
    [
      'time',
      "TIMESTAMP '2026-01-31 09:30:00.25'",
      '2026-01-31T09:30:00.25Z',
      Date.UTC(2026, 0, 31, 9, 30, 0, 250),
    ],
    ['time', "TIMESTAMP '1955-03-02 00:00:00.0009'", '1955-03-02T00:00:00.0009Z', Date.UTC(1955, 2, 2)],
    [
      'time',
      "TIMESTAMP_NS '2026-01-31 09:30:00.123456789'",
      '2026-01-31T09:30:00.123Z',
      Date.UTC(2026, 0, 31, 9, 30, 0, 123),
    ],
    [
      'time',
      "TIMESTAMPTZ '1955-03-02 00:00:00.0009+01'",
      '1955-03-02T00:00:00.0009+01:00',
      Date.UTC(1955, 2, 1, 23),
    ],
    ['time', '-468547200000::BIGINT', -468547200000, -468547200000],
    ['time', '-468547200000::DOUBLE', -468547200000, -468547200000],
    ['time', "'NaN'::DOUBLE", null, undefined],
  ])('%s: %s in Parquet is %s in a request', async (kind, sql, json, value) => {
    const expected = value === undefined ? {} : { x: value }
    const attribute: Attribute = { name: 'x', kind }
    expect(await readParquet(attribute, sql)).toEqual(expected)
    const number = typeof json === 'bigint' ? Number(json) : json
    expect(attributesOf({ x: number }, [attribute])).toEqual(expected)
  })

  it.each<[kind: AttributeKind, sql: string, json: unknown]>([
    ['number', "'Infinity'::DOUBLE", 'Infinity'],
    ['number', "'-Infinity'::FLOAT", '-Infinity'],
    ['boolean', '2::INTEGER', 2],
    ['boolean', '0.5::DOUBLE', 0.5],
    ['time', '0.5::DOUBLE', 0.5],
    ['time', "DATE '0999-12-31'", '0999-12-31'],
    ['time', "TIMESTAMP '10000-01-01 00:00:00'", 253402300800000],
    ['time', "'Infinity'::DOUBLE", 'Infinity'],
    ['category', "repeat('x', 257)", 'x'.repeat(257)],
  ])('%s: %s in Parquet is refused, as %s is in a request', async (kind, sql, json) => {
    const attribute: Attribute = { name: 'x', kind }
    expect(await readParquet(attribute, sql)).toBeUndefined()
    expect(attributesOf({ x: json }, [attribute])).toBeUndefined()
    const forgiving: Attribute = { ...attribute, unreadable: 'missing' }
    expect(await readParquet(forgiving, sql)).toEqual({})
    expect(attributesOf({ x: json }, [forgiving])).toEqual({})
  })
})

type Row = Readonly<Record<string, string>>

/** The attributes of a request; undefined when it is refused. */
const attributesOf = (written: object, attributes: readonly Attribute[]): AttributeValues | undefined => {
  const body = { transaction_id: 't', user_id: 'u', timestamp: 0, amount: 1, attributes: written }
  try {
    return readRequest(body, { ...NO_SHAPE, attributes }).attributes ?? {}
  } catch {
    return undefined
  }
}

const ofRequest = (texts: Row): AttributeValues | undefined => attributesOf(texts, ATTRIBUTES)

const settingsOf = (attributes: readonly Attribute[]) =>
  Object.fromEntries(
    attributes.map(({ name, kind, unreadable }) => [name, { kind, ...(unreadable && { unreadable }) }]),
  )

/** Accepted rows by their number in the file. */
const readCsv = (rows: readonly Row[]): Promise<ReadonlyMap<number, AttributeValues>> =>
  inFolder(async (connection, folder) => {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
    const names = ATTRIBUTES.map(({ name }) => name)
    const lines = rows.map((texts, index) =>
      [`t${index}`, 'u', '0', '1', ...names.map((name) => texts[name]!)].map(quoted).join(','),
    )
    const header = ['transaction_id', 'user_id', 'timestamp', 'amount', ...names].join(',')
    writeFileSync(join(folder, 'rows.csv'), `${header}\n${lines.join('\n')}\n`)
    return readFile(connection, folder, 'rows.csv', ATTRIBUTES)
  })

/** The attribute `x` of a row of Parquet; undefined when it is quarantined. */
const readParquet = (attribute: Attribute, sql: string): Promise<AttributeValues | undefined> =>
  inFolder(async (connection, folder) => {
    const query = `SELECT 't' AS transaction_id, 'u' AS user_id, 0 AS timestamp, 1 AS amount, ${sql} AS x`
    await connection.run(`COPY (${query}) TO ${sqlLiteral(join(folder, 'x.parquet'))} (FORMAT parquet)`)
    return (await readFile(connection, folder, 'x.parquet', [attribute])).get(1)
  })

const inFolder = async <T>(
  work: (connection: DuckDBConnection, folder: string) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-read-attributes-'))
  const database = { threads: 1, memoryLimit: '512MB', tempDirectory: join(folder, 'spill') }
  return withDatabase(database, (connection) => work(connection, folder)).finally(() =>
    rmSync(folder, { recursive: true, force: true }),
  )
}

const readFile = async (
  connection: DuckDBConnection,
  folder: string,
  path: string,
  attributes: readonly Attribute[],
): Promise<ReadonlyMap<number, AttributeValues>> => {
  const settings = { path, order: 'arrival', attributes: settingsOf(attributes) }
  const preparedPath = join(folder, 'prepared.parquet')
  await readSource(
    connection,
    Value.Default(SourceSchema, settings) as SourceSettings,
    { preparedPath, quarantinePath: join(folder, 'quarantine.jsonl') },
    { workingDirectory: folder, work: unwatched() },
  )
  // Text as its bytes: the library's own decoding takes a byte order mark away.
  const columns = attributes.map(({ name, kind }) => {
    const column = attributeColumn(name)
    return kind === 'category' || kind === 'text' ? `hex(${column})` : column
  })
  const reader = await connection.runAndReadAll(
    `SELECT source_row, ${columns.join(', ')} FROM ${sqlLiteral(preparedPath)}`,
  )
  return new Map(
    reader.getRows().map(([sourceRow, ...values]) => [
      Number(sourceRow),
      Object.fromEntries(
        attributes.flatMap(({ name }, index) => {
          const value = values[index]
          return value === null || value === undefined ? [] : [[name, jsonOf(value)]]
        }),
      ),
    ]),
  )
}

const jsonOf = (value: unknown): number | string | boolean => {
  if (typeof value === 'string') return Buffer.from(value, 'hex').toString()
  return typeof value === 'bigint' ? Number(value) : (value as number | boolean)
}

/** Mostly good, seldom not, so that a whole row is often accepted. */
const mostly = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: bad })

const blank = fc.constantFrom('', '', '', '', ' ', '\u00a0', '\u2003 ', '\u3000')
const between = (text: fc.Arbitrary<string>) => fc.tuple(blank, text, blank).map((parts) => parts.join(''))
const nothing = fc.constantFrom('', '', ' ', '\u00a0')

const words = between(fc.string({ unit: 'grapheme', maxLength: 10 }))
const texts = mostly(
  words,
  fc.oneof(
    fc.constantFrom('\t', 'a\tb', 'x\u007f', '\u0001', 'a\nb', '\u0085', '\u200b', '\ufeff'),
    fc.constantFrom('é'.repeat(256), 'é'.repeat(257), '😀'.repeat(128), '😀'.repeat(129)),
  ),
)

const numbers = mostly(
  fc.oneof(
    nothing,
    between(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)),
    between(fc.stringMatching(/^[+-]?[0-9]{1,25}(\.[0-9]{0,25})?$/)),
    between(fc.stringMatching(/^[+-]?\.[0-9]{1,25}([eE][+-]?[0-9]{1,2})?$/)),
  ),
  fc.constantFrom(
    '-0',
    '1.',
    '.5',
    '.',
    '+',
    'e5',
    '1e',
    '1e400',
    '-1e400',
    '1e-400',
    '4.9e-324',
    '1_000',
    '0x10',
    '1,5',
    'nan',
    'NaN',
    'inf',
    '-Infinity',
    '٣',
    '1 0',
    '\t1',
    '1\n',
    '5d',
    '1e+0001',
    '00012',
    '1.7976931348623159e308',
    'true',
  ),
)

const booleans = mostly(
  between(
    fc.constantFrom(
      '',
      'true',
      'TRUE',
      'True',
      't',
      'yes',
      'Y',
      'no',
      'N',
      'f',
      'False',
      '0',
      '1',
      '1.0',
      '0.0',
    ),
  ),
  fc.constantFrom(
    '2',
    '-1',
    '01',
    '1.00',
    'on',
    'off',
    'si',
    'null',
    'ſ',
    'yés',
    'true\t',
    'ＴＲＵＥ',
    'İ',
    '+1',
    '-0',
  ),
)

const two = (least: number, most: number) =>
  fc.integer({ min: least, max: most }).map((number) => String(number).padStart(2, '0'))
const days = mostly(
  fc
    .tuple(fc.integer({ min: 1000, max: 9998 }), two(1, 12), two(1, 28))
    .map(([year, month, day]) => `${year}-${month}-${day}`),
  fc.oneof(
    fc.constantFrom(
      '0999-12-31',
      '9999-12-31',
      '2024-02-29',
      '2023-02-29',
      '1900-02-29',
      '2000-02-29',
      '2026-4-01',
    ),
    fc.tuple(two(0, 99), two(0, 99), two(0, 14), two(0, 33)).map(([a, b, m, d]) => `${a}${b}-${m}-${d}`),
  ),
)
const zones = mostly(
  fc.oneof(
    fc.constant('Z'),
    fc
      .tuple(fc.constantFrom('+', '-'), two(0, 15), fc.constantFrom('', ':'), two(0, 59))
      .map((parts) => parts.join('')),
  ),
  fc.constantFrom('', 'z', ' Z', '+1', 'UTC', '+01'),
)
const instants = fc
  .tuple(
    days,
    fc.constantFrom('T', ' '),
    mostly(
      fc.tuple(two(0, 23), two(0, 59), two(0, 59)).map((parts) => parts.join(':')),
      fc.constantFrom('24:00:00', '24:00:01', '23:59:60', '10:00'),
    ),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,9}$/)),
    zones,
  )
  .map((parts) => parts.join(''))
const white = fc.constantFrom('', '', '', '', ' ', '\t', '\n ', '\f', '\u00a0')
const times = mostly(
  fc.oneof(
    nothing,
    between(days),
    instants,
    fc.stringMatching(/^-?[0-9]{10,13}$/),
    fc.tuple(white, fc.oneof(days, instants), white).map((parts) => parts.join('')),
  ),
  fc.oneof(
    fc.stringMatching(/^[+-]?[0-9]{1,17}$/),
    fc.constantFrom(
      '-',
      '--1',
      '- 1',
      '-0',
      'today',
      'epoch',
      'infinity',
      '-infinity',
      '1955-03-02T00:00:00.0009Z',
      '20260101',
    ),
    words,
  ),
)

const BY_KIND: Readonly<Record<AttributeKind, fc.Arbitrary<string>>> = {
  number: numbers,
  category: texts,
  boolean: booleans,
  time: times,
  text: texts,
}

const row: fc.Arbitrary<Row> = fc.record(
  Object.fromEntries(ATTRIBUTES.map(({ name, kind }) => [name, BY_KIND[kind]])),
)
