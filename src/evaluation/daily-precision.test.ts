import { describe, expect, it } from 'vitest'
import { dailyPrecision, perfectDailyPrecision } from './daily-precision.ts'

describe('precision at the top k entities a day', () => {
  it('ranks an entity by its highest score and counts it once', () => {
    // Entity 1 scores .9 and .8 and is genuine, entity 2 scores .7 and is compromised: of the top two, one.
    const rows = rowsOf([0, 1, 0.9, 0], [0, 1, 0.8, 0], [0, 2, 0.7, 1], [0, 3, 0.6, 1])
    expect(dailyPrecision(rows, 2)).toEqual({ mean: 0.5, days: [{ day: 0, precision: 0.5, compromised: 2 }] })
  })

  it('an entity is compromised by any fraud of the day, not only by its highest score', () => {
    expect(dailyPrecision(rowsOf([0, 1, 0.9, 0], [0, 1, 0.1, 1]), 1).mean).toBe(1)
  })

  it('an entity that was found leaves the later days, so the next in line is looked at', () => {
    const rows = rowsOf([0, 1, 0.9, 1], [1, 1, 0.9, 1], [1, 2, 0.5, 1])
    expect(dailyPrecision(rows, 1).days).toEqual([
      { day: 0, precision: 1, compromised: 1 },
      { day: 1, precision: 1, compromised: 1 },
    ])
  })

  it('an entity that was looked at and found genuine stays', () => {
    const rows = rowsOf([0, 1, 0.9, 0], [1, 1, 0.9, 0], [1, 2, 0.5, 1])
    expect(dailyPrecision(rows, 1).mean).toBe(0)
  })

  it('a day with fewer than k entities still divides by k', () => {
    expect(dailyPrecision(rowsOf([0, 1, 0.9, 1]), 4).mean).toBe(0.25)
  })

  it('is the mean of the days, whatever their order in the rows', () => {
    const rows = rowsOf([5, 1, 0.9, 0], [2, 2, 0.9, 1])
    expect(dailyPrecision(rows, 1)).toEqual({
      mean: 0.5,
      days: [
        { day: 2, precision: 1, compromised: 1 },
        { day: 5, precision: 0, compromised: 0 },
      ],
    })
  })

  it('of a perfect model is exceeded only by finding first who is not compromised again', () => {
    // On the first day 0, 1 and 2 are compromised, on the second 0 and 1 again; two are looked at a day.
    const rows = {
      days: Int32Array.of(0, 0, 0, 1, 1),
      entities: Uint32Array.of(0, 1, 2, 0, 1),
      labels: new Uint8Array(5).fill(1),
    }
    expect(perfectDailyPrecision(rows, 2)).toBe((1 + 0) / 2)
    const lucky = { ...rows, scores: Float64Array.of(1, 0, 1, 1, 1) }
    expect(dailyPrecision(lucky, 2).mean).toBe((1 + 0.5) / 2)
  })

  it('has no value without rows', () => expect(dailyPrecision(rowsOf(), 1).mean).toBeNaN())

  it('a perfect model finds what there is to find: one of two looked at on day 0, none on day 1', () => {
    const rows = rowsOf([0, 1, 0, 1], [0, 2, 0, 0], [1, 1, 0, 1])
    expect(perfectDailyPrecision(rows, 2)).toBe(0.25)
  })
})

/** Rows of day, entity, score and label. */
const rowsOf = (...rows: readonly (readonly [number, number, number, number])[]) => ({
  days: Int32Array.from(rows, ([day]) => day),
  entities: Uint32Array.from(rows, ([, entity]) => entity),
  scores: Float64Array.from(rows, ([, , score]) => score),
  labels: Uint8Array.from(rows, ([, , , label]) => label),
})
