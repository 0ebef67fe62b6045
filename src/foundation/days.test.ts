import { expect, it } from 'vitest'
import { DAY_MS, daysSince } from './days.ts'

it('a day begins with its first millisecond, and there are days before the first', () =>
  expect([...daysSince(1000, Float64Array.of(999, 1000, 1000 + DAY_MS - 1, 1000 + DAY_MS))]).toEqual([
    -1, 0, 0, 1,
  ]))
