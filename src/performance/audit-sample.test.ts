import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { auditEstimate } from './audit-sample.ts'
import { decidedEvent } from './decided-event.test-kit.ts'
import { type DecidedEvent, decidedRows } from './decided-rows.ts'
import { shareWithInterval } from './estimate.ts'
import { simulateBank } from './simulated-bank.test-kit.ts'
import { weightedCount } from './weighted-count.ts'

const golden = JSON.parse(readFileSync('test/golden/performance.json', 'utf8')) as {
  readonly poisson_interval: readonly {
    readonly count: number
    readonly low: number
    readonly high: number
  }[]
  readonly wilson: readonly {
    readonly count: number
    readonly of: number
    readonly interval: readonly [number, number]
  }[]
}

describe('a count from a sample', () => {
  it('has the exact interval of SciPy where propensities are small and equal', () => {
    for (const { count, low, high } of golden.poisson_interval) {
      const estimate = weightedCount(new Float64Array(count).fill(1e-9), 1e9)
      expect(estimate.low * 1e-9).toBeCloseTo(low, 6)
      expect(estimate.high * 1e-9).toBeCloseTo(high, 6)
    }
  })

  it('counts each for 1 / propensity', () => {
    expect(weightedCount([0.5, 0.02, 1], 50).value).toBe(53)
  })

  it('of none found goes to what would be found with 97.5 %: .98^183 is 2.5 %', () => {
    const { value, low, high } = weightedCount([], 50)
    expect([value, low]).toEqual([0, 0])
    expect(high).toBeGreaterThan(182)
    expect(high).toBeLessThan(184)
  })

  it('is certain where all were drawn', () => {
    expect(weightedCount([1, 1, 1], 1)).toEqual({ value: 3, low: 3, high: 3 })
  })

  it('covers counts drawn with unequal propensities in at least 93 % of 400 runs', () => {
    const random = createRandom('unequal')
    const drawn = (frauds: number, propensity: number): number[] =>
      Array.from({ length: frauds }, () => random.next()).flatMap((u) => (u < propensity ? [propensity] : []))
    let inside = 0
    for (let run = 0; run < 400; run++) {
      const { low, high } = weightedCount([...drawn(300, 0.02), ...drawn(100, 0.2)], 50)
      if (low <= 400 && 400 <= high) inside++
    }
    expect(inside / 400).toBeGreaterThanOrEqual(0.93)
  })
})

describe('a share', () => {
  it("has SciPy's Wilson interval", () => {
    for (const { count, of, interval } of golden.wilson) {
      const { low, high } = shareWithInterval(count, of)
      expect(low).toBeCloseTo(interval[0], 12)
      expect(high).toBeCloseTo(interval[1], 12)
    }
  })

  it('of nothing is not known', () => expect(shareWithInterval(0, 0)).toMatchObject({ low: 0, high: 1 }))
})

describe('the audit sample', () => {
  const all = { fromMs: 0, toMs: DAY_MS, asOfMs: 9 * DAY_MS }

  it('finds the recall that labels of alerts and customers do not', () => {
    // 8 flagged frauds; of 1,000 others one in ten was drawn, and one of those drawn is a fraud.
    const rows = decidedRows([
      ...Array<DecidedEvent>(8).fill(told({ flagged: true, label: 1, propensity: 1 })),
      ...Array<DecidedEvent>(99).fill(told({ label: 0, propensity: 0.1 })),
      told({ label: 1, propensity: 0.1 }),
      ...Array<DecidedEvent>(900).fill(told({ label: null, origin: null, knownAtMs: null })),
    ])
    const { found, missed, recall, fraudRate } = auditEstimate(rows, all)
    expect(found.hajek).toEqual({ value: 8, low: 8, high: 8 })
    expect(missed).toMatchObject({ rows: 1000, labelled: 100, frauds: 1, horvitzThompson: 10 })
    expect(recall.value).toBeCloseTo(8 / 18, 12)
    expect(fraudRate.value).toBeCloseTo(18 / 1008, 12)
    // Between 1 and some 52 frauds missed.
    expect(recall.high).toBeCloseTo(8 / (8 + missed.hajek.low), 12)
    expect(recall.low).toBeCloseTo(8 / (8 + missed.hajek.high), 12)
  })

  it('Hájek makes up for labels that are not there yet, Horvitz and Thompson do not', () => {
    const rows = decidedRows([
      ...Array<DecidedEvent>(50).fill(told({ label: 0, propensity: 0.1 })),
      ...Array<DecidedEvent>(5).fill(told({ label: 1, propensity: 0.1 })),
      ...Array<DecidedEvent>(55).fill(told({ label: 0, propensity: 0.1, knownAtMs: 20 * DAY_MS })),
      ...Array<DecidedEvent>(990).fill(told({ label: null, origin: null, knownAtMs: null })),
    ])
    const { missed } = auditEstimate(rows, all)
    expect(missed).toMatchObject({ unanswered: 55, horvitzThompson: 50 })
    expect(missed.hajek.value).toBeCloseTo(100, 9)
  })

  it('is not fooled by customers: their labels for rows that were not drawn do not count', () => {
    const rows = decidedRows([
      ...Array<DecidedEvent>(500).fill(told({ label: 1, origin: 'customer' })),
      ...Array<DecidedEvent>(10).fill(told({ label: 0, propensity: 0.1 })),
    ])
    expect(auditEstimate(rows, all).missed.hajek.value).toBe(0)
  })

  it('knows nothing of a stratum that nobody drew from', () => {
    const rows = decidedRows([
      told({ flagged: true, label: 1, propensity: 1 }),
      told({ label: null, origin: null, knownAtMs: null }),
    ])
    expect(auditEstimate(rows, all).recall).toEqual({ value: Number.NaN, low: 0.5, high: 1 })
    expect(auditEstimate(rows, all).fraudRate).toEqual({ value: Number.NaN, low: 0.5, high: 1 })
  })

  it('an alert without an answer may be either', () => {
    const rows = decidedRows([
      told({ flagged: true, label: 1, propensity: 1 }),
      told({ flagged: true, label: null, origin: null, knownAtMs: null, propensity: 1 }),
    ])
    expect(auditEstimate(rows, all).found.hajek).toMatchObject({ low: 1, high: 2 })
  })

  it('covers the true recall in at least 90 % of 60 banks of two weeks', () => {
    let inside = 0
    for (let seed = 0; seed < 60; seed++) {
      const { rows, truth } = simulateBank({ seed, days: 14, rowsPerDay: 3000 })
      const period = { fromMs: 0, toMs: 14 * DAY_MS, asOfMs: 30 * DAY_MS }
      const { low, high } = auditEstimate(rows, period).recall
      const recall = trueRecall(rows.flagged, truth)
      if (low <= recall && recall <= high) inside++
    }
    expect(inside / 60).toBeGreaterThanOrEqual(0.9)
  })
})

const told = (given: Partial<DecidedEvent>): DecidedEvent => decidedEvent({ origin: 'sample', ...given })

function trueRecall(flagged: Uint8Array, truth: Uint8Array): number {
  let [frauds, found] = [0, 0]
  truth.forEach((isFraud, row) => {
    frauds += isFraud
    found += isFraud * flagged[row]!
  })
  return found / frauds
}
