import { describe, expect, it } from 'vitest'
import { createRandom } from '../foundation/random.ts'
import { bootstrapIntervals } from './bootstrap.ts'
import { costCurve, expectedCost, minCostThreshold, NO_COSTS } from './cost.ts'
import type { ScoredRows } from './figure.ts'
import { noFigures, noGates } from './figures.test-kit.ts'
import { checkGates } from './gates.ts'
import { alertBudgetThreshold, precisionFloorThreshold } from './threshold-rules.ts'

const labels = Uint8Array.of(1, 0, 1, 0)
const scores = Float64Array.of(0.9, 0.8, 0.6, 0.1)

describe('costs', () => {
  const costs = {
    matrix: { falseAlarm: 4, review: 1, missedFraud: 2, missedFraudAmountShare: 0.5 },
    amountsMinor: [100, 0, 40, 0],
  }

  it('at 0.7: one fraud reviewed for 1, a false alarm for 5, a fraud of 40 missed for 22', () =>
    expect(expectedCost(labels, scores, 0.7, costs)).toBe((1 + 5 + 22) / 4))
  it('the curve says at each threshold what the expected cost is', () => {
    for (const { threshold, cost } of costCurve(labels, scores, costs, 100))
      expect(cost).toBeCloseTo(expectedCost(labels, scores, threshold, costs), 12)
  })
  it('the cheapest is at 0.6, where both frauds are caught: (1 + 5 + 1) / 4', () =>
    expect(minCostThreshold(labels, scores, costs)).toEqual({ threshold: 0.6, cost: 1.75 }))
})

describe('rules for a threshold', () => {
  it('two days of one alert each pay for the two highest scores', () =>
    expect(alertBudgetThreshold(labels, scores, 2, 1)).toBe(0.8))
  it('no alert at all cannot be kept to', () =>
    expect(alertBudgetThreshold(labels, scores, 1, 0.5)).toBeNull())
  it('at a precision of 0.6 both frauds are found, at 0.9 one', () => {
    expect(precisionFloorThreshold(labels, scores, 0.6)).toBe(0.6)
    expect(precisionFloorThreshold(labels, scores, 0.9)).toBe(0.9)
  })
  it('a precision that nothing reaches has no threshold', () =>
    expect(precisionFloorThreshold(Uint8Array.of(0, 1), Float64Array.of(0.9, 0.1), 0.9)).toBeNull())
})

describe('bootstrap intervals', () => {
  const random = createRandom(7)
  const many = Uint8Array.from({ length: 2000 }, () => (random.next() < 0.2 ? 1 : 0))
  const told = Float64Array.from(many, (label) => (random.next() + 0.5 * label) / 1.5)
  const rowsOf = (labels: Uint8Array, scores: Float64Array): ScoredRows => ({
    labels,
    scores,
    days: Int32Array.from(labels, (_, row) => Math.floor(row / 100)),
    entities: Uint32Array.from(labels.keys()),
    amountsMinor: new Float64Array(labels.length),
    threshold: 0.5,
    k: 10,
    costs: NO_COSTS,
  })
  const rows = rowsOf(many, told)
  const intervals = () => bootstrapIntervals(rows, 200, createRandom(1))

  it('are the same for the same seed', () => expect(intervals()).toEqual(intervals()))
  it('of recall are as wide as the binomial’s: 3.92 standard errors', () => {
    const frauds = many.reduce((sum, label) => sum + label, 0)
    const recall = many.filter((label, row) => label === 1 && told[row]! >= 0.5).length / frauds
    const [low, high] = intervals().recall!
    expect(low).toBeLessThan(recall)
    expect(high).toBeGreaterThan(recall)
    const expected = 3.92 * Math.sqrt((recall * (1 - recall)) / frauds)
    expect(Math.abs((high - low) / expected - 1)).toBeLessThan(0.25)
  })
  it('are null without resamples, and where a figure is not defined', () => {
    expect(bootstrapIntervals(rows, 0, createRandom(1)).rocAuc).toBeNull()
    const genuine = rowsOf(new Uint8Array(4), scores)
    expect(bootstrapIntervals(genuine, 20, createRandom(1))).toMatchObject({
      rocAuc: null,
      averagePrecision: null,
      recall: null,
    })
    const none = rowsOf(new Uint8Array(0), new Float64Array(0))
    expect(bootstrapIntervals(none, 20, createRandom(1)).dailyPrecision).toBeNull()
  })
})

describe('quality gates', () => {
  const nothing = noGates()
  const gates = {
    ...nothing,
    average_precision: 0.5,
    daily_precision: 0.1,
    worse_than_production: { ...nothing.worse_than_production, roc_auc: 0.25 },
  }
  const figures = { ...noFigures(), rocAuc: 0.5, averagePrecision: 0.5, logLoss: 0.25 }

  it('pass at their bound, and not on a figure that is not defined', () =>
    expect(checkGates(gates, figures, null)).toEqual([
      { name: 'average precision on test', allowed: 'at least 0.5', got: 0.5, passed: true },
      { name: 'daily precision at k on test', allowed: 'at least 0.1', got: null, passed: false },
    ]))
  it('fail when production is better by more than what is allowed', () =>
    expect(checkGates(gates, figures, { ...figures, rocAuc: 0.875 }).at(-1)).toEqual({
      name: 'ROC-AUC on test, beside production',
      allowed: 'at least 0.625 (production 0.875, 0.25 less at most)',
      got: 0.5,
      passed: false,
    }))
  it('hold from above what is better the lower', () => {
    const [most] = checkGates({ ...nothing, log_loss: 0.25 }, figures, null)
    expect(most).toEqual({ name: 'log loss on test', allowed: 'at most 0.25', got: 0.25, passed: true })
    const margins = { ...nothing.worse_than_production, log_loss: 0.125 }
    const beside = { ...nothing, worse_than_production: margins }
    expect(checkGates(beside, figures, { ...figures, logLoss: 0.0625 })).toEqual([
      {
        name: 'log loss on test, beside production',
        allowed: 'at most 0.1875 (production 0.0625, 0.125 more at most)',
        got: 0.25,
        passed: false,
      },
    ])
  })
})
