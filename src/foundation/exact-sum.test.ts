import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addSteps, isBeyond, MOST_STEPS, scaleOf, stepsOf, sumWith } from './exact-sum.ts'

const value = fc.oneof(
  fc.integer({ min: -99_999, max: 99_999 }).map((cents) => cents / 100),
  fc.double({ min: -4e15, max: 4e15, noNaN: true }),
)
const values = fc.array(value, { maxLength: 200 })
const steps = (all: readonly number[]): number[] => all.map((one) => stepsOf(one, scaleOf(6)))

test('0.1 and 0.2 are 0.3', () => {
  const words = new Float64Array(2)
  addSteps(words, 0, stepsOf(0.1, 1e6))
  expect(sumWith(words, 0, stepsOf(0.2, 1e6)) / 1e6).toBe(0.3)
})

test('law: the sum is the exact one, rounded once, of any sign and size', () => {
  fc.assert(
    fc.property(values, value, (all, last) => {
      const words = new Float64Array(2)
      for (const one of steps(all)) addSteps(words, 0, one)
      const exact = steps([...all, last]).reduce((total, one) => total + BigInt(one), 0n)
      expect(sumWith(words, 0, stepsOf(last, 1e6))).toBe(Number(exact))
    }),
  )
})

test('law: what comes and goes leaves no trace, in whatever order', () => {
  const histories = values.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all), fc.shuffledSubarray(all, { minLength: all.length })),
  )
  fc.assert(
    fc.property(histories, ([all, gone, otherOrder]) => {
      const [words, expected] = [new Float64Array(2), new Float64Array(2)]
      for (const one of steps([...all, ...gone])) addSteps(words, 0, one)
      for (const one of steps(gone)) addSteps(words, 0, -one)
      for (const one of steps(otherOrder)) addSteps(expected, 0, one)
      expect(words.map((word) => word + 0)).toStrictEqual(expected.map((word) => word + 0))
    }),
  )
})

test('a full ring of the largest values is still exact', () => {
  const words = new Float64Array(2)
  words[0] = (MOST_STEPS / 2 ** 40) * 2 ** 20
  expect(Number.isSafeInteger(words[0] - 1)).toBe(true)
  expect(sumWith(words, 0, -1)).toBe(2 ** 92)
  expect([MOST_STEPS, -MOST_STEPS, MOST_STEPS * 1.1, Number.POSITIVE_INFINITY].map(isBeyond)).toEqual([
    false,
    false,
    true,
    true,
  ])
})
