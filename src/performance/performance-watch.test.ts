import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { logProbability, midProbability } from './beta-binomial.ts'
import { bettingInterval } from './betting-interval.ts'
import { addScore, averageRunLengthOf, cusumFor } from './cusum.ts'
import { dayBaseline } from './day-baseline.ts'
import type { DayCount } from './day-counts.ts'
import { advance, evidenceOf, newDetector } from './e-detector.ts'
import { lookAtPerformance, newPerformanceWatch } from './performance-watch.ts'
import { newRateWatch, type RateWatch, watchDay } from './rate-watch.ts'
import { FLAGGED_FROM, simulateBank } from './simulated-bank.test-kit.ts'

const golden = JSON.parse(readFileSync('test/golden/performance.json', 'utf8')) as {
  readonly beta_binomial: readonly {
    readonly x: number
    readonly n: number
    readonly alpha: number
    readonly beta: number
    readonly log_pmf: number
  }[]
}

describe('counts of a day', () => {
  it('have the beta-binomial probabilities of SciPy', () => {
    for (const { x, n, alpha, beta, log_pmf } of golden.beta_binomial) {
      const distribution = { rows: n, mean: alpha / (alpha + beta), correlation: 1 / (alpha + beta + 1) }
      expect(logProbability(x, distribution)).toBeCloseTo(log_pmf, 9)
    }
  })

  it('have the cumulative probabilities that these add up to', () => {
    for (const correlation of [0, 0.05]) {
      const distribution = { rows: 60, mean: 0.3, correlation }
      for (const count of [0, 1, 18, 40, 60]) {
        let below = Math.exp(logProbability(count, distribution)) / 2
        for (let fewer = 0; fewer < count; fewer++) below += Math.exp(logProbability(fewer, distribution))
        expect(midProbability(count, distribution)).toBeCloseTo(below, 12)
      }
    }
    // Too unlikely for a double: on the side where it lies.
    expect(midProbability(9000, { rows: 10_000, mean: 0.1, correlation: 0 })).toBe(1)
    expect(midProbability(0, { rows: 10_000, mean: 0.5, correlation: 0 })).toBe(0)
  })

  it('are binomial without correlation', () => {
    expect(logProbability(1, { rows: 2, mean: 0.5, correlation: 0 })).toBeCloseTo(-Math.LN2, 12)
    expect(midProbability(1, { rows: 2, mean: 0.5, correlation: 0 })).toBeCloseTo(0.5, 12)
  })
})

describe('the baseline', () => {
  it('finds how much days differ, and leaves plain chance alone', () => {
    const [calm, wild] = [stationary('calm', 60, 0), stationary('wild', 60, 0.15)].map((days) =>
      dayBaseline(days, 'precision'),
    )
    expect(calm!.correlation).toBeLessThan(0.01)
    // A chance that is .55 or .85 with equal odds: (.15 · .15) / (.7 · .3) = .107.
    expect(wild!.correlation).toBeGreaterThan(0.08)
    expect(wild!.ratioHigh - wild!.ratioLow).toBeGreaterThan(2 * (calm!.ratioHigh - calm!.ratioLow))
  })

  it('is raised where a day tells of the next', () => {
    const days = Array.from({ length: 60 }, (_, day) => countOf(day, 100, day % 20 < 10 ? 60 : 80))
    const mixed = days.map(({ day }) => countOf(day, 100, day % 2 === 0 ? 60 : 80))
    const [blocks, turns] = [dayBaseline(days, ''), dayBaseline(mixed, '')]
    expect(blocks.correlation).toBeGreaterThan(3 * turns.correlation)
  })

  it('needs 14 days', () => {
    expect(() => dayBaseline(stationary(1, 13, 0), 'precision')).toThrow(
      'at least 14 days with labels, precision has 13',
    )
  })
})

describe('the e-detector', () => {
  it('adds one gambler a day: after payoffs 2 and 3 it holds 2 · 3 + 3', () => {
    const once = advance(newDetector(1), [Math.LN2])
    expect(evidenceOf(once)).toBeCloseTo(2, 12)
    expect(evidenceOf(advance(once, [Math.log(3)]))).toBeCloseTo(9, 12)
  })

  it('is the mean of its bets, and does not overflow', () => {
    expect(evidenceOf(advance(newDetector(2), [Math.LN2, Math.log(4)]))).toBeCloseTo(3, 12)
    expect(evidenceOf([5000])).toBeLessThan(Number.POSITIVE_INFINITY)
  })

  it('has the average run length it is asked for, and more: coins that double or vanish', () => {
    const random = createRandom('coins')
    let days = 0
    for (let run = 0; run < 300; run++) {
      let state = newDetector(1)
      do {
        state = advance(state, [Math.log(random.next() < 0.5 ? 1.8 : 0.2)])
        days++
      } while (evidenceOf(state) < 50)
    }
    expect(days / 300).toBeGreaterThan(50)
  })
})

describe('the CUSUM', () => {
  it('has the run lengths of the tables: 336 at 4, 930 at 5 (Montgomery), within 3 %', () => {
    expect(averageRunLengthOf({ slack: 0.5, limit: 4 }) / 336).toBeCloseTo(1, 1)
    expect(averageRunLengthOf({ slack: 0.5, limit: 5 }) / 930).toBeCloseTo(1, 1)
    expect(cusumFor(930).limit).toBeCloseTo(5, 1)
  })

  it('keeps it on normal scores', () => {
    const random = createRandom('cusum')
    const cusum = cusumFor(100)
    let days = 0
    for (let run = 0; run < 400; run++)
      for (let sum = 0; sum < cusum.limit; days++) sum = addScore(cusum, sum, random.normal())
    expect(days / 400).toBeGreaterThan(85)
    expect(days / 400).toBeLessThan(118)
  })

  it('refuses a run length that makes no sense', () => {
    expect(() => cusumFor(1)).toThrow('10 to 1,000,000 days')
  })
})

describe('the watch of one rate', () => {
  const baseline = dayBaseline(stationary('history', 60, 0.06), 'precision')

  it('sees three of ten frauds change sides within 5 days, in at least 19 of 20 cases', () => {
    const seen = Array.from({ length: 20 }, (_, seed) => stationary(`after ${seed}`, 5, 0.06, 0.49))
      .map((after) => mostAfter(newRateWatch(baseline, 'falling', 400), after))
      .filter(({ evidence, cusum }) => evidence >= 400 || cusum >= 1)
    expect(seen.length).toBeGreaterThanOrEqual(19)
  })

  it('says nothing of more frauds when it watches for fewer', () => {
    const better = stationary('better', 20, 0.06, 0.9)
    expect(mostAfter(newRateWatch(baseline, 'falling', 400), better).evidence).toBeLessThan(1)
    expect(mostAfter(newRateWatch(baseline, 'both', 400), better).evidence).toBeGreaterThan(400)
  })

  it('tells which way, what was expected and how far its CUSUM is', () => {
    const [, seen] = watchDay(newRateWatch(baseline, 'both', 400), countOf(0, 100, 20))
    expect(seen).toMatchObject({ day: 0, observed: 20, direction: 'falling' })
    expect(seen.expected).toBeCloseTo(100 * baseline.ratio, 9)
    expect(seen.cusum).toBeGreaterThan(0.5)
  })

  it('refuses a day with more frauds than rows', () => {
    expect(() => watchDay(newRateWatch(baseline, 'both', 400), countOf(7, 5, 6))).toThrow('0 to its 5 rows')
  })
})

describe('the watch of performance', () => {
  const changed = simulateBank({ seed: 8, days: 60, sidesChange: { fromDay: 50, share: 0.3 } })
  const edges = [0.1, FLAGGED_FROM, 0.8]
  const started = newPerformanceWatch(changed.rows, 46 * DAY_MS, { edges })

  it('takes its baselines from days that have settled, and leaves out bands with too few frauds', () => {
    expect(started.rates.map(({ name }) => name)).toEqual([
      'precision',
      'calibration_2',
      'calibration_3',
      'audit_rate',
    ])
    expect(started.rates.find(({ name }) => name === 'precision')!.lastDay).toBe(43)
    expect(started.rates.find(({ name }) => name === 'audit_rate')!.lastDay).toBe(38)
    expect(started.rates.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12)
  })

  it('is quiet before the change and loud within 5 days of labels, and names the precision first', () => {
    const [before, quiet] = lookAtPerformance(started, changed.rows, 52 * DAY_MS)
    expect(quiet.isAlarm).toBe(false)
    const [, loud] = lookAtPerformance(before, changed.rows, 57 * DAY_MS)
    expect(loud.isAlarm).toBe(true)
    expect(loud.rates[0]).toMatchObject({ latest: { direction: 'falling' } })
  })

  it('may be looked at as often as one likes: looks in between change nothing', () => {
    const [, once] = lookAtPerformance(started, changed.rows, 56 * DAY_MS)
    let watch = started
    for (let day = 46; day < 56; day += 0.25) [watch] = lookAtPerformance(watch, changed.rows, day * DAY_MS)
    expect(lookAtPerformance(watch, changed.rows, 56 * DAY_MS)[1].evidence).toBe(once.evidence)
  })

  it('refuses to begin without history', () => {
    expect(() => newPerformanceWatch(changed.rows, 5 * DAY_MS)).toThrow('every rate has fewer')
  })
})

describe('an audit that begins later', () => {
  const bank = simulateBank({ seed: 12, days: 90, rowsPerDay: 4000, auditShare: 0.1 })
  const options = { edges: [], fraudWaitDays: 7, baselineDays: 20 }
  /** The same bank, whose audit draws from a day on. */
  const auditedFrom = (day: number) => {
    const propensities = bank.rows.propensities.map((propensity, row) =>
      bank.rows.flagged[row] === 1 || bank.days[row]! >= day ? propensity : Number.NaN,
    )
    return { ...bank.rows, propensities }
  }
  const namesAt = (fromDay: number, day: number) =>
    newPerformanceWatch(auditedFrom(fromDay), day * DAY_MS, options).rates.map(({ name }) => name)

  it('leaves the fraud rate watched until it has its own baseline, and a day to hold against it', () => {
    expect(namesAt(80, 90)).toEqual(['precision', 'calibration_0', 'fraud_rate'])
    expect(namesAt(60, 81)).toContain('fraud_rate')
    expect(namesAt(40, 90)).toEqual(['precision', 'calibration_0', 'audit_rate'])
  })

  it('does not stop a watch that has begun with the fraud rate', () => {
    const rows = auditedFrom(60)
    const begun = newPerformanceWatch(rows, 58 * DAY_MS, options)
    const [, look] = lookAtPerformance(begun, rows, 85 * DAY_MS)
    expect(look.rates.find(({ name }) => name === 'fraud_rate')!.latest.day).toBe(77)
  })
})

describe('the mean by betting', () => {
  it('is held at all times together, in at least 95 % of 200 runs of 400 looks', () => {
    const random = createRandom('betting')
    let missed = 0
    for (let run = 0; run < 200; run++) {
      const values = Float64Array.from({ length: 400 }, () => (random.next() < 0.3 ? 1 : 0))
      // The interval at the end is within all earlier ones: capital counts by its largest.
      const { low, high } = bettingInterval(values)
      if (low > 0.3 || high < 0.3) missed++
    }
    expect(missed / 200).toBeLessThanOrEqual(0.05)
  })

  it('narrows with what it sees, and asks for no more than values from 0 to 1', () => {
    const random = createRandom(2)
    const shares = Float64Array.from({ length: 300 }, () => 0.6 + 0.1 * random.next())
    const [few, many] = [bettingInterval(shares.subarray(0, 30)), bettingInterval(shares)]
    expect(many.high - many.low).toBeLessThan((few.high - few.low) / 2)
    expect(many.low).toBeLessThan(0.65)
    expect(many.high).toBeGreaterThan(0.65)
    expect(bettingInterval([])).toMatchObject({ low: 0, high: 1 })
  })
})

/** Days of 100 rows, each day's chance `spread` above or below `chance`. */
function stationary(seed: string | number, days: number, spread: number, chance = 0.7): DayCount[] {
  const random = createRandom(seed)
  return Array.from({ length: days }, (_, day) => {
    const today = chance + (random.next() < 0.5 ? spread : -spread)
    return countOf(day, 100, Array.from({ length: 100 }, () => random.next()).filter((u) => u < today).length)
  })
}

function countOf(day: number, rows: number, frauds: number): DayCount {
  return { day, rows, frauds, expected: rows }
}

function mostAfter(watch: RateWatch, days: readonly DayCount[]): { evidence: number; cusum: number } {
  let [after, evidence, cusum] = [watch, 0, 0]
  for (const day of days) {
    const [next, seen] = watchDay(after, day)
    after = next
    evidence = Math.max(evidence, seen.evidence)
    cusum = Math.max(cusum, seen.cusum)
  }
  return { evidence, cusum }
}
