import { expect, test } from 'vitest'
import { firstNames } from './first-names.ts'

test('names as many as are allowed, and counts the rest', () => {
  expect(firstNames([], 2)).toBe('')
  expect(firstNames(['a', 'b'], 2)).toBe('a, b')
  expect(firstNames(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more')
})
