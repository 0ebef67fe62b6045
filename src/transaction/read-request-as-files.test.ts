import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import { readSource } from '../dataset/read-source.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { AMOUNTS_ABOVE_ZERO, type AmountRules, DEFAULT_AMOUNTS } from './amount-rules.ts'
import { type FieldKind, type RequestField, TRANSACTION_FIELDS } from './fields.ts'
import { PREPARED_COLUMNS, type PreparedColumn } from './prepared-columns.ts'
import { REQUEST_FIELDS, readRequest } from './read-request.ts'
import type { Transaction } from './transaction.ts'

/** Rules of amounts, and how many rows are read by them. */
const RULES: readonly [string, AmountRules, number][] = [
  ['amounts as they are', DEFAULT_AMOUNTS, 6000],
  ['amounts above 0', AMOUNTS_ABOVE_ZERO, 1500],
  ['no decimals, halves to even', { ...DEFAULT_AMOUNTS, decimals: 0, rounding: 'half_even' }, 1500],
  ['three decimals, halves up', { ...DEFAULT_AMOUNTS, decimals: 3, rounding: 'half_up', zero: false }, 1500],
  ['one decimal, cut off', { ...DEFAULT_AMOUNTS, decimals: 1, rounding: 'down', largestMinor: 5e8 }, 1500],
  ['four decimals', { ...DEFAULT_AMOUNTS, decimals: 4, largestMinor: 999_999_999_999_999 }, 1500],
]

/**
 * A transaction is the same whether it comes in a request or in a file: random fields, half of them nonsense,
 * are written as CSV, read by `readSource`, and compared with what `readRequest` makes of the same texts.
 *
 * Two things that only files accept are not made here: SQL's spellings of numbers such as 1_000 in
 * coordinates, and fractions of the last millisecond before 1970, which SQL cuts to 1970.
 */
describe('a request is read as a file is', () => {
  it.each(RULES)('accepts the same rows and gives the same values: %s', async (_, amounts, numRuns) => {
    const rows = fc.sample(row, { numRuns, seed: 7 }).map((fields, index) => ({
      ...fields,
      // Repeated ids are a matter of files alone.
      transaction_id: fields.transaction_id === '' ? '' : `${fields.transaction_id}-${index}`,
    }))
    const fromFile = await readAsFile(rows, amounts)
    const differing = rows.flatMap((fields, index) => {
      const request = acceptedOrNot(fields, amounts)
      const file = fromFile.get(index + 1)
      return isDeepStrictEqual(request, file) ? [] : [{ fields, request, file }]
    })
    expect(differing).toEqual([])
    // Neither side refuses everything or nothing.
    expect(fromFile.size).toBeGreaterThan(numRuns / 6)
    expect(fromFile.size).toBeLessThan((numRuns * 5) / 6)
  })

  it.each(RULES)(
    'a DOUBLE of a file and a number of a request are the same amount: %s',
    async (_, amounts) => {
      const number = fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.double({ min: -1e10, max: 1e10, noNaN: true }),
        fc
          .tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.constantFrom(0, 1, 2, 2, 3, 6))
          .map(([digits, decimals]) => digits / 10 ** decimals),
      )
      const numbers = fc.sample(number, { numRuns: 1500, seed: 7 })
      const nothing = Object.fromEntries(REQUEST_FIELDS.map((field) => [field, ''])) as Row
      const bodies = numbers.map((amount, n) => ({
        transaction_id: `t${n}`,
        user_id: 'u',
        timestamp: '0',
        amount,
      }))
      const rows = bodies.map((body) => ({ ...nothing, ...body, amount: String(body.amount) }))
      const fromFile = await readAsFile(rows, amounts, { amount: 'amount::DOUBLE' })
      const differing = bodies.flatMap((body, index) => {
        const request = acceptedOrNot(body, amounts)
        const file = fromFile.get(index + 1)
        return isDeepStrictEqual(request, file) ? [] : [{ body, request, file }]
      })
      expect(differing).toEqual([])
      expect(fromFile.size).toBeGreaterThan(100)
      expect(fromFile.size).toBeLessThan(1400)
    },
  )
})

type Row = Readonly<Record<RequestField, string>>

const acceptedOrNot = (fields: object, amounts: AmountRules): Transaction | undefined => {
  try {
    return readRequest(fields, { attributes: [], hasUsers: true, amounts })
  } catch {
    return undefined
  }
}

const readAsFile = async (
  rows: readonly Row[],
  amounts: AmountRules,
  mapping: SourceSettings['fields'] = {},
): Promise<ReadonlyMap<number, Transaction>> => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-read-request-'))
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const lines = rows.map((fields) => REQUEST_FIELDS.map((field) => quoted(fields[field])).join(','))
  writeFileSync(join(folder, 'rows.csv'), `${REQUEST_FIELDS.join(',')}\n${lines.join('\n')}\n`)
  const source = Value.Default(SourceSchema, {
    path: 'rows.csv',
    order: 'arrival',
    fields: mapping,
  }) as SourceSettings
  const preparedPath = join(folder, 'prepared.parquet')
  return withDatabase(
    { threads: 1, memoryLimit: '512MB', tempDirectory: join(folder, 'spill') },
    async (connection) => {
      await readSource(
        connection,
        source,
        { preparedPath, quarantinePath: join(folder, 'quarantine.jsonl') },
        { workingDirectory: folder, work: unwatched(), amounts },
      )
      const reader = await connection.runAndReadAll(
        `SELECT source_row, ${PREPARED_NAMES.map(sqlOf).join(', ')} FROM ${sqlLiteral(preparedPath)}`,
      )
      return new Map(
        reader.getRows().map(([sourceRow, ...values]) => [Number(sourceRow), transactionOf(values)]),
      )
    },
  ).finally(() => rmSync(folder, { recursive: true, force: true }))
}

/** Text as its bytes: the library's own decoding takes a byte order mark away. */
const sqlOf = (name: PreparedColumn): string =>
  PREPARED_COLUMNS[name].startsWith('VARCHAR') ? `hex(${name})` : name

const PREPARED_NAMES = TRANSACTION_FIELDS.map(({ column }) => column)
const NAMES = TRANSACTION_FIELDS.map(({ name }) => name)

const transactionOf = (values: readonly unknown[]): Transaction =>
  Object.fromEntries(
    NAMES.flatMap((name, index) => {
      const value = values[index]
      return value === null || value === undefined ? [] : [[name, jsonOf(value)]]
    }),
  ) as unknown as Transaction

const jsonOf = (value: unknown) =>
  typeof value === 'string' ? Buffer.from(value, 'hex').toString() : Number(value)

const digits = (from: number, to: number) => fc.stringMatching(new RegExp(`^[0-9]{${from},${to}}$`))
const two = (most: number) =>
  fc.integer({ min: 0, max: most }).map((number) => String(number).padStart(2, '0'))
const blanks = fc.constantFrom('', '', '', ' ', '\u00a0', '\u2003 ', '\u3000')

/** Mostly good, seldom not, so that a whole row is often accepted. */
const mostly = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 14, arbitrary: good }, { weight: 1, arbitrary: bad })

const words = fc
  .tuple(blanks, fc.string({ unit: 'grapheme', maxLength: 12 }), blanks)
  .map((parts) => parts.join(''))
const text = mostly(
  words,
  fc.oneof(
    fc.constantFrom(
      '\t',
      'a\tb',
      ' \r\n',
      'a \r\n  b ',
      'a  b\n\u00a0',
      '\u000b',
      'x\u007f',
      '\u0001',
      'a\nb',
      '\u0085',
      '\u200b',
      '\ufeff',
    ),
    fc.integer({ min: 250, max: 260 }).map((length) => 'é'.repeat(length)),
    fc.integer({ min: 126, max: 130 }).map((length) => '😀'.repeat(length)),
  ),
)

const zone = mostly(
  fc.oneof(
    fc.constant('Z'),
    fc
      .tuple(fc.constantFrom('+', '-'), two(15), fc.constantFrom('', ':'), two(59))
      .map((parts) => parts.join('')),
    fc.tuple(fc.constantFrom('+', '-'), two(15)).map((parts) => parts.join('')),
  ),
  fc.oneof(
    fc.constantFrom('', 'z', ' Z', '+1', '+01:', '+01:0', 'UTC', '+01:00:00'),
    fc
      .tuple(fc.constantFrom('+', '-'), two(99), fc.constantFrom('', ':'), two(99))
      .map((parts) => parts.join('')),
  ),
)
const fraction = mostly(
  fc.oneof(
    fc.constant(''),
    digits(1, 9).map((all) => `.${all}`),
  ),
  fc.oneof(
    fc.constant('.'),
    digits(10, 12).map((all) => `.${all}`),
  ),
)
const date = mostly(
  fc
    .tuple(
      fc.integer({ min: 1971, max: 9998 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 28 }),
    )
    .map(([year, month, day]) => `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`),
  fc.oneof(
    fc
      .tuple(digits(4, 4), two(13), two(32))
      .map(([year, month, day]) => `${year < '1970' ? '2' : year[0]}${year.slice(1)}-${month}-${day}`),
    fc.constantFrom('2024-02-29', '2100-02-29', '2000-02-29', '2023-02-29', '2026-4-01', '2026-04-31'),
  ),
)
const time = mostly(
  fc.tuple(two(23), two(59), two(59)).map((parts) => parts.join(':')),
  fc.oneof(
    fc.tuple(two(25), two(61), two(61)).map((parts) => parts.join(':')),
    fc.constantFrom('24:00:00', '24:00:01', '23:59:60', '10:00', '1:00:00'),
  ),
)
const white = fc.constantFrom('', '', '', ' ', '\t', '\n ', '\f')
const timestamp = mostly(
  fc
    .tuple(white, date, fc.constantFrom('T', ' '), time, fraction, zone, white)
    .map((parts) => parts.join('')),
  fc.oneof(
    digits(1, 17),
    fc.tuple(white, digits(12, 13), white).map((parts) => parts.join('')),
    words,
  ),
)

const amount = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', '', '+', '-'),
      blanks,
      digits(1, 9),
      fc.constantFrom('', '.', '.5', '.25', '.05', '.990', '.1000'),
    )
    .map(([sign, blank, whole, rest]) => `${blank}${sign}${whole}${rest}${blank}`),
  fc.oneof(
    fc
      .tuple(fc.constantFrom('', '+', '-'), digits(0, 12), fc.constantFrom('', '.'), digits(0, 4))
      .map((parts) => parts.join('')),
    // Every sort of number, the halves of all roundings among them, with and without an exponent.
    fc
      .tuple(
        fc.constantFrom('', '+', '-'),
        fc.constantFrom('', '0', '00', '1', '12', '125', '2', '9', '99', '4611686018427387904', '000'),
        fc.constantFrom('', '.', '.5', '.50', '.05', '.25', '.995', '.500001', '.00049999', '.0000'),
        fc.oneof(
          fc.constant(''),
          fc
            .tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.integer({ min: 0, max: 20 }))
            .map((parts) => parts.join('')),
          fc.constantFrom('e', 'e+', 'e1.5', 'e99999999999', 'E-99999999999', 'e400', 'e-0007'),
        ),
      )
      .map((parts) => parts.join('')),
    fc.constantFrom(
      '1e3',
      '1,5',
      'nan',
      'inf',
      '٣',
      '0',
      '0.00',
      '-0',
      '.5',
      '+.5',
      '.',
      '+',
      '',
      ' ',
      '1 0',
      '\t1',
      '1_0',
      '0x1',
    ),
  ),
)

const degrees = mostly(
  fc.oneof(
    fc.constant(''),
    fc.double({ min: -100, max: 100, noNaN: true }).map(String),
    fc.integer({ min: -90, max: 90 }).map(String),
  ),
  fc.constantFrom(
    '1.',
    '.5',
    '+1.5',
    '1e1',
    '1E+1',
    '1e-400',
    '1e400',
    'nan',
    'inf',
    '-0',
    '00012',
    '.',
    'e5',
    '1,5',
    ' 1.5 ',
    '0x10',
    '1e',
    '91',
    '-180',
    '180.0000001',
    '5d',
    '1e0001',
  ),
)

const BY_KIND: Readonly<Record<FieldKind, fc.Arbitrary<string>>> = {
  id: text,
  category: text,
  place: text,
  time: timestamp,
  amount,
  coordinate: degrees,
}

const row: fc.Arbitrary<Row> = fc.record({
  ...(Object.fromEntries(TRANSACTION_FIELDS.map(({ wire, kind }) => [wire, BY_KIND[kind]])) as {
    readonly [Field in RequestField]: fc.Arbitrary<string>
  }),
  transaction_id: mostly(fc.uuid(), fc.constantFrom('', ' ', 'a\u0000b')),
  // Always good, so that a row of many fields is often accepted.
  merchant_category: fc.constantFrom('', 'food'),
  transaction_type: fc.constantFrom('', 'purchase'),
  device_type: fc.constantFrom('', 'mobile'),
})
