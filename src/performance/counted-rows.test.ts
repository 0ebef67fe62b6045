import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../foundation/days.ts'
import { createRandom } from '../foundation/random.ts'
import { auditEstimate } from './audit-sample.ts'
import { cohortsOf, maturityCurves } from './cohorts.ts'
import { fraudRateByDay } from './day-counts.ts'
import { type DecidedRows, UNKNOWN } from './decided-rows.ts'
import { expectedFigures } from './expected-figures.ts'
import { moneyFigures } from './money-figures.ts'
import { DEFAULT_WATCH, historyOfRates, newPerformanceWatch } from './performance-watch.ts'
import { simulateBank } from './simulated-bank.test-kit.ts'

const bank = simulateBank({ seed: 'counted', days: 40, rowsPerDay: 400 }).rows
const asOfMs = 40 * DAY_MS

/** Each row's number of decisions: more than one only where nobody drew it, flagged it or told of it. */
const random = createRandom('counts')
const counts = Float64Array.from(bank.labels, (label, row) =>
  label === UNKNOWN && bank.flagged[row] === 0 ? 1 + random.integer(4) : 1,
)

/** Rows that stand for several decisions, and the same decisions written out. */
const counted: DecidedRows = {
  ...bank,
  counts,
  amountsMinor: bank.amountsMinor.map((amount, row) => amount * counts[row]!),
}
const places = [...counts].flatMap((times, row) => Array<number>(times).fill(row))
const writtenOut: DecidedRows = {
  decidedAtMs: Float64Array.from(places, (row) => bank.decidedAtMs[row]!),
  scores: Float64Array.from(places, (row) => bank.scores[row]!),
  flagged: Uint8Array.from(places, (row) => bank.flagged[row]!),
  amountsMinor: Float64Array.from(places, (row) => bank.amountsMinor[row]!),
  segments: Uint32Array.from(places, (row) => bank.segments[row]!),
  segmentNames: bank.segmentNames,
  labels: Uint8Array.from(places, (row) => bank.labels[row]!),
  knownAtMs: Float64Array.from(places, (row) => bank.knownAtMs[row]!),
  origins: Uint8Array.from(places, (row) => bank.origins[row]!),
  propensities: Float64Array.from(places, (row) => bank.propensities[row]!),
}

describe('a row that stands for several decisions', () => {
  it('is the same as each of them by itself: in money, in the audit and in counts of days', () => {
    expect(places.length).toBeGreaterThan(2 * counts.length)
    const window = { asOfMs, fromMs: 0, toMs: 30 * DAY_MS }
    expect(moneyFigures(counted, window)).toEqual(moneyFigures(writtenOut, window))
    expect(auditEstimate(counted, window)).toEqual(auditEstimate(writtenOut, window))
    const days = { asOfMs, fraudWaitDays: 5 }
    expect(fraudRateByDay(counted, days)).toEqual(fraudRateByDay(writtenOut, days))
  })

  it('is the same in cohorts, but for the rounding of means', () => {
    const curves = maturityCurves(bank, { asOfMs, horizonDays: 40 })
    const [a, b] = [counted, writtenOut].map((rows) =>
      cohortsOf(rows, { asOfMs, firstMs: 0, cohortDays: 7, curves, random: createRandom(1), draws: 50 }),
    )
    expect(a!.filter(({ projected }) => projected !== null).length).toBeGreaterThan(3)
    a!.forEach((cohort, at) => {
      const other = b![at]!
      expect([cohort.rows, cohort.flagged, cohort.observed]).toEqual([
        other.rows,
        other.flagged,
        other.observed,
      ])
      expect(cohort.knownShare.missed).toBeCloseTo(other.knownShare.missed, 10)
      expect(cohort.projected === null).toBe(other.projected === null)
      if (cohort.projected === null) return
      for (const figure of ['recall', 'averagePrecision'] as const)
        expect(cohort.projected[figure].value).toBeCloseTo(other.projected![figure].value, 10)
    })
  })

  it('is the same without labels', () => {
    const { frauds, recall, precision, averagePrecision } = expectedFigures(
      counted.scores,
      counted.flagged,
      counts,
    )
    const other = expectedFigures(writtenOut.scores, writtenOut.flagged)
    expect(frauds).toBeCloseTo(other.frauds, 8)
    expect(recall).toBeCloseTo(other.recall, 10)
    expect(precision).toBeCloseTo(other.precision, 10)
    expect(averagePrecision).toBeCloseTo(other.averagePrecision, 10)
  })
})

describe('the fraud rate that is known after some days', () => {
  it('counts every decision, and frauds by when they were known', () => {
    const rows: DecidedRows = {
      ...writtenOut,
      decidedAtMs: Float64Array.of(0, 1, DAY_MS, 2 * DAY_MS),
      labels: Uint8Array.of(1, UNKNOWN, 1, 1),
      knownAtMs: Float64Array.of(2 * DAY_MS, Number.NaN, 9 * DAY_MS, 3 * DAY_MS),
    }
    expect(fraudRateByDay(rows, { asOfMs: 5 * DAY_MS, fraudWaitDays: 3 })).toEqual([
      { day: 0, rows: 2, frauds: 1, expected: 2 },
      { day: 1, rows: 1, frauds: 0, expected: 1 },
    ])
  })

  it('is watched where nobody draws an audit sample', () => {
    const names = (rows: DecidedRows) =>
      newPerformanceWatch(rows, asOfMs, { fraudWaitDays: 7 }).rates.map(({ name }) => name)
    const undrawn = bank.propensities.map((propensity, row) =>
      bank.flagged[row] === 1 ? propensity : Number.NaN,
    )
    expect(names({ ...bank, propensities: undrawn })).toContain('fraud_rate')
  })
})

describe('a baseline of so many days', () => {
  it('is the same days, and the later ones are watched, whenever one looks', () => {
    const options = { baselineDays: 20, edges: [0.5] }
    const daysAt = (timeMs: number) => {
      const watch = newPerformanceWatch(bank, timeMs, options)
      return historyOfRates(watch, bank, timeMs).find(({ name }) => name === 'precision')!.days
    }
    const [early, late] = [daysAt(35 * DAY_MS), daysAt(asOfMs)]
    expect(late.filter(({ watched }) => watched === null)).toHaveLength(20)
    expect(late.length).toBe(early.length + 5)
    expect(late.slice(0, early.length)).toEqual(early)
    expect(DEFAULT_WATCH.baselineDays).toBe(Number.POSITIVE_INFINITY)
  })
})
