import { expect, test } from 'vitest'
import { createRandom } from '../foundation/random.ts'
import { recencyWeights } from './recency-weights.ts'

test('a row a half-life older counts half', () => {
  const weights = recencyWeights([0, 10, 20], { halfLifeMs: 10 })
  expect(weights[1]! / weights[2]!).toBe(0.5)
  expect(weights[0]! / weights[2]!).toBe(0.25)
})

test('without a half-life all count one', () => {
  expect([...recencyWeights([0, 10, 20], {})]).toEqual([1, 1, 1])
})

test('what is left out weighs nothing, and the others one in the mean', () => {
  const weights = recencyWeights([0, 10, 20, 30], { halfLifeMs: 7, isLeftOut: (timeMs) => timeMs === 20 })
  expect(weights[2]).toBe(0)
  expect(weights[0]! + weights[1]! + weights[3]!).toBeCloseTo(3, 12)
})

test('all left out weigh nothing', () => {
  expect([...recencyWeights([0, 1], { isLeftOut: () => true })]).toEqual([0, 0])
})

test('law: the ratio of two rows depends on the time between them alone', () => {
  const random = createRandom('recency')
  for (let trial = 0; trial < 50; trial++) {
    const times = Float64Array.from({ length: 20 }, () => random.integer(1000))
    const halfLifeMs = 200 + random.integer(500)
    const weights = recencyWeights(times, { halfLifeMs })
    const later = recencyWeights(
      times.map((time) => time + 5000),
      { halfLifeMs },
    )
    times.forEach((time, row) => {
      expect(weights[row]! / weights[0]!).toBeCloseTo(2 ** ((time - times[0]!) / halfLifeMs), 9)
      expect(later[row]).toBeCloseTo(weights[row]!, 12)
    })
  }
})
