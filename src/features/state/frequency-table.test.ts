import { expect, test } from 'vitest'
import { countValue, findValue } from './frequency-table.ts'
import { DIMENSION, DIMENSION_WORDS } from './layout.ts'

test('a value becomes the usual one by being seen strictly more often', () => {
  const table = tableOf(2)
  expect([11, 22, 22, 11].map(table.see)).toEqual([11, 11, 22, 22])
})

test('at the bound the value unseen longest makes room; how many were ever seen is kept', () => {
  const table = tableOf(2)
  for (const token of [11, 22, 11, 33]) table.see(token)
  expect(table.tokens()).toEqual([11, 33])
  expect([table.header(DIMENSION.ever), table.header(DIMENSION.total)]).toEqual([3, 3])
})

test('when the usual value is forgotten the commonest left takes its place', () => {
  const table = tableOf(2)
  for (const token of [11, 11, 22, 33]) table.see(token)
  expect(table.see(33)).toBe(33)
})

/** A table of `capacity` values behind its header. `see` counts a value and says which is the usual one. */
const tableOf = (capacity: number) => {
  const data = new Float64Array(DIMENSION_WORDS + 3 * capacity)
  data[DIMENSION.capacity] = capacity
  const header = (word: number): number => data[word]!
  let sequence = 0
  return {
    header,
    tokens: () => [...data.subarray(DIMENSION_WORDS, DIMENSION_WORDS + header(DIMENSION.size))],
    see: (token: number): number => {
      const entry = findValue(data, DIMENSION_WORDS, header(DIMENSION.size), token)
      countValue(data, 0, DIMENSION_WORDS, token, entry, sequence++)
      return data[DIMENSION_WORDS + header(DIMENSION.usual)]!
    },
  }
}
