import { expect, test } from 'vitest'
import { rowWeights } from './row-weights.ts'

const TIMES = Float64Array.from([1, 2, 3], (day) => Date.UTC(2026, 0, day, 12))

test('nothing is weighed unless somebody asks for it', () => {
  expect(rowWeights(TIMES, { half_life: null, left_out: [] })).toBeUndefined()
})

test('a day older, with a half-life of a day, counts half', () => {
  const weights = rowWeights(TIMES, { half_life: '1d', left_out: [] })!
  expect(weights[1]! / weights[2]!).toBe(0.5)
  expect(weights[0]! / weights[2]!).toBe(0.25)
})

test('rows of a day that is left out weigh nothing, whatever the hour', () => {
  const times = Float64Array.of(
    Date.UTC(2026, 0, 1, 23, 59),
    Date.UTC(2026, 0, 2),
    Date.UTC(2026, 0, 2, 23, 59),
  )
  expect([...rowWeights(times, { half_life: null, left_out: ['2026-01-02'] })!]).toEqual([1, 0, 0])
})
