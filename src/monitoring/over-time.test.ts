import { expect, test } from 'vitest'
import type { DayProfile } from '../drift/profile-book.ts'
import { profileLayoutOf } from '../drift/profile-layout.ts'
import { WindowProfile } from '../drift/window-profile.ts'
import { profileCodes, profileNumbers } from '../model/reference-profile.ts'
import { grownBins, placeOf } from './changed-rows.ts'
import { overTime } from './over-time.ts'

const NUMBERS = Float64Array.from({ length: 100 }, (_, n) => n)
const LAYOUT = profileLayoutOf({
  features: {
    number: profileNumbers(NUMBERS),
    code: profileCodes(Float64Array.from({ length: 100 }, (_, n) => n % 9)),
  },
  score: { profile: profileNumbers(Float64Array.of(0.1, 0.9)) },
})
const [NUMBER, CODE] = LAYOUT.columns as [(typeof LAYOUT.columns)[number], (typeof LAYOUT.columns)[number]]

const dayOf = (day: number, numbers: readonly number[], codes: readonly number[]): DayProfile => {
  const profile = new WindowProfile(LAYOUT)
  const scores = new Float64Array(numbers.length).fill(0.1)
  profile.addColumns([Float64Array.from(numbers), Float64Array.from(codes)], scores)
  return { day, profile }
}

const usual = dayOf(
  1,
  [...NUMBERS],
  [...NUMBERS].map((n) => n % 9),
)

test('a number is its tenths and its median by day, missing values apart; days without rows are left out', () => {
  const later = dayOf(3, [50, 60, Number.NaN, 1e9], [0, 0, 0, 0])
  const empty = { day: 2, profile: new WindowProfile(LAYOUT) }
  expect(overTime(NUMBER, [usual, empty, later])).toEqual([
    { day: 1, missing: 0, kind: 'numeric', p10: 9, median: 49, p90: 89 },
    { day: 3, missing: 0.25, kind: 'numeric', p10: 50, median: 60, p90: 99 },
  ])
  expect(overTime(NUMBER, [dayOf(4, [Number.NaN], [0])])).toEqual([
    { day: 4, missing: 1, kind: 'numeric', p10: null, median: null, p90: null },
  ])
})

test('a code is the shares of the six commonest and of all others, unseen ones among them', () => {
  const [first, second] = overTime(CODE, [usual, dayOf(2, [1, 1, 1, 1], [0, 77, 0, Number.NaN])])
  expect(first).toMatchObject({ day: 1, missing: 0, kind: 'categorical' })
  const shares = (of: typeof first) => (of?.kind === 'categorical' ? of.shares : [])
  expect(shares(first).map(({ code }) => code)).toEqual([0, 1, 2, 3, 4, 5, null])
  expect(shares(first).reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12)
  expect(shares(first)[0]!.share).toBeCloseTo(12 / 100, 12)
  expect(second).toMatchObject({ missing: 0.25 })
  expect(shares(second).map(({ share }) => Number(share.toFixed(6)))).toEqual([
    0.666667, 0, 0, 0, 0, 0, 0.333333,
  ])
})

test('the bins that have grown are where there are more rows than before: high values, a new code, missing ones', () => {
  const grown = (column: typeof NUMBER, day: DayProfile) => grownBins(column, day, [usual])
  const high = grown(NUMBER, dayOf(2, [95, 96, 97, 3], [1, 2, 3, 4]))
  expect([95, 96, 97].every((value) => high.has(placeOf(NUMBER, value)))).toBe(true)
  expect(high.has(placeOf(NUMBER, 3))).toBe(false)
  const unseen = grown(CODE, dayOf(2, [1, 2, 3], [77, 78, 1]))
  expect([...unseen]).toEqual([placeOf(CODE, 77)])
  expect(placeOf(CODE, 77)).toBe(CODE.size - 2)
  const missing = grown(NUMBER, dayOf(2, [Number.NaN, Number.NaN, 4], [1, 1, 1]))
  expect([...missing]).toEqual([placeOf(NUMBER, Number.NaN)])
  expect(placeOf(NUMBER, Number.NaN)).toBe(NUMBER.size - 1)
  expect(grownBins(NUMBER, usual, []).size).toBe(0)
})

test('a value is in the bin that profiles count it in', () => {
  for (const value of [-5, 0, 0.5, 42, 99, 100, 1e300, Number.NaN, Number.POSITIVE_INFINITY]) {
    const { profile } = dayOf(1, [value], [3])
    expect(profile.countsOf(NUMBER)[placeOf(NUMBER, value)]).toBe(1)
  }
})
