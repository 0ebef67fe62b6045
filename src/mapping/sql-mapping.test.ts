import { describe, expect, it } from 'vitest'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import type { Attribute } from '../transaction/attributes.ts'
import type { SourceMapping } from '../transaction/source-mapping.ts'
import {
  openMappingDatabase,
  openSqlMapping,
  type RowTexts,
  type SqlMapping,
  type SqlRow,
} from './sql-mapping.ts'
import { SqlQueue } from './sql-queue.ts'

type Texts = Readonly<Record<string, string>>

const mappingOfColumns = (types: Texts, attributes: Texts = {}): SourceMapping => ({
  version: 1,
  format: 'parquet',
  timeZone: '',
  columns: Object.entries(types).map(([name, type]) => ({ name, type })),
  fields: {},
  attributes,
})

const mappingOf = (attributes: Texts, types: Texts) => {
  const mapping = mappingOfColumns(types, attributes)
  const texts = Object.keys(attributes).map((name): Attribute => ({ name, kind: 'text' }))
  return openSqlMapping({ mapping, amounts: DEFAULT_AMOUNTS, fields: [], attributes: texts })
}

const textsOf = (texts: Readonly<Record<string, string | null>>): RowTexts => new Map(Object.entries(texts))

/** The values of rows. */
const valuesOf = (rows: readonly SqlRow[]) => rows.map(({ values }) => values.map(({ value }) => value))

describe('the database of mappings', () => {
  it('has one thread, little memory, no files and locked settings', async () => {
    const settings = [
      'threads',
      'enable_external_access',
      'lock_configuration',
      'temp_directory',
      'memory_limit',
    ]
    const { connection, close } = await openMappingDatabase(mappingOfColumns({ a: 'VARCHAR' }))
    const asked = settings.map((name) => `CAST(current_setting('${name}') AS VARCHAR)`).join(', ')
    const reader = await connection.runAndReadAll(`SELECT ${asked}`)
    expect(reader.getRows()).toEqual([['1', 'false', 'true', '', expect.stringMatching(/^24\d\.\d MiB$/)]])
    close()
  })

  it('takes a row as a parameter, whatever it looks like', async () => {
    const mapping = await mappingOf({ x: `concat('<', a, '>')` }, { a: 'VARCHAR' })
    const evil = [
      `'); DROP TABLE source_rows; --`,
      `"]]', '[]')`,
      '\\',
      '$1',
      '\u0000',
      '\ufeffmark',
      '😀',
      '',
    ]
    const rows = await mapping.run(evil.map((a) => textsOf({ a })))
    expect(valuesOf(rows)).toEqual(evil.map((text) => [`<${text}>`]))
    mapping.close()
  })

  it('names columns whose text is no value of their type', async () => {
    const mapping = await mappingOf(
      { x: 'CAST(day AS VARCHAR)', y: 'concat(a, u)' },
      { day: 'DATE', a: 'VARCHAR', u: 'UUID' },
    )
    const rows = await mapping.run([
      textsOf({ day: '2026-02-30', a: 'x', u: 'none' }),
      textsOf({ day: '2026-02-28', a: 'x', u: null }),
    ])
    expect(rows.map(({ misfits }) => misfits)).toEqual([['day', 'u'], []])
    mapping.close()
  })

  it('computes more parts than one statement has', async () => {
    const entries = Array.from({ length: 150 }, (_, index) => [`x${index}`, `concat(a, '${index}')`])
    const mapping = await mappingOf(Object.fromEntries(entries), { a: 'VARCHAR' })
    const rows = await mapping.run([textsOf({ a: 'p' }), textsOf({ a: 'q' })])
    expect(valuesOf(rows)).toEqual(['p', 'q'].map((a) => entries.map((_, index) => `${a}${index}`)))
    mapping.close()
  })

  it.each(['STRUCT(a INTEGER)', 'BLOB', 'VARCHAR[]', 'VARCHAR); DROP TABLE x; --'])(
    'has no column of %s',
    async (type) => {
      await expect(mappingOf({ x: 'a' }, { a: type })).rejects.toThrow('The column a')
    },
  )
})

describe('rows that come at the same time', () => {
  it('go together, and one that makes the statement fail fails alone', async () => {
    const statements: number[] = []
    let isClosed = false
    const mapping: SqlMapping = {
      run: async (rows) => {
        statements.push(rows.length)
        await Promise.resolve()
        if (rows.some((texts) => texts.get('a') === 'bad')) throw new Error('a bad row')
        return rows.map((texts) => ({
          values: [{ value: texts.get('a')!, reason: null, got: null }],
          misfits: [],
        }))
      },
      close: () => {
        isClosed = true
      },
    }
    const queue = new SqlQueue(mapping)
    const answers = ['p', 'bad', 'q'].map((a) => queue.map(textsOf({ a })))
    const settled = Promise.allSettled(answers)
    queue.close()
    expect(isClosed).toBe(false)
    expect(await settled).toMatchObject([
      { value: { values: [{ value: 'p' }] } },
      { reason: { message: 'a bad row' } },
      { value: { values: [{ value: 'q' }] } },
    ])
    expect(statements).toEqual([3, 1, 2, 1, 1])
    await new Promise(setImmediate)
    expect(isClosed).toBe(true)
  })
})
