import { expect, test } from 'vitest'
import { createRandom } from '../../foundation/random.ts'
import { freeValues } from './chance-of-sets.ts'

test('of values of equal weight all but one are free to differ, whatever the weight', () => {
  expect(freeValuesOf([1, 1, 1, 1])).toBe(3)
  expect(freeValuesOf([9, 9, 9, 9])).toBe(3)
})

test('one value alone is not free, nor is none', () => {
  expect(freeValuesOf([4])).toBe(0)
  expect(freeValuesOf([])).toBe(0)
})

test('rare values beside common ones count for little', () => {
  // (10 + 10 + 1 + 1)² / 202 - 1
  expect(freeValuesOf([100, 100, 1, 1])).toBeCloseTo(1.396, 3)
})

test('law: where values say nothing, the best set of n gains about 2 / π for each, and all told apart 1', () => {
  const random = createRandom(1)
  const draws = 200
  const values = 100
  let best = 0
  let all = 0
  for (let draw = 0; draw < draws; draw++) {
    // Sums of noise of values of weight 1; what they have in common is no difference between them.
    const sums = Array.from({ length: values }, () => random.normal())
    const common = sums.reduce((sum, value) => sum + value, 0) / values
    const rising = sums.map((value) => value - common).sort((a, b) => a - b)
    all += rising.reduce((sum, value) => sum + value * value, 0)
    best += bestPrefixGain(rising)
  }
  expect(all / draws / freeValuesOf(Array(values).fill(1))).toBeCloseTo(1, 1)
  expect(best / draws / freeValuesOf(Array(values).fill(1))).toBeCloseTo(2 / Math.PI, 1)
})

function freeValuesOf(weights: readonly number[]): number {
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
  return freeValues(sum(weights.map(Math.sqrt)), sum(weights))
}

/** Greatest GL² / HL + GR² / HR of a prefix, each value of weight 1 and the sum of all 0. */
function bestPrefixGain(rising: readonly number[]): number {
  let left = 0
  return Math.max(
    ...rising.slice(0, -1).map((value, i) => {
      left += value
      return (left * left) / (i + 1) + (left * left) / (rising.length - i - 1)
    }),
  )
}
