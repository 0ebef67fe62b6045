import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sqlLiteral, withDatabase } from '../disk/database.ts'
import { createMappingMacros } from './mapping-macros.ts'

describe('money(x) is a plain number', () => {
  it('of signs, brackets, symbols and thousands', async () => {
    const cases = {
      '$1,234.50': '1234.50',
      '-$99.00': '-99.00',
      '($99.00)': '-99.00',
      '$-99.00': '-99.00',
      '$134.09': '134.09',
      ' $0.00 ': '0.00',
      '€ 1,000,000': '1000000',
      '+12.5': '12.5',
      '(1,000)': '-1000',
      '12': '12',
    }
    expect(await each('money', Object.keys(cases))).toEqual(Object.values(cases))
  })

  it('and anything else as it stands: a wrong guess would be another amount', async () => {
    const others = [
      '1,50',
      '1.234,50',
      '$',
      '',
      '12 USD',
      '-($5.00)',
      '--5',
      '1,2345',
      '1e3',
      '12.3.4',
      ' x ',
    ]
    expect(await each('money', others)).toEqual(others)
  })
})

it('yes_no(x) is a label, and anything else as it stands', async () => {
  expect(await each('yes_no', ['Yes', 'y', ' TRUE ', 't', '1'])).toEqual(['1', '1', '1', '1', '1'])
  expect(await each('yes_no', ['No', 'n', 'False', 'F', '0'])).toEqual(['0', '0', '0', '0', '0'])
  expect(await each('yes_no', ['maybe', '', ' 2'])).toEqual(['maybe', '', ' 2'])
})

it('first_time(x, formats) is ISO 8601 by the first format that reads it, and anything else as it stands', async () => {
  const formats = ", ['%d/%m/%Y %H:%M', '%m/%d/%Y %H:%M', '%Y%m%d']"
  expect(
    await each(
      'first_time',
      ['31/12/2025 23:59', '12/31/2025 23:59', '01/02/2025 00:00', ' 20251231 '],
      formats,
    ),
  ).toEqual([
    '2025-12-31T23:59:00.000000',
    '2025-12-31T23:59:00.000000',
    '2025-02-01T00:00:00.000000',
    '2025-12-31T00:00:00.000000',
  ])
  const others = ['soon', '', '31/02/2025 10:00', '2025-12-31T10:00:00Z']
  expect(await each('first_time', others, formats)).toEqual(others)
})

it('epochs are milliseconds; what is no number is missing', async () => {
  expect(await each('epoch_seconds', ['5', '1577836800.25', '1577836800.0009', 'x', '1e30'])).toEqual([
    '5000',
    '1577836800250',
    '1577836800000',
    null,
    null,
  ])
  expect(await each('epoch_microseconds', ['1577836800123456', 'x'])).toEqual(['1577836800123', null])
  expect(await each('epoch_nanoseconds', ['1577836800123456789', 'x'])).toEqual(['1577836800123', null])
})

const folder = mkdtempSync(join(tmpdir(), 'vigia-macros-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a macro makes of each text, as text. */
const each = (macro: string, texts: readonly string[], more = ''): Promise<unknown[]> =>
  withDatabase({ threads: 1, memoryLimit: '200MB', tempDirectory: folder }, async (connection) => {
    await createMappingMacros(connection)
    const rows = texts.map((text, index) => `(${index}, ${sqlLiteral(text)})`).join(', ')
    const reader = await connection.runAndReadAll(
      `SELECT CAST(${macro}(x${more}) AS VARCHAR) FROM (VALUES ${rows}) AS texts(place, x) ORDER BY place`,
    )
    return reader.getRows().map(([value]) => value)
  })
