import fc from 'fast-check'
import { expect, test } from 'vitest'
import { profileNumbers } from './reference-profile.ts'
import { rescaledProfile } from './rescaled-profile.ts'

const squared = (value: number): number => value * value

test('law: bins, least and greatest are those of the numbers after the function', () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(numbers, (values) => {
      const made = rescaledProfile(profileNumbers(Float64Array.from(values)), squared)
      const { mean, variance, ...exact } = profileNumbers(Float64Array.from(values, squared))
      expect(made).toMatchObject(exact)
    }),
  )
})

test('mean and variance are nearly those of the numbers, where bins are many', () => {
  const values = Float64Array.from({ length: 10_000 }, (_, at) => at / 10_000)
  const made = rescaledProfile(profileNumbers(values), squared)
  const right = profileNumbers(values.map(squared))
  expect(made.mean).toBeCloseTo(right.mean, 2)
  expect(made.variance).toBeCloseTo(right.variance, 2)
})

test('bins whose edges become equal are one', () => {
  const profile = profileNumbers(Float64Array.of(1, 2, 3, 4))
  const made = rescaledProfile(profile, (value) => Math.floor(value / 2))
  expect(made.edges).toEqual([0, 1, 2])
  expect(made.counts).toEqual([1, 2, 1, 0])
})
