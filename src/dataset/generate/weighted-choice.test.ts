import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRandom } from '../../foundation/random.ts'
import { weightedChoice } from './weighted-choice.ts'

test('indices come as often as their weights say', () => {
  const draw = weightedChoice([1, 2, 3, 4])
  const random = createRandom(1)
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < 100_000; i++) counts[draw(random)]! += 1
  expect(counts.map((count) => Math.round(count / 1000))).toEqual([10, 20, 30, 40])
})

test('law: an index of weight 0 is never drawn', () => {
  const weights = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true })), {
    minLength: 1,
    maxLength: 50,
  })
  fc.assert(
    fc.property(weights, fc.integer(), (values, seed) => {
      fc.pre(values.some((value) => value > 0))
      const draw = weightedChoice(values)
      const random = createRandom(seed)
      for (let i = 0; i < 200; i++) expect(values[draw(random)]).toBeGreaterThan(0)
    }),
  )
})
