import { expect, it } from 'vitest'
import { DAY_MS, dayStartOf, daysSince } from './days.ts'

it('a day begins with its first millisecond, and there are days before the first', () =>
  expect([...daysSince(1000, Float64Array.of(999, 1000, 1000 + DAY_MS - 1, 1000 + DAY_MS))]).toEqual([
    -1, 0, 0, 1,
  ]))

it('a text is a day where the calendar has it', () => {
  expect(dayStartOf('2024-02-29')).toBe(Date.UTC(2024, 1, 29))
  for (const text of ['2026-02-29', '2026-02-30', '2026-13-01', '2026-1-1', '2026-01-01T00:00:00Z', ''])
    expect(dayStartOf(text)).toBeUndefined()
})
