import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { SourceSchema, type SourceSettings } from '../../config/sections/source.ts'
import { sqlLiteral, withDatabase } from '../../disk/database.ts'
import { unwatched } from '../../disk/work.ts'
import { type ReadResult, readSource } from '../read-source.ts'

const DAY_MS = 86_400_000
const DELAY_MS = 7 * DAY_MS
const folder = mkdtempSync(join(tmpdir(), 'vigia-label-table-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const day = (n: number): string => new Date(Date.UTC(2026, 0, n)).toISOString()
const dayMs = (n: number): number => Date.UTC(2026, 0, n)

describe('labels of a table', () => {
  it('are those of their transactions: the latest word, and since when it has been said', async () => {
    const { labels, history, result } = await read(
      ['a,1', 'b,1', 'c,1', 'd,1', 'e,1'],
      [
        `a,1,${day(20)}`,
        `b,0,${day(40)}`,
        `b,1,${day(20)}`,
        `c,1,${day(20)}`,
        `c,,${day(30)}`,
        `d,1,${day(20)}`,
        `d,1,${day(25)}`,
        `z,1,${day(20)}`,
      ],
    )
    expect(labels).toEqual({
      a: [1, dayMs(20)],
      b: [0, dayMs(40)],
      c: [null, null],
      d: [1, dayMs(20)],
      e: [null, null],
    })
    expect(history).toEqual([
      ['a', 1, dayMs(20)],
      ['b', 1, dayMs(20)],
      ['b', 0, dayMs(40)],
      ['c', 1, dayMs(20)],
      ['c', null, dayMs(30)],
      ['d', 1, dayMs(20)],
      ['d', 1, dayMs(25)],
    ])
    expect(result.labels).toMatchObject({
      rows: 8,
      usableRows: 8,
      unusable: [],
      matchedRows: 7,
      unmatchedRows: 1,
      transactions: 4,
      corrected: 2,
    })
    expect(result.acceptedFrauds).toBe(2)
  })

  it('come after what the transaction says itself, which is known after the delay where nobody says when', async () => {
    const { labels, history } = await read(
      ['a,1,0', 'b,1,1', 'c,1,0'],
      [`a,1,${day(4)}`, `b,0,${day(30)}`],
      {},
      'transaction_id,user_id,is_fraud,timestamp,amount',
    )
    expect(history).toEqual([
      // The transaction's own word has no time, so it is not later than the first one of the table.
      ['a', 0, dayMs(4)],
      ['a', 1, dayMs(4)],
      ['b', 1, dayMs(1) + DELAY_MS],
      ['b', 0, dayMs(30)],
    ])
    expect(labels).toEqual({ a: [1, dayMs(4)], b: [0, dayMs(30)], c: [0, null] })
  })

  it('come by their times where the transaction says since when its own word was known', async () => {
    const { labels, result } = await read(
      [`a,1,0,${day(9)}`, `b,1,0,${day(2)}`],
      [`a,1,${day(4)}`, `b,1,${day(4)}`],
      {},
      'transaction_id,user_id,is_fraud,labelled_at,timestamp,amount',
    )
    expect(labels).toEqual({ a: [0, dayMs(9)], b: [1, dayMs(4)] })
    expect(result.labels).toMatchObject({ earlyRows: 0 })
  })

  it('that were known before their transaction are counted, as epoch seconds are', async () => {
    const { result } = await read(['a,1', 'b,1'], [`a,1,${dayMs(20) / 1000}`, `b,1,${day(20)}`])
    expect(result.labels).toMatchObject({ earlyRows: 1, usableRows: 2 })
  })

  it('with local times in an hour that a clock change repeats are counted, and so are times without a zone', async () => {
    const madrid = await read(['a,1'], ['a,1,2026-10-25 02:30:00'], { time_zone: 'Europe/Madrid' })
    expect(madrid.result.clockChanges).toEqual([{ name: 'source.labels.known_at', repeated: 1, skipped: 0 }])
    expect(madrid.result.labels).toMatchObject({ isTakenAsUtc: false })
    const typed = "strptime(known_at, '%Y-%m-%d')"
    const labels = { path: join(folder, 'told.csv'), known_at: typed }
    const { result } = await read(['a,1'], ['a,1,2026-01-20'], { labels })
    expect(result.labels).toMatchObject({ isTakenAsUtc: true })
  })

  it('whose columns are named without a file are a mistake', async () => {
    await expect(read(['a,1'], [], { labels: { path: '', is_fraud: "'1'" } })).rejects.toMatchObject({
      code: 'DATASET_SETTING_INVALID',
      message: expect.stringContaining('source.labels.path'),
    })
  })

  it('may be a list of frauds alone, of other columns, in local time', async () => {
    writeFileSync(join(folder, 'chargebacks.csv'), 'txn;reported\na;2026-01-20 01:00:00\n')
    const table = { transaction_id: 'txn', is_fraud: "'1'", known_at: 'reported', delimiter: ';' }
    const { labels } = await read(['a,1', 'b,1'], [], {
      time_zone: 'Europe/Madrid',
      labels: { path: join(folder, 'chargebacks.csv'), ...table },
    })
    expect(labels).toEqual({ a: [1, dayMs(20)], b: [null, null] })
  })

  it('whose rows cannot be used are set aside with their reasons, and none is lost', async () => {
    const { result, quarantine } = await read(
      ['a,1'],
      [`,1,${day(20)}`, 'a,perhaps,', 'a,1,soon', `a,1,${day(20)}`],
    )
    expect(result.labels).toMatchObject({
      rows: 4,
      usableRows: 1,
      unusable: [
        { code: 'transaction_id_missing', rows: 1, frauds: 1 },
        { code: 'label_not_binary', rows: 1, frauds: 0 },
        { code: 'labelled_at_not_readable', rows: 1, frauds: 1 },
      ],
    })
    expect(quarantine.map(({ source_row, reasons }) => [source_row, reasons[0]!.got])).toEqual([
      [1, null],
      [2, 'perhaps'],
      [3, 'soon'],
    ])
  })

  it.each([
    [{ path: 'nowhere.csv' }, 'DATASET_TABLE_UNREADABLE', /source\.labels/],
    [{ is_fraud: 'verdict' }, 'DATASET_TABLE_UNREADABLE', /source\.labels\.is_fraud/],
    [{ known_at: 'now()' }, 'DATASET_TABLE_UNREADABLE', /source\.labels\.known_at/],
  ])('is refused with its setting: %o', async (settings, code, message) => {
    const path = join(folder, 'told.csv')
    const refused = read(['a,1'], [`a,1,${day(20)}`], { labels: { path, ...settings } })
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('are left alone where a file is read to be scored', async () => {
    const { labels, result } = await read(['a,1'], [`a,1,${day(20)}`], {}, undefined, 'if there')
    expect([labels, result.labels]).toEqual([{ a: [null, null] }, undefined])
  })
})

interface Bad {
  readonly source_row: number
  readonly reasons: readonly { readonly code: string; readonly got: string | null }[]
}

/** Transactions of 1 January, and a table of labels beside them. */
const read = async (
  transactions: readonly string[],
  told: readonly string[],
  settings: Partial<SourceSettings> = {},
  header = 'transaction_id,user_id,timestamp,amount',
  labels?: 'if there',
) => {
  const at = (name: string): string => join(folder, name)
  writeFileSync(
    at('bank.csv'),
    `${header}\n${transactions.map((row) => `${row},${day(1)},9.99`).join('\n')}\n`,
  )
  writeFileSync(at('told.csv'), `transaction_id,is_fraud,known_at\n${told.join('\n')}\n`)
  const source = { path: at('bank.csv'), labels: { path: at('told.csv') }, ...settings }
  const outputs = {
    preparedPath: at('prepared.parquet'),
    quarantinePath: at('quarantine.jsonl'),
    labelsPath: at('labels.parquet'),
    labelQuarantinePath: at('labels-quarantine.jsonl'),
  }
  for (const path of Object.values(outputs)) rmSync(path, { force: true })
  const database = { threads: 1, memoryLimit: '500MB', tempDirectory: at('tmp') }
  return withDatabase(database, async (connection) => {
    const result: ReadResult = await readSource(
      connection,
      Value.Default(SourceSchema, source) as SourceSettings,
      outputs,
      { workingDirectory: folder, work: unwatched(), labelDelayMs: DELAY_MS, ...(labels && { labels }) },
    )
    const rowsOf = async (sql: string): Promise<unknown[][]> =>
      (await connection.runAndReadAll(sql)).getRows()
    const prepared = await rowsOf(
      `SELECT transaction_id, is_fraud, labelled_at_ms::DOUBLE FROM ${sqlLiteral(outputs.preparedPath)}`,
    )
    const isTold = result.labels !== undefined
    return {
      result,
      labels: Object.fromEntries(prepared.map(([id, ...label]) => [id, label])),
      history: isTold
        ? await rowsOf(
            `SELECT transaction_id, is_fraud, known_at_ms::DOUBLE FROM ${sqlLiteral(outputs.labelsPath)}`,
          )
        : [],
      quarantine: (isTold ? readFileSync(outputs.labelQuarantinePath, 'utf8') : '')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Bad),
    }
  })
}
