import { expect, test } from 'vitest'
import { metricValueFromWire, numberFromWire, numberToWire } from './wire-numbers.ts'

test.each([0, -0.5, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  'law: %d comes back as it was',
  (value) => {
    expect(metricValueFromWire(JSON.parse(JSON.stringify(numberToWire(value))))).toBe(value)
  },
)

test('the largest doubles are how an SQL store keeps infinities', () => {
  expect(metricValueFromWire(1.7976931348623157e308)).toBe(Number.POSITIVE_INFINITY)
  expect(metricValueFromWire(-1.7976931348623157e308)).toBe(Number.NEGATIVE_INFINITY)
})

test('64-bit numbers may be texts, and zeros are left out', () => {
  expect([numberFromWire('1790000000000'), numberFromWire(5), numberFromWire(undefined)]).toEqual([
    1_790_000_000_000, 5, 0,
  ])
})
