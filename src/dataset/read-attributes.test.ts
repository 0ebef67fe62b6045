import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import type { AttributeSettings } from '../config/sections/source.ts'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { type ReadResult, readSource } from './read-source.ts'

describe('attributes of a source', () => {
  it('become columns of their kind after those of every transaction', async () => {
    const { rows, result } = await readCsv(
      { age: '30.5', browser: ' Firefox ', vip: 'Yes', born: '1955-03-02', note: 'hi' },
      {
        age: { kind: 'number', unit: 'years' },
        browser: { kind: 'category' },
        is_vip: { kind: 'boolean', from: 'vip' },
        born: { kind: 'time' },
        note: { kind: 'text' },
      },
    )
    expect(rows).toEqual([
      {
        attribute_age: 30.5,
        attribute_browser: 'Firefox',
        attribute_is_vip: true,
        attribute_born: BigInt(Date.UTC(1955, 2, 2)),
        attribute_note: 'hi',
      },
    ])
    expect(result.attributes.map(({ name, expression }) => [name, expression])).toEqual([
      ['age', '"age"'],
      ['browser', '"browser"'],
      ['is_vip', '"vip"'],
      ['born', '"born"'],
      ['note', '"note"'],
    ])
  })

  it('whose expression reads what only the label is made of are refused, whatever it makes of it', async () => {
    const path = csvOf([{ id: 'a', Class: '1' }])
    const fields = { is_fraud: 'Class', labelled_at: 'timestamp' }
    const from = "CASE WHEN class = '1' THEN 2 ELSE 3 END"
    await expect(read(path, { odd: { kind: 'number', from } }, fields)).rejects.toMatchObject({
      code: 'DATASET_SETTING_INVALID',
      details: { setting: 'source.attributes.odd.from', got: `${from}, which reads Class` },
    })
    // The time of the label is that of the transaction, which everybody may know.
    const { rows } = await read(path, { digits: { kind: 'number', from: 'length(timestamp)' } }, fields)
    expect(rows).toEqual([{ attribute_digits: 1 }])
  })

  it('that cannot be read send their row to the quarantine, by name', async () => {
    const { rows, quarantine } = await readCsv(
      { age: 'old', vip: 'perhaps', born: '1955', note: 'fine' },
      {
        age: { kind: 'number' },
        vip: { kind: 'boolean' },
        born: { kind: 'time', unreadable: 'quarantine' },
        note: { kind: 'text' },
      },
    )
    // Four digits are milliseconds since 1970: they can be read.
    expect(rows).toEqual([])
    expect(quarantine).toEqual([
      [{ code: 'attribute_not_readable', what: 'attribute not readable', got: 'age, vip' }],
    ])
  })

  it('or count as missing, where that is asked for', async () => {
    const kinds = ['number', 'category', 'boolean', 'time', 'text'] as const
    const long = 'x'.repeat(257)
    const { rows, result } = await readCsv(
      { number: 'old', category: long, boolean: 'perhaps', time: 'soon', text: 'a\u0001b' },
      Object.fromEntries(kinds.map((kind) => [`a_${kind}`, { kind, from: kind, unreadable: 'missing' }])),
    )
    expect(result.quarantinedRows).toBe(0)
    expect(rows).toEqual([Object.fromEntries(kinds.map((kind) => [`attribute_a_${kind}`, null]))])
  })

  it('whose text is too long are quarantined as that of fields is', async () => {
    const { quarantine } = await readCsv({ note: 'x'.repeat(257) }, { note: { kind: 'text' } })
    expect(quarantine[0]!.map(({ code }) => code)).toEqual(['text_not_allowed'])
  })

  it('whose expression fails on some rows leave the others as they are, and are missing where forgiven', async () => {
    const path = csvOf([
      { id: 'a', x: '4', y: '1' },
      { id: 'b', x: 'four', y: '2' },
      { id: 'c', x: '9', y: 'two' },
    ])
    const { rows, quarantine } = await read(path, {
      x: { kind: 'number', from: 'sqrt(CAST(x AS DOUBLE))' },
      y: { kind: 'number', from: 'CAST(y AS INTEGER) + 1', unreadable: 'missing' },
    })
    expect(rows).toEqual([
      { attribute_x: 2, attribute_y: 2 },
      { attribute_x: 3, attribute_y: null },
    ])
    expect(quarantine.map((reasons) => reasons.map(({ code }) => code))).toEqual([['mapping_failed']])
  })

  it('an expression that changes from run to run, asks other tables or finds no column is refused by its name', async () => {
    const path = csvOf([{ x: '1' }])
    const refused = (from: string) => read(path, { x: { kind: 'number', from } })
    await expect(refused('random()')).rejects.toMatchObject({
      code: 'DATASET_EXPRESSION_INVALID',
      details: { setting: 'source.attributes.x.from' },
    })
    await expect(refused('(SELECT 1)')).rejects.toMatchObject({ code: 'DATASET_EXPRESSION_INVALID' })
    await expect(refused('y + 1')).rejects.toMatchObject({
      code: 'DATASET_COLUMN_UNKNOWN',
      details: { setting: 'source.attributes.x.from', got: 'y' },
    })
  })

  it('of a type that its kind cannot have are refused, with what can be', async () => {
    const path = await parquetOf(
      "SELECT 'a' transaction_id, 'u' user_id, 0 AS timestamp, 1 amount, [1] x, true y",
    )
    await expect(read(path, { x: { kind: 'number' } })).rejects.toMatchObject({
      code: 'DATASET_TYPE_UNSUPPORTED',
      details: { setting: 'source.attributes.x', got: 'INTEGER[]', allowed: 'text, numbers, BOOLEAN' },
    })
    await expect(read(path, { y: { kind: 'time' } })).rejects.toMatchObject({
      code: 'DATASET_TYPE_UNSUPPORTED',
      details: { got: 'BOOLEAN' },
    })
  })

  it('a pattern never takes what the label is made of, nor a field that is named without quotes', async () => {
    const path = csvOf([{ v1: '1', amt: '5', Class: 'genuine', known: '2026-02-01T00:00:00Z', v2: '2' }])
    const { result } = await read(
      path,
      { '*': { kind: 'text' } },
      { amount: 'AMT', is_fraud: "Class = 'fraud'", labelled_at: 'coalesce(known, known)' },
    )
    expect(result.attributes.map(({ name }) => name)).toEqual(['v1', 'v2'])
    // A field in other writing is that field; a column beside others in its expression says something else.
    const priced = csvOf([{ 'Home town': 'Soria', fee: '1', rate: '2' }])
    const { result: other } = await read(
      priced,
      { '*': { kind: 'text' } },
      { location: 'upper("Home town")', device_type: 'concat(fee, rate)' },
    )
    expect(other.attributes.map(({ name }) => name)).toEqual(['fee', 'rate'])
  })

  it('are read from JSON by key, and from four hundred columns of Parquet by pattern', async () => {
    const path = file(
      'x.jsonl',
      '{"transaction_id": "a", "user_id": "u", "timestamp": 0, "amount": 1, "age": 3.5, "vip": true, "born": -1}\n',
    )
    const { rows } = await read(path, {
      age: { kind: 'number' },
      vip: { kind: 'boolean' },
      born: { kind: 'time' },
    })
    expect(rows).toEqual([{ attribute_age: 3.5, attribute_vip: true, attribute_born: -1n }])
    const many = Array.from({ length: 400 }, (_, index) => `${index}::DOUBLE AS V${index}`)
    const wide = await parquetOf(
      `SELECT 'a' transaction_id, 'u' user_id, 0 AS timestamp, 1 amount, ${many.join(', ')}`,
    )
    const { rows: wideRows, result } = await read(wide, { 'V*': { kind: 'number' } })
    expect(result.attributes).toHaveLength(400)
    expect(Object.values(wideRows[0]!)).toEqual(Array.from({ length: 400 }, (_, index) => index))
  })
})

type Declared = Readonly<Record<string, AttributeSettings>>

const folder = mkdtempSync(join(tmpdir(), 'vigia-attributes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const database = { threads: 1, memoryLimit: '500MB', tempDirectory: join(folder, 'spill') }
let files = 0

const file = (name: string, content: string): string => {
  const path = join(folder, `${files++}-${name}`)
  writeFileSync(path, content)
  return path
}

/** Rows of a source that are good but for what is given. */
const csvOf = (rows: readonly Readonly<Record<string, string>>[]): string => {
  const all = rows.map(({ id = 'a', ...columns }) => ({
    transaction_id: id,
    user_id: 'u',
    timestamp: '0',
    ...('amt' in columns ? {} : { amount: '1' }),
    ...columns,
  }))
  const lines = all.map((row) =>
    Object.values(row)
      .map((text) => `"${text}"`)
      .join(','),
  )
  return file('x.csv', `${Object.keys(all[0]!).join(',')}\n${lines.join('\n')}\n`)
}

const parquetOf = async (query: string): Promise<string> => {
  const path = join(folder, `${files++}.parquet`)
  await withDatabase(database, (connection) =>
    connection.run(`COPY (${query}) TO ${sqlLiteral(path)} (FORMAT parquet)`),
  )
  return path
}

interface Read {
  readonly result: ReadResult
  /** The columns of attributes. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly quarantine: readonly (readonly {
    readonly code: string
    readonly what: string
    readonly got: string
  }[])[]
}

const readCsv = (row: Readonly<Record<string, string>>, attributes: Declared): Promise<Read> =>
  read(csvOf([row]), attributes)

const read = (path: string, attributes: Declared, fields: SourceSettings['fields'] = {}): Promise<Read> => {
  const outputs = {
    preparedPath: join(folder, 'prepared.parquet'),
    quarantinePath: join(folder, 'quarantine.jsonl'),
  }
  const source = Value.Default(SourceSchema, { path, attributes, fields }) as SourceSettings
  return withDatabase(database, async (connection) => {
    const result = await readSource(connection, source, outputs, {
      workingDirectory: folder,
      work: unwatched(),
    })
    const reader = await connection.runAndReadAll(
      `SELECT COLUMNS('attribute_.*') FROM read_parquet(${sqlLiteral(outputs.preparedPath)})`,
    )
    const lines = readFileSync(outputs.quarantinePath, 'utf8').trim().split('\n').filter(Boolean)
    return {
      result,
      rows: reader.getRowObjects(),
      quarantine: lines.map((line) => (JSON.parse(line) as { reasons: Read['quarantine'][0] }).reasons),
    }
  })
}
