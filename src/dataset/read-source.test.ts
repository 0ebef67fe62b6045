import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Value } from 'typebox/value'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { unwatched } from '../disk/work.ts'
import { AMOUNTS_ABOVE_ZERO, type AmountRules, DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'
import type { PreparedColumn } from '../transaction/prepared-columns.ts'
import { TransactionSchema } from '../transaction/transaction.ts'
import { type ReadResult, readSource } from './read-source.ts'

const HEADER = 'transaction_id,user_id,timestamp,amount,is_fraud'
const good = (id: string, at = '2026-01-01T10:00:00Z', amount = '12.34') => `${id},u1,${at},${amount},0`

describe('a source becomes a prepared dataset', () => {
  it('maps, converts and sorts by time; equal times keep the order of the source', async () => {
    const { rows } = await read([
      good('c', '2026-01-02T00:00:00Z'),
      good('a'),
      good('b'),
      good('d', '2026-01-01T10:00:00+01:00'),
    ])
    expect(rows.map((row) => [row.arrival, row.transaction_id, row.source_row, row.event_time_ms])).toEqual([
      [0, 'd', 4, Date.parse('2026-01-01T09:00:00Z')],
      [1, 'a', 2, Date.parse('2026-01-01T10:00:00Z')],
      [2, 'b', 3, Date.parse('2026-01-01T10:00:00Z')],
      [3, 'c', 1, Date.parse('2026-01-02T00:00:00Z')],
    ])
  })

  it('keeps the order of the source when that is the order of arrival', async () => {
    const { rows, result } = await read([good('late', '2026-01-02T00:00:00Z'), good('early')], {
      order: 'arrival',
    })
    expect(rows.map((row) => row.transaction_id)).toEqual(['late', 'early'])
    expect(result.outOfOrderRows).toBe(1)
  })

  it.each([
    ['0.01', 1],
    ['12.3', 1230],
    ['12.340000', 1234],
    ['+7', 700],
    [' 8.05 ', 805],
    ['999999999.99', 99999999999],
    ['4.35', 435],
    ['1.15', 115],
    ['0.00', 0],
    ['-0', 0],
    ['-99.00', -9900],
    ['1.00E+07', 1_000_000_000],
    ['-1e-2', -1],
  ])('reads the amount "%s" as exactly %i minor units', async (text, minor) => {
    const { rows } = await read([good('a', undefined, text)])
    expect(rows[0]!.amount_minor).toBe(minor)
  })

  it('reads a DOUBLE of Parquet as the decimal it prints as', async () => {
    const path = await parquetOf(
      "SELECT 'a' transaction_id, 'u' user_id, 1767261600000 AS timestamp, 4.35::DOUBLE amount",
    )
    const { rows } = await read([], {}, path)
    expect(rows[0]).toMatchObject({ amount_minor: 435, event_time_ms: 1767261600000, is_fraud: null })
  })

  it('takes INT96 of Parquet, as Spark writes times, for UTC whatever the zone of the source', async () => {
    // Written by pyarrow with use_deprecated_int96_timestamps; the last row has no time.
    const { result, rows } = await read([], { time_zone: 'America/Lima' }, 'test/golden/int96.parquet')
    const times = ['2026-01-01T12:00:00.123Z', '2026-07-01T12:00:00.000Z'].map((text) => Date.parse(text))
    expect(rows.map((row) => row.event_time_ms)).toEqual(times)
    expect(result).toMatchObject({ takenAsUtc: [], quarantinedRows: 1 })
  })

  it('numbers rows across files and names the file of each quarantined row', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '1.csv'), `${HEADER}\n${good('a')}\n${good('b', 'soon')}\n`)
    writeFileSync(join(folder, '2.csv.gz'), gzipSync(`${HEADER}\n${good('c', 'never')}\n`))
    const { result, quarantine } = await read([], {}, [join(folder, '1.csv'), join(folder, '2.csv.gz')])
    expect(result.files.map((file) => [file.firstRow, file.rows])).toEqual([
      [1, 2],
      [3, 1],
    ])
    expect(quarantine.map((row) => [row.source_row, basename(row.source_file)])).toEqual([
      [2, '1.csv'],
      [3, '2.csv.gz'],
    ])
  })

  it('reads JSON lines by key; a line that is no object is malformed', async () => {
    const path = join(temporaryFolder(), 'x.jsonl')
    writeFileSync(
      path,
      '{"transaction_id":"a","user_id":7,"timestamp":1767261600000,"amount":4.35,"a/b~c":{"d":1}}\n\n{"transaction_id":\n[1]\n',
    )
    const { rows, quarantine } = await read([], { fields: { location: '"a/b~c"' } }, path)
    expect(rows[0]).toMatchObject({ user_id: '7', amount_minor: 435, location: '{"d":1}' })
    expect(quarantine.map((row) => [row.source_row, row.reasons[0]!.code, row.original])).toEqual([
      [2, 'row_malformed', '{"transaction_id":'],
      [3, 'row_malformed', '[1]'],
    ])
  })

  it('reads local time in the configured zone', async () => {
    const { rows } = await read([good('a', '2026-07-01 12:00:00')], { time_zone: 'Europe/Madrid' })
    expect(rows[0]!.event_time_ms).toBe(Date.parse('2026-07-01T10:00:00Z'))
  })

  it('maps columns with blanks, question marks and words of SQL by their names', async () => {
    const path = file(
      'card_transaction.v1.csv',
      'User,order,Time,Amount,Merchant Name,Is Fraud?\n0,t1,2019-01-01T06:21:00Z,134.09,-3527213246127876953,1\n',
    )
    const fields = {
      transaction_id: 'order',
      user_id: 'User',
      timestamp: 'Time',
      merchant_id: 'Merchant Name',
      is_fraud: 'Is Fraud?',
    }
    const { rows, result } = await read([], { fields }, path)
    expect(rows[0]).toMatchObject({
      transaction_id: 't1',
      user_id: '0',
      merchant_id: '-3527213246127876953',
      is_fraud: 1,
    })
    expect(result.mapping).toMatchObject({ merchant_id: '"Merchant Name"', amount: '"Amount"' })
  })

  it('reads amounts, labels and times as they are written in TabFormer and in Europe', async () => {
    const path = file(
      'x.csv',
      'id,User,Time,Amount,Is Fraud?\n1,0,"31/12/2025 23:59","$1,134.09",Yes\n2,0,20260101,$5.00,No\n',
    )
    const fields = {
      transaction_id: 'id',
      user_id: 'User',
      timestamp: "first_time(Time, ['%d/%m/%Y %H:%M', '%Y%m%d'])",
      amount: 'money(Amount)',
      is_fraud: 'yes_no("Is Fraud?")',
    }
    const { rows } = await read([], { fields, time_zone: 'Europe/Madrid' }, path)
    expect(rows.map((row) => [row.event_time_ms, row.amount_minor, row.is_fraud])).toEqual([
      [Date.parse('2025-12-31T22:59:00Z'), 113409, 1],
      [Date.parse('2025-12-31T23:00:00Z'), 500, 0],
    ])
  })

  it('keeps the second column of one name usable, and says so', async () => {
    const header = 'Timestamp,From Bank,Account,To Bank,Account,Amount Received'
    const path = file(
      'HI-Small_Trans.csv',
      `${header}\n2022-09-01T00:20:00Z,010,8000EBD30,011,8000F5340,3697.34\n`,
    )
    const fields = {
      transaction_id: 'source_row',
      user_id: 'Account',
      merchant_id: 'Account_2',
      amount: 'Amount Received',
    }
    const { rows, result } = await read([], { fields }, path)
    expect(rows[0]).toMatchObject({ user_id: '8000EBD30', merchant_id: '8000F5340' })
    expect(result.renamedColumns).toEqual([{ header: 'Account', place: 5, name: 'Account_2' }])
  })

  it('takes a line break or a tab in a quoted text as a blank, and keeps the numbers of the rows after it', async () => {
    const { rows, quarantine } = await read([
      '"a\n1","u\t \r\n  1",2026-01-01T10:00:00Z,1,0',
      'bad',
      '"\n",u,2026-01-01T10:00:00Z,1,0',
      '"b\u000b",u,2026-01-01T10:00:00Z,1,0',
      'c  d,u,2026-01-01T10:00:00Z,1,0',
    ])
    expect(rows.map((row) => [row.source_row, row.transaction_id, row.user_id])).toEqual([
      [1, 'a 1', 'u 1'],
      [5, 'c  d', 'u'],
    ])
    expect(quarantine.map((row) => [row.source_row, row.reasons[0]!.code])).toEqual([
      [2, 'row_malformed'],
      [3, 'transaction_id_missing'],
      [4, 'text_not_allowed'],
    ])
  })

  it('leaves text that looks like code as text', async () => {
    const text = `'); DROP TABLE mapped; --`
    const { rows } = await read([`${text},=1+1,2026-01-01T10:00:00Z,1,0`])
    expect(rows[0]).toMatchObject({ transaction_id: text, user_id: '=1+1' })
  })
})

describe('a row that cannot be used is quarantined with its reasons', () => {
  it.each([
    [',u,2026-01-01T10:00:00Z,1,0', 'transaction_id_missing'],
    ['a, ,2026-01-01T10:00:00Z,1,0', 'user_missing'],
    ['a,u,yesterday,1,0', 'timestamp_not_readable'],
    ['a,u,2026-01-01T10:00:00,1,0', 'timestamp_without_zone'],
    ['a,u, 2019-01-01 00:00:18 ,1,0', 'timestamp_without_zone'],
    ['a,u,2026-02-30T10:00:00,1,0', 'timestamp_not_readable'],
    ['a,u,2026-02-30T10:00:00Z,1,0', 'timestamp_not_readable'],
    ['a,u,1969-12-31T23:59:59Z,1,0', 'timestamp_out_of_range'],
    ['a,u,2026-01-01T10:00:00Z,N/A,0', 'amount_not_a_number'],
    ['a,u,2026-01-01T10:00:00Z,,0', 'amount_not_a_number'],
    ['a,u,2026-01-01T10:00:00Z,1e,0', 'amount_not_a_number'],
    ['a,u,2026-01-01T10:00:00Z,nan,0', 'amount_not_a_number'],
    ['a,u,2026-01-01T10:00:00Z,0.004,0', 'amount_too_precise'],
    ['a,u,2026-01-01T10:00:00Z,1000000000,0', 'amount_too_large'],
    ['a,u,2026-01-01T10:00:00Z,10000000000000,0', 'amount_too_large'],
    // What is wrong with the number itself is told before how large it is.
    ['a,u,2026-01-01T10:00:00Z,-1000000000,0', 'amount_too_large'],
    ['a,u,2026-01-01T10:00:00Z,1000000000.001,0', 'amount_too_precise'],
    ['a,u,2026-01-01T10:00:00Z,1,2', 'label_not_binary'],
    ['a\u0007,u,2026-01-01T10:00:00Z,1,0', 'text_not_allowed'],
    [`${'é'.repeat(257)},u,2026-01-01T10:00:00Z,1,0`, 'text_not_allowed'],
    ['a,u', 'row_malformed'],
    ['a,u,2026-01-01T10:00:00Z,1,0,9', 'row_malformed'],
  ])('%s: %s', async (line, code) => {
    const { result, quarantine } = await read([good('x'), line, good('y')])
    expect(quarantine.map((row) => [row.source_row, row.reasons[0]!.code])).toEqual([[2, code]])
    expect(result.reasons).toEqual([expect.objectContaining({ code, rows: 1 })])
    expect([result.inputRows, result.acceptedRows, result.quarantinedRows]).toEqual([3, 2, 1])
  })

  it('accepts the largest amount that a transaction may have: a cent below a billion', async () => {
    const { rows } = await read(['a,u,2026-01-01T10:00:00Z,999999999.9900,0'])
    expect(rows[0]!.amount_minor).toBe(99_999_999_999)
    expect(TransactionSchema.properties.amountMinor).toMatchObject({ maximum: 999_999_999_999_999 })
  })

  it.each([
    ['0.00', AMOUNTS_ABOVE_ZERO, 'amount_not_positive', 'amount not positive'],
    [
      '-5',
      { ...DEFAULT_AMOUNTS, refunds: false },
      'amount_not_positive',
      'amount below 0 (amounts.refunds is false)',
    ],
    [
      '1.5',
      { ...DEFAULT_AMOUNTS, decimals: 0 },
      'amount_too_precise',
      'amount with too many decimals: no decimals (amounts.rounding is refuse)',
    ],
    [
      '1.2345',
      { ...DEFAULT_AMOUNTS, decimals: 3 },
      'amount_too_precise',
      'amount with too many decimals: at most 3 decimals (amounts.rounding is refuse)',
    ],
    [
      '0.4',
      { ...DEFAULT_AMOUNTS, decimals: 0, rounding: 'half_up', zero: false },
      'amount_not_positive',
      'amount not positive',
    ],
    ['100.01', { ...DEFAULT_AMOUNTS, largestMinor: 10_000 }, 'amount_too_large', 'amount beyond 100.00'],
  ] as const)(
    'by other rules of amounts %s is refused, and why is said',
    async (amount, amounts, code, what) => {
      const path = file('x.csv', `${HEADER}\n${good('a', undefined, amount)}\n`)
      const { result, quarantine } = await read([], {}, path, undefined, amounts)
      expect(result.reasons).toEqual([{ code, what, rows: 1, frauds: 0 }])
      expect(result.amounts).toEqual(amounts)
      expect(quarantine[0]!.reasons).toEqual([{ code, what, got: amount }])
    },
  )

  it('rounds what has more decimals than the currency, when it is told to', async () => {
    const lines = ['2.5', '-3.5', '1e-3', '2.51'].map((amount, n) => good(`t${n}`, undefined, amount))
    const path = file('x.csv', `${HEADER}\n${lines.join('\n')}\n`)
    const amounts = { ...DEFAULT_AMOUNTS, decimals: 0, rounding: 'half_even' as const }
    const { rows } = await read([], {}, path, undefined, amounts)
    expect(rows.map((row) => row['amount_minor'])).toEqual([2, -4, 0, 3])
  })

  it('accepts text of exactly 256 UTF-16 units', async () => {
    const { result } = await read([good('😀'.repeat(128)), good('é'.repeat(256)), good('😀'.repeat(129))])
    expect([result.acceptedRows, result.quarantinedRows]).toEqual([2, 1])
  })

  it('keeps true row numbers and order around malformed rows', async () => {
    const { rows, quarantine } = await read(['bad', good('a'), 'bad', 'bad,', good('b'), good('c')])
    expect(quarantine.map((row) => row.source_row)).toEqual([1, 3, 4])
    expect(rows.map((row) => [row.transaction_id, row.source_row])).toEqual([
      ['a', 2],
      ['b', 5],
      ['c', 6],
    ])
  })

  it('lists every reason, the primary one first, with what came and the original columns', async () => {
    const { quarantine } = await read([good('x'), ',u,soon,1.001,0'])
    expect(quarantine[0]!.reasons.map(({ code, got }) => [code, got])).toEqual([
      ['transaction_id_missing', null],
      ['timestamp_not_readable', 'soon'],
      ['amount_too_precise', '1.001'],
    ])
    expect(quarantine[0]!.original).toEqual({
      transaction_id: null,
      user_id: 'u',
      timestamp: 'soon',
      amount: '1.001',
      is_fraud: '0',
    })
  })

  it('keeps the first good row of a repeated id, also when a bad one with that id stands before it', async () => {
    const { rows, quarantine } = await read([
      good('a', 'soon'),
      good('a'),
      good('a'),
      good('a', undefined, '9'),
    ])
    expect(rows.map((row) => row.source_row)).toEqual([2])
    expect(quarantine.map((row) => row.reasons.at(-1)!.code)).toEqual([
      'timestamp_not_readable',
      'transaction_id_repeated',
      'transaction_id_reused',
    ])
  })

  it('tells a row that came twice from one id for two transactions, whatever differs', async () => {
    const { result, quarantine } = await read([
      good('a'),
      good('a'),
      'a,u1,2026-01-01T10:00:00Z,12.34,1',
      'a,u1,2026-01-01T10:00:00Z,12.34,',
      'a,u2,2026-01-01T10:00:00Z,12.34,0',
    ])
    expect(quarantine.map((row) => [row.source_row, row.reasons[0]!.code])).toEqual([
      [2, 'transaction_id_repeated'],
      [3, 'label_correction'],
      [4, 'label_correction'],
      [5, 'transaction_id_reused'],
    ])
    expect(result.reasons.map(({ code, rows, frauds }) => [code, rows, frauds])).toEqual([
      ['transaction_id_reused', 1, 0],
      ['transaction_id_repeated', 1, 0],
      ['label_correction', 2, 1],
    ])
    // The fraud of the third row is in the first by now.
    expect([result.acceptedFrauds, result.lostFrauds]).toEqual([1, 0])
  })

  it.each([
    ['the later one of two, where no time is said', ['0', '1'], 1],
    ['the last one, though the first said the same', ['0', '1', '0'], 0],
    ['what is said, where a later row says nothing', ['1', ''], 1],
    ['what is said later, where the first row said nothing', ['', '1'], 1],
  ])('takes over the latest label of a row that is repeated: %s', async (_, labels, expected) => {
    const { rows } = await read([
      good('b'),
      ...labels.map((label) => `a,u1,2026-01-01T10:00:00Z,12.34,${label}`),
    ])
    expect(rows.map(({ transaction_id, is_fraud }) => [transaction_id, is_fraud])).toEqual([
      ['b', 0],
      ['a', expected],
    ])
  })

  it.each([
    [
      'the latest time wins, wherever it stands',
      [
        ['1', 20],
        ['0', 12],
      ],
      [1, 20],
    ],
    [
      'a label that is said again is known since the first time',
      [
        ['1', 12],
        ['1', 14],
        ['1', 13],
      ],
      [1, 12],
    ],
    [
      'one that was another meanwhile, since it is so again',
      [
        ['1', 12],
        ['0', 13],
        ['1', 14],
        ['1', 15],
      ],
      [1, 14],
    ],
    [
      'one without a time was known before',
      [
        ['0', 12],
        ['1', null],
      ],
      [0, 12],
    ],
  ] as const)('takes over when the latest label was known: %s', async (_, said, [label, day]) => {
    const time = (of: number | null) => (of === null ? '' : `2026-01-${of}T00:00:00Z`)
    const lines = said.map(([isFraud, at]) => `a,u1,2026-01-01T10:00:00Z,12.34,${isFraud},${time(at)}`)
    const path = file('corrected.csv', `${HEADER},labelled_at\n${lines.join('\n')}\n`)
    const { rows } = await read([], {}, path)
    expect(rows.map(({ is_fraud, labelled_at_ms }) => [is_fraud, labelled_at_ms])).toEqual([
      [label, Date.parse(time(day))],
    ])
  })

  it('counts the frauds of each reason, where the label of the row can be read', async () => {
    const fraud = (id: string, amount: string, label = '1') =>
      `${id},u1,2026-01-01T10:00:00Z,${amount},${label}`
    const { result } = await read([
      fraud('a', '5'),
      fraud('a', '5'),
      fraud('b', 'x'),
      fraud('c', 'x', '0'),
      fraud('d', 'x', 'maybe'),
      fraud('e', '1', 'true,too much'),
      fraud('', 'x', 'TRUE'),
    ])
    expect(result.reasons.map(({ code, rows, frauds }) => [code, rows, frauds])).toEqual([
      ['row_malformed', 1, 0],
      ['transaction_id_missing', 1, 1],
      ['amount_not_a_number', 3, 1],
      ['transaction_id_repeated', 1, 1],
    ])
    // The repetition of an accepted fraud is not lost.
    expect([result.acceptedFrauds, result.lostFrauds]).toEqual([1, 2])
  })

  it('says which typed times have no zone and were read as UTC', async () => {
    const fields = { timestamp: "strptime(timestamp, '%d/%m/%Y %H:%M')", labelled_at: "DATE '2026-02-01'" }
    const lines = [good('a', '03/01/2026 10:00')]
    const { result, rows } = await read(lines, { fields })
    expect(rows[0]!.event_time_ms).toBe(Date.parse('2026-01-03T10:00:00Z'))
    expect(result.takenAsUtc).toEqual(['timestamp', 'labelled_at'])
    expect((await read(lines, { fields, time_zone: 'UTC' })).result.takenAsUtc).toEqual([])
    expect((await read([good('a')])).result.takenAsUtc).toEqual([])
  })

  it('a time of the label without a zone is told as such', async () => {
    const { quarantine } = await read([good('a')], { fields: { labelled_at: "'2026-02-01 10:00:00'" } })
    expect(quarantine[0]!.reasons.map(({ code }) => code)).toEqual(['labelled_at_without_zone'])
  })

  it('quarantines a row on which a mapping expression fails instead of failing as a whole', async () => {
    const { rows, quarantine } = await read([good('a'), good('b', undefined, 'x')], {
      fields: { latitude: 'amount::DOUBLE', amount: "'1'" },
    })
    expect(rows.map((row) => row.latitude)).toEqual([12.34])
    expect(quarantine[0]!.reasons[0]!.code).toBe('mapping_failed')
  })
})

describe('bad input is an error that says what to do', () => {
  it.each([
    ['a missing file', '/nowhere/x.csv', {}, 'DATASET_FILE_MISSING'],
    ['a directory', tmpdir(), {}, 'DATASET_NOT_A_FILE'],
    ['an empty file', () => file('x.csv', ''), {}, 'DATASET_EMPTY'],
    ['a header without rows', () => file('x.csv', `${HEADER}\n`), {}, 'DATASET_EMPTY'],
    ['an empty compressed file', () => file('x.csv.gz', gzipSync('')), {}, 'DATASET_EMPTY'],
    ['a wrong delimiter', () => file('x.csv', 'a;b\n1;2\n'), {}, 'DATASET_WRONG_DELIMITER'],
    [
      'no compression where the name says so',
      () => file('x.csv.gz', 'a,b\n1,2\n'),
      {},
      'DATASET_COMPRESSION_BROKEN',
    ],
    [
      'compression cut short',
      () => file('x.csv.gz', gzipSync(`${HEADER}\n${manyRows}`).subarray(0, 9000)),
      {},
      'DATASET_COMPRESSION_BROKEN',
    ],
    ['a Parquet file that is none', () => file('x.parquet', 'hello'), {}, 'DATASET_FORMAT_BROKEN'],
    ['an unknown ending', () => file('x.xlsx', 'hello'), {}, 'DATASET_FORMAT_UNKNOWN'],
    [
      'another encoding in the header',
      () => file('x.csv', Buffer.from([0x61, 0xf1, 0x2c, 0x62, 10, 0x31, 0x2c, 0x32, 10])),
      {},
      'DATASET_ENCODING',
    ],
    ['a required field without a column', () => file('x.csv', 'a,b\n1,2\n'), {}, 'DATASET_FIELD_UNMAPPED'],
    ['a mapping of a missing column', goodFile, { fields: { amount: 'amuont' } }, 'DATASET_COLUMN_UNKNOWN'],
    ['a mapping that is no SQL', goodFile, { fields: { amount: 'amount +' } }, 'DATASET_EXPRESSION_INVALID'],
    [
      'two statements',
      goodFile,
      { fields: { amount: '1); DROP TABLE x; SELECT (1' } },
      'DATASET_EXPRESSION_INVALID',
    ],
    [
      'a subquery',
      goodFile,
      { fields: { amount: "(SELECT content FROM read_text('/etc/hostname'))" } },
      'DATASET_EXPRESSION_INVALID',
    ],
    ['a clock', goodFile, { fields: { timestamp: 'now()' } }, 'DATASET_EXPRESSION_INVALID'],
    ['a time zone that is none', goodFile, { time_zone: 'Europe/Atlantis' }, 'DATASET_SETTING_INVALID'],
  ] as const)('%s', async (_what, path, settings, code) => {
    await expect(read([], settings, typeof path === 'function' ? path() : path)).rejects.toMatchObject({
      code,
      exitCode: 2,
    })
  })

  it('names the nearest column', async () => {
    await expect(read([], { fields: { amount: 'amuont * 2' } }, goodFile())).rejects.toMatchObject({
      message: expect.stringContaining('names the column "amuont"'),
      fix: 'Correct the name (did you mean "amount"?).',
    })
  })

  it('leaves nothing half written when the disk is full or the run is interrupted', async () => {
    const controller = new AbortController()
    controller.abort()
    await expect(read([], {}, goodFile(), controller.signal)).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})

describe('the examples need configuration and no code', () => {
  it('messy-bank: the quarantine holds exactly the defects that were put in, each with its reason', async () => {
    const folder = resolve('examples/messy-bank')
    const { defects } = JSON.parse(readFileSync(join(folder, 'defects.json'), 'utf8')) as {
      defects: Record<string, number>
    }
    const config = parse(readFileSync(join(folder, 'training_config.yaml'), 'utf8')) as {
      source: SourceSettings
      amounts: Partial<AmountRules>
    }
    const { result, rows, quarantine } = await read(
      [],
      config.source,
      join(folder, config.source.path as string),
      undefined,
      { ...DEFAULT_AMOUNTS, ...config.amounts },
    )
    const quarantined = Object.fromEntries(
      Object.entries(defects).filter(([what]) => !what.includes('(allowed')),
    )
    expect(Object.fromEntries(result.reasons.map(({ what, rows: count }) => [what, count]))).toEqual(
      quarantined,
    )
    expect(quarantine.every((row) => row.reasons.length >= 1)).toBe(true)
    expect(result.acceptedRows + quarantine.length).toBe(5000)
    const all = [
      ...rows,
      ...quarantine.map(
        (row) => ({ merchant_category: row.original.rubro, location: row.original.ciudad }) as Row,
      ),
    ]
    expect(all.filter((row) => row.merchant_category === null)).toHaveLength(
      defects['category missing (allowed)']!,
    )
    expect(all.filter((row) => row.location === null)).toHaveLength(defects['location missing (allowed)']!)
  })
})

type Row = { readonly [C in PreparedColumn]?: unknown }
interface QuarantineRow {
  source_row: number
  source_file: string
  reasons: { code: string; what: string; got: string | null }[]
  original: { readonly rubro?: string | null; readonly ciudad?: string | null }
}

const manyRows = Array.from({ length: 2000 }, (_, index) => `${good(`t${index * 7919}`)}\n`).join('')
const folders: string[] = []
const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-read-'))
  folders.push(folder)
  return folder
}
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, content)
  return path
}
function goodFile(): string {
  return file('x.csv', `${HEADER}\n${good('a')}\n`)
}
const database = { threads: 1, memoryLimit: '500MB', tempDirectory: join(tmpdir(), 'vigia-spill') }

const read = async (
  lines: readonly string[],
  settings: Partial<SourceSettings> = {},
  path: string | readonly string[] = file('x.csv', `${HEADER}\n${lines.join('\n')}\n`),
  signal = new AbortController().signal,
  amounts: AmountRules = DEFAULT_AMOUNTS,
): Promise<{ result: ReadResult; rows: Row[]; quarantine: QuarantineRow[] }> => {
  const folder = temporaryFolder()
  const outputs = {
    preparedPath: join(folder, 'prepared.parquet'),
    quarantinePath: join(folder, 'quarantine.jsonl'),
  }
  const source = Value.Default(SourceSchema, { ...settings, path }) as SourceSettings
  return withDatabase(database, async (connection) => {
    const result = await readSource(connection, source, outputs, {
      workingDirectory: process.cwd(),
      work: { ...unwatched(), signal },
      amounts,
    })
    const reader = await connection.runAndReadAll(`FROM read_parquet(${sqlLiteral(outputs.preparedPath)})`)
    const rows = reader
      .getRowObjects()
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            typeof value === 'bigint' ? Number(value) : value,
          ]),
        ),
      )
    const text = readFileSync(outputs.quarantinePath, 'utf8').trim()
    return { result, rows, quarantine: text === '' ? [] : text.split('\n').map((line) => JSON.parse(line)) }
  })
}

const parquetOf = async (query: string): Promise<string> => {
  const path = join(temporaryFolder(), 'x.parquet')
  await withDatabase(database, (connection) =>
    connection.run(`COPY (${query}) TO ${sqlLiteral(path)} (FORMAT parquet)`),
  )
  return path
}

afterAll(async () => {
  const { rm } = await import('node:fs/promises')
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
})
