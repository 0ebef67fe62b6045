import { describe, expect, it } from 'vitest'
import { literalOf, quoteNumbers, sentReader, shownSent } from './sent-values.ts'

describe('a value of JSON for a column of a type', () => {
  it.each([
    ['TINYINT', ['127', '-128', '5.0', '+1'], ['128', '-129', '5.5', 'x']],
    ['UBIGINT', ['18446744073709551615', '0'], ['-5', '18446744073709551616']],
    ['BIGINT', ['9223372036854775807'], ['9223372036854775808']],
    [
      'DECIMAL(10,2)',
      ['12345678.99', '1.50', '1.500', '12e1', '0.000', '-.5'],
      ['1.555', '0.001', '123456789', '1e8', 'x'],
    ],
    ['DECIMAL(4,3)', ['1.234', '12e-3'], ['12.3', '1e-4']],
    ['DOUBLE', ['1e308', 'NaN', '-inf', '.5'], ['1e400', '-1e309', 'x']],
    ['FLOAT', ['3e38'], ['1e39']],
    [
      'DATE',
      ['2026-03-29', ' 0999-12-31 '],
      ['2026-03-29T23:00:00-05:00', '2026-03-29 10:00:00', '29/03/2026'],
    ],
    ['TIMESTAMP', ['2026-01-31 09:30:00'], ['2026-01-31T09:30:00Z']],
    ['TIMESTAMP WITH TIME ZONE', ['2026-01-31T09:30:00Z'], ['2026-01-31 09:30:00']],
  ] as const)('%s takes what is one as it is, and refuses what it would round or cut', (type, fit, unfit) => {
    const read = sentReader(type, 'parquet')
    expect(fit.map(read)).toEqual(fit)
    for (const text of unfit)
      expect([text, read(text)]).toEqual([text, expect.objectContaining({ what: `is no ${type}` })])
  })

  it('with a decimal comma is no number of JSON, but a whole one', () => {
    const read = sentReader('VARCHAR', 'csv', true)
    const [price, whole, text] = JSON.parse(quoteNumbers('[12.50, 12, "12,50"]')) as unknown[]
    expect(read(price)).toMatchObject({ allowed: expect.stringContaining('"12,50"') })
    expect([whole, text].map(read)).toEqual(['12', '12,50'])
    expect(sentReader('VARCHAR', 'csv')(price)).toBe('12.50')
    expect(sentReader('VARCHAR', 'json')(price)).toBe('12.5')
  })
})

describe('a number that became text', () => {
  it('is known as one, and shown as it was sent', () => {
    const [number, text, list] = JSON.parse(quoteNumbers('[-1.50e3, "7", [1, "1"]]')) as unknown[]
    expect([number, text, list].map(literalOf)).toEqual(['-1.50e3', undefined, undefined])
    expect([number, text, list].map(shownSent)).toEqual(['-1.50e3', '"7"', '[1,"1"]'])
  })

  it('is none when the text only looks like it: it stays text, which no field takes', () => {
    expect(literalOf('\0x')).toBeUndefined()
    expect(sentReader('VARCHAR', 'csv')('\0x')).toBe('\0x')
  })
})
