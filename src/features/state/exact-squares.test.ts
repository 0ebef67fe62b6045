import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addSquare, LARGEST_SQUARED_MINOR, removeSquare, squareOf, squaresOf } from './exact-squares.ts'

const amounts = fc.array(fc.integer({ min: 1, max: LARGEST_SQUARED_MINOR }), { maxLength: 200 })

test('the sum is the exact one, rounded once', () => {
  fc.assert(
    fc.property(amounts, (all) => {
      const words = new Float64Array(2)
      for (const amount of all) addSquare(words, 0, amount)
      expect(squaresOf(words, 0)).toBe(Number(all.reduce((sum, amount) => sum + BigInt(amount) ** 2n, 0n)))
    }),
  )
})

test('what was added and taken back leaves no trace', () => {
  fc.assert(
    fc.property(amounts, amounts, (kept, passing) => {
      const words = new Float64Array(2)
      const expected = new Float64Array(2)
      for (const amount of [...passing, ...kept]) addSquare(words, 0, amount)
      for (const amount of passing) removeSquare(words, 0, amount)
      for (const amount of kept) addSquare(expected, 0, amount)
      expect(words).toStrictEqual(expected)
    }),
  )
})

test('a larger amount counts as the largest whose square is exact', () => {
  expect(Number.isSafeInteger(LARGEST_SQUARED_MINOR ** 2)).toBe(true)
  expect(squareOf(LARGEST_SQUARED_MINOR + 1)).toBe(LARGEST_SQUARED_MINOR ** 2)
})
