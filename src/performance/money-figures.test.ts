import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../foundation/days.ts'
import { decidedEvent } from './decided-event.test-kit.ts'
import { decidedRows } from './decided-rows.ts'
import { expectedFigures } from './expected-figures.ts'
import { labelsByOrigin } from './labels-by-origin.ts'
import { moneyFigures } from './money-figures.ts'
import { simulateBank } from './simulated-bank.test-kit.ts'

const all = { fromMs: 0, toMs: DAY_MS, asOfMs: 9 * DAY_MS }

describe('figures in money', () => {
  const rows = decidedRows([
    decidedEvent({ flagged: true, label: 1, amountMinor: 900 }),
    decidedEvent({ flagged: true, label: 0, amountMinor: 50 }),
    decidedEvent({ flagged: true, label: 0, amountMinor: 30, segment: 'shop' }),
    decidedEvent({ label: 1, amountMinor: 100, origin: 'customer', segment: 'shop' }),
    decidedEvent({ label: null, origin: null, knownAtMs: null, amountMinor: 8920 }),
    decidedEvent({ label: null, origin: null, knownAtMs: null, amountMinor: Number.NaN, segment: 'shop' }),
  ])
  const { all: figures, segments } = moneyFigures(rows, all)

  it('tell what a look at six decisions tells', () => {
    expect(figures).toMatchObject({
      rows: 6,
      frauds: 2,
      valueDetectionRate: 0.9,
      falsePositiveRatio: 2,
      valueMinor: 10_000,
      fraudValueMinor: 1000,
      missedValueMinor: 100,
      insultedValueMinor: 80,
      fraudBasisPoints: 1000,
    })
    expect(figures.transactionDetectionRate.value).toBe(0.5)
    expect(figures.alertPrecision.value).toBeCloseTo(1 / 3, 12)
    expect(figures.insultRate.value).toBe(0.5)
    expect(figures.reviewRate.value).toBe(0.5)
  })

  it('stand for each segment, and add up', () => {
    expect(Object.keys(segments)).toEqual(['', 'shop'])
    expect(segments['shop']).toMatchObject({
      rows: 3,
      frauds: 1,
      valueDetectionRate: 0,
      insultedValueMinor: 30,
    })
    expect(segments['shop']!.falsePositiveRatio).toBeNaN()
    expect(segments['']!.valueMinor + segments['shop']!.valueMinor).toBe(figures.valueMinor)
  })

  it('know only labels of their time', () => {
    expect(moneyFigures(rows, { ...all, asOfMs: 0 }).all.frauds).toBe(0)
  })

  it('leave out decisions of another time', () => {
    expect(moneyFigures(rows, { ...all, fromMs: 1 }).all.rows).toBe(0)
  })
})

describe('labels by origin', () => {
  it('are kept apart, with how long each takes', () => {
    const found = labelsByOrigin(
      decidedRows([
        decidedEvent({ flagged: true, label: 1 }),
        decidedEvent({ flagged: true, label: 0 }),
        decidedEvent({ label: 1, origin: 'customer', knownAtMs: 8 * DAY_MS }),
        decidedEvent({ label: 0, origin: 'sample', knownAtMs: 3 * DAY_MS }),
        decidedEvent({ label: 1, origin: 'customer', knownAtMs: 80 * DAY_MS }),
      ]),
      9 * DAY_MS,
    )
    expect(found.alert).toEqual({ labels: 2, frauds: 1, flagged: 2, flaggedFrauds: 1, medianDelayDays: 1 })
    expect(found.customer).toMatchObject({ labels: 1, frauds: 1, flagged: 0, medianDelayDays: 8 })
    expect(found.sample).toMatchObject({ labels: 1, frauds: 0, medianDelayDays: 3 })
  })
})

describe('figures without labels', () => {
  it('take each decision as the part of a fraud that its score says', () => {
    const { frauds, recall, precision, averagePrecision } = expectedFigures(
      Float64Array.of(0.8, 0.2, 0.5),
      Uint8Array.of(1, 0, 1),
    )
    expect([frauds, recall, precision]).toEqual([1.5, 1.3 / 1.5, 0.65])
    // .8 at precision .8, .5 at 1.3 / 2, .2 at 1.5 / 3.
    expect(averagePrecision).toBeCloseTo((0.8 * 0.8 + 0.5 * 0.65 + 0.2 * 0.5) / 1.5, 12)
  })

  it('are right while scores are, and do not move when frauds change sides, as they say themselves', () => {
    const settings = { seed: 3, days: 10, rowsPerDay: 5000, dayEffect: 0 }
    const honest = simulateBank(settings)
    const changed = simulateBank({ ...settings, sidesChange: { fromDay: 0, share: 0.5 } })
    const [before, after] = [honest, changed].map(({ rows }) => expectedFigures(rows.scores, rows.flagged))
    expect(recallOf(honest)).toBeCloseTo(before!.recall, 1)
    expect(recallOf(changed)).toBeLessThan(0.6 * recallOf(honest))
    expect(after).toEqual(before)
    expect(after!.caveat).toMatch(/cannot see a change of what is fraud .* \(P\(y\|x\)\)/)
  })
})

function recallOf({ rows, truth }: ReturnType<typeof simulateBank>): number {
  const flagged = truth.filter((isFraud, row) => isFraud === 1 && rows.flagged[row] === 1).length
  return flagged / truth.filter((isFraud) => isFraud === 1).length
}
