import { describe, expect, test } from 'vitest'
import { countText, durationText, numberText, VALUE_TEXTS } from './value-texts.ts'

const NOTHING_FITTED = {
  amountBandEdgesMinor: [],
  vocabularies: { merchant_category: [], transaction_type: [], device_type: [] },
}

describe('values for people', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [0.004, 'less than 0.01'],
    [-0.004, 'a little less than 0'],
    [0.25, '0.25'],
    [0.999, '1'],
    [9.44, '9.4'],
    [99.96, '100'],
    [1234.5, '1,235'],
    [-1234567, '-1,234,567'],
    [1e15, 'over 1,000,000,000,000,000'],
    [Number.NEGATIVE_INFINITY, 'under -1,000,000,000,000,000'],
  ])('the number %d is written %s', (value, text) => {
    expect(numberText(value)).toBe(text)
  })

  test.each([
    [1, 'places', '1 place'],
    [2, 'places', '2 places'],
    [0, 'places', '0 places'],
    [0.999, 'places', '1 place'],
    [1, 'transactions per hour', '1 transaction per hour'],
  ])('%d %s are counted as %s', (value, unit, text) => {
    expect(countText(value, unit)).toBe(text)
  })

  test.each([
    [0, '0 seconds'],
    [0.2, '0.2 seconds'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, '1 minute'],
    [3_599, '1 hour'],
    [86_400 * 2.5, '2.5 days'],
    [86_400 * 365, '1 year'],
    [-90, 'minus 1.5 minutes'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text)
  })

  test.each([
    ['currency', 1234567.891, '1,234,567.89'],
    ['currency', 0.001, 'less than 0.01'],
    ['currency', -0.001, '0.00'],
    ['share', 0, '0%'],
    ['share', 1, '100%'],
    ['share', 1e-9, 'less than 0.1%'],
    ['share', 0.99999, 'over 99.9%'],
    ['share', 1 / 3, '33.3%'],
    ['minutes', 1439, '23:59'],
    ['minutes', 1440, '1,440'],
    ['amount band', 0, '1 of 1'],
    ['amount band', 7, '7'],
  ] as const)('as %s, %d is written %s', (name, value, text) => {
    expect(VALUE_TEXTS[name](value, NOTHING_FITTED)).toBe(text)
  })
})
