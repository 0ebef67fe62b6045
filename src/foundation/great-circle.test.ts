import { expect, test } from 'vitest'
import { greatCircleKm } from './great-circle.ts'

test('a quarter of the equator is a quarter of the circumference', () => {
  expect(greatCircleKm(0, 0, 0, 90)).toBeCloseTo((2 * Math.PI * 6371.0088) / 4, 6)
})

test('Madrid to Barcelona is about 505 km', () => {
  expect(greatCircleKm(40.4168, -3.7038, 41.3874, 2.1686)).toBeCloseTo(505.4, -1)
})

test('a place is 0 km from itself, and a missing coordinate gives NaN', () => {
  expect(greatCircleKm(40, -3, 40, -3)).toBe(0)
  expect(greatCircleKm(Number.NaN, -3, 40, -3)).toBeNaN()
})
