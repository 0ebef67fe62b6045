import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../foundation/random.ts'
import { calibrate, conformalQuantile } from './calibrate.ts'
import { type Observations, weekdayOf } from './observations.ts'
import { chartOf, furthestOn } from './series-chart.ts'
import { fitSeriesModel, normalScoreOf, residualsOf } from './series-model.ts'
import { weekdayEffects } from './weekday-effects.ts'

const EFFECTS = [3, -1, 0, 0.5, -0.5, -1, -1]

describe('weekdays', () => {
  it('1970-01-01 was a Thursday', () => expect([0, 3, 4, -1].map(weekdayOf)).toEqual([3, 6, 0, 2]))

  it('are found beside a line in time', () => {
    const series = seriesOf(40, (day) => 7 + 0.3 * day + EFFECTS[weekdayOf(day)]!)
    for (const [weekday, effect] of weekdayEffects(series, allOf(series)).entries())
      expect(effect).toBeCloseTo(EFFECTS[weekday]!, 9)
  })

  it('that do not differ get no effects to speak of', () => {
    const { normal } = createRandom(3)
    const squares = Array.from({ length: 50 }, () => {
      const series = seriesOf(60, normal)
      return weekdayEffects(series, allOf(series)).reduce((sum, effect) => sum + effect * effect, 0)
    })
    // Seven means of noise would have 7 x 1 / 8.6, less the mean of all: .7.
    expect(squares.reduce((sum, square) => sum + square, 0) / 50).toBeLessThan(0.35)
  })

  it('need more than a week, and those without a day are average', () => {
    const short = seriesOf(8, (day) => day)
    expect(weekdayEffects(short, allOf(short))).toEqual(new Float64Array(7))
    const series = seriesOf(60, (day) => (weekdayOf(day) === 0 ? 1 : 0))
    const used = allOf(series).filter((at) => weekdayOf(series.days[at]!) !== 6)
    const effects = weekdayEffects(series, used)
    expect(effects[6]).toBe(0)
    expect(effects[0]! - effects[1]!).toBeCloseTo(1, 9)
  })
})

describe('a model of a series', () => {
  it('expects the weekday and the memory of the day before', () => {
    const { normal } = createRandom(1)
    let level = 0
    const series = seriesOf(300, (day) => {
      level = 0.8 * level + 0.1 * normal()
      return 2 + level + EFFECTS[weekdayOf(day)]!
    })
    const model = fitSeriesModel(series, allOf(series))!
    expect(model.memory).toBeGreaterThan(0.7)
    expect(model.memory).toBeLessThan(0.9)
    expect(model.deviation).toBeCloseTo(0.1, 1)
    expect(model.effects[0]).toBeCloseTo(3, 1)
  })

  it('sees no memory in noise, and judges what grows or wanders by its steps', () => {
    const { normal } = createRandom(2)
    const noise = seriesOf(60, normal)
    expect(fitSeriesModel(noise, allOf(noise))!.memory).toBe(0)
    const growing = seriesOf(60, (day) => day + 0.3 * normal())
    const model = fitSeriesModel(growing, allOf(growing))!
    expect([model.memory, model.constant]).toEqual([1, expect.closeTo(1, 1)])
    const slowly = seriesOf(60, (day) => 0.1 * day + normal())
    expect(fitSeriesModel(slowly, allOf(slowly))!.memory).toBe(1)
    const walks = Array.from({ length: 20 }, () => {
      let level = 0
      const walk = seriesOf(100, () => {
        level += normal()
        return level
      })
      return fitSeriesModel(walk, allOf(walk))!.memory
    })
    expect(walks.reduce((sum, memory) => sum + memory, 0) / 20).toBeGreaterThan(0.9)
  })

  it('never expects less noise than independent rows have', () => {
    const still = seriesOf(30, () => 5, 0.01)
    const model = fitSeriesModel(still, allOf(still))!
    expect(model.deviation).toBe(0.01)
    expect(residualsOf({ ...still, values: still.values.map(() => 5.03) }, model).standard[7]).toBeCloseTo(
      3,
      9,
    )
  })

  it('takes a day with a quarter of the rows for half as sure', () => {
    const { normal } = createRandom(4)
    const series = seriesOf(60, normal)
    const model = fitSeriesModel(series, allOf(series))!
    const [full, thin] = [1, 2].map(
      (noise) => residualsOf({ ...series, noises: series.noises.map(() => noise) }, model).standard[9]!,
    )
    expect(thin! / full!).toBeCloseTo(0.5, 9)
  })

  it('goes on over days without a value, less sure after each', () => {
    const { normal } = createRandom(5)
    const noise = seriesOf(80, normal)
    const fitted = fitSeriesModel(noise, allOf(noise))!
    const model = {
      ...fitted,
      effects: new Float64Array(7),
      memory: 1,
      constant: 1,
    }
    const holed = {
      ...noise,
      values: noise.values.map((value, at) => (at > 70 && at < 75 ? Number.NaN : value)),
    }
    const { standard, expected } = residualsOf(holed, model)
    expect(standard.slice(71, 75)).toEqual(new Float64Array(4).fill(Number.NaN))
    expect(expected[75]).toBeCloseTo(noise.values[70]! + 5, 9)
    expect(standard[75]).toBeCloseTo(
      (noise.values[75]! - expected[75]!) / (model.deviation * Math.sqrt(5)),
      9,
    )
  })

  it('needs ten days', () => {
    const series = seriesOf(30, () => 1)
    expect(fitSeriesModel(series, allOf(series).slice(0, 9))).toBeUndefined()
  })
})

describe('charts', () => {
  const { normal } = createRandom(6)
  const series = seriesOf(60, normal)
  const model = fitSeriesModel(series, allOf(series))!

  it('a small lasting shift is seen by the smoothed one', () => {
    const shifted = { ...series, values: series.values.map((value, at) => (at < 50 ? value : value + 2)) }
    const { smoothed } = chartOf(shifted, model, 0)
    expect(smoothed[59]).toBeGreaterThan(4)
    expect(Math.abs(smoothed[49]!)).toBeLessThan(3)
  })

  it('one wild day raises the jump chart alone, that day', () => {
    const wild = { ...series, values: series.values.map((value, at) => (at === 55 ? 30 : value)) }
    const chart = chartOf(wild, model, 0)
    expect(furthestOn(chart, 55)).toBe(chart.jump[55])
    expect(chart.jump[55]).toBeGreaterThan(20)
    expect(Math.abs(furthestOn(chart, 56))).toBeLessThan(4)
  })

  it('heavy tails make far residuals less', () => {
    const known = JSON.parse(readFileSync('test/golden/drift.json', 'utf8')) as {
      student: { kurtosis: number; x: number[]; z: number[] }[]
    }
    for (const { kurtosis, x, z } of known.student)
      for (const [at, residual] of x.entries()) {
        expect(Math.abs(normalScoreOf(residual, kurtosis) - z[at]!)).toBeLessThan(0.05)
        expect(normalScoreOf(-residual, kurtosis)).toBe(-normalScoreOf(residual, kurtosis))
      }
    expect(normalScoreOf(3, 0)).toBe(3)
  })
})

describe('the limit', () => {
  it('is the conformal quantile', () => {
    const upTo = (n: number) => Array.from({ length: n }, (_, at) => at + 1)
    expect(conformalQuantile(upTo(19), 0.95)).toBe(19)
    expect(conformalQuantile(upTo(39), 0.95)).toBe(38)
    expect(conformalQuantile(upTo(5), 0.95)).toBe(5)
    expect(conformalQuantile([], 0.95)).toBeNaN()
  })

  it('law: a day like the others is beyond with the allowed probability, over all series together', () => {
    // 100 histories of 56 days and 25 series, 4 further days each; some series remember, some grow.
    const { normal } = createRandom(7)
    let beyond = 0
    for (let run = 0; run < 100; run++) {
      const all = Array.from({ length: 25 }, (_, at) => {
        let level = 0
        return seriesOf(60, (day) => {
          level = (at % 5) * 0.2 * level + normal()
          return level + (at % 7 === 0 ? 0.5 * day : 0) + (at % 3) * EFFECTS[weekdayOf(day)]!
        })
      })
      const { models, kurtoses, limit } = calibrate(
        all.map((series) => firstDays(series, 56)),
        0.05,
      )
      for (let at = 56; at < 60; at++) {
        const furthest = all.map((series, of) => furthestOn(chartOf(series, models[of]!, kurtoses[of]!), at))
        if (Math.max(...furthest.map(Math.abs)) > limit) beyond++
      }
    }
    // 400 days at .05 are 20, and 2.5 standard deviations of days in fours at most 16 more.
    expect(beyond).toBeLessThan(36)
    expect(beyond).toBeGreaterThan(5)
  })

  it('from days that were fitted on would be lower', () => {
    const { normal } = createRandom(8)
    const all = Array.from({ length: 30 }, () => seriesOf(42, normal))
    const { models, kurtoses, limit, maxima } = calibrate(all, 0.05)
    const seen = Array.from({ length: 42 }, (_, at) =>
      Math.max(
        ...all.map((series, of) => Math.abs(furthestOn(chartOf(series, models[of]!, kurtoses[of]!), at))),
      ),
    )
    expect(maxima).toHaveLength(42)
    expect(limit).toBeGreaterThan(conformalQuantile(seen, 0.95))
  })

  it('is not set by a series that was wild: that is held against what it has done itself', () => {
    const { normal } = createRandom(9)
    const calm = Array.from({ length: 30 }, () => seriesOf(70, normal))
    const jumps = [20, 33, 34, 47, 61]
    const wild = seriesOf(70, (day) => normal() + (jumps.includes(day) ? 40 : 0))
    const alone = calibrate(calm, 0.05)
    const { limit, widths, maxima } = calibrate([...calm, wild], 0.05)
    expect(maxima).toHaveLength(70)
    // Not quite: its tails are in the mean of all kurtoses.
    expect(limit / alone.limit).toBeGreaterThan(0.9)
    expect(limit / alone.limit).toBeLessThan(1.05)
    expect(widths.slice(0, 30)).toEqual(new Array(30).fill(1))
    const { models, kurtoses } = calibrate([wild], 0.05)
    const seen = chartOf(wild, models[0]!, kurtoses[0]!).jump
    for (const day of jumps) expect(Math.abs(seen[day]!) / widths[30]!).toBeLessThan(limit)
    const further = seriesOf(71, (day) => (day === 70 ? 4000 : (wild.values[day] ?? 0)))
    expect(chartOf(further, models[0]!, kurtoses[0]!).jump[70]! / widths[30]!).toBeGreaterThan(limit)
  })

  it('of a single wild day is nothing of its own: no later day is judged more mildly for it', () => {
    const { normal } = createRandom(10)
    const all = Array.from({ length: 10 }, (_, of) =>
      seriesOf(70, (day) => normal() + (of === 0 && day === 40 ? 40 : 0)),
    )
    expect(calibrate(all, 0.05).widths).toEqual(new Array(10).fill(1))
  })
})

function seriesOf(length: number, valueOn: (day: number) => number, noise = 1e-9): Observations {
  const days = Int32Array.from({ length }, (_, at) => at)
  return { days, values: Float64Array.from(days, valueOn), noises: new Float64Array(length).fill(noise) }
}

function firstDays({ days, values, noises }: Observations, count: number): Observations {
  return { days: days.slice(0, count), values: values.slice(0, count), noises: noises.slice(0, count) }
}

function allOf({ days }: Observations): Int32Array {
  return days.map((_, at) => at)
}
