import { expect, test } from 'vitest'
import { earlierDeviation, relativeTo, standardDeviation } from './statistics.ts'

test('1, 2 and 3 have a sample standard deviation of 1', () => {
  expect(standardDeviation(3, 6, 14)).toBe(1)
})

test('values that are all alike, and fewer than two, have none', () => {
  expect([standardDeviation(3, 21, 147), standardDeviation(1, 7, 49), standardDeviation(0, 0, 0)]).toEqual([
    0, 0, 0,
  ])
})

test('4 lies two deviations above 1, 2 and 3; without spread the distance is 0', () => {
  expect([earlierDeviation(4, 3, 6, 14), earlierDeviation(9, 3, 21, 147)]).toEqual([2, 0])
})

test('6 is twice the mean of 2 and 4; with nothing to compare it is 1', () => {
  expect([relativeTo(6, 6, 2), relativeTo(6, 0, 0)]).toEqual([2, 1])
})

test('where nothing but 0 was paid there is nothing to compare with either', () => {
  expect([relativeTo(6, 0, 3), relativeTo(0, 0, 3), relativeTo(0, 6, 2)]).toEqual([1, 1, 0])
})

test('a sum that is not known makes what is computed from it missing', () => {
  const unknown = Number.NaN
  expect([
    standardDeviation(3, unknown, 14),
    earlierDeviation(4, 3, unknown, 14),
    relativeTo(6, unknown, 2),
  ]).toEqual([unknown, unknown, unknown])
})
