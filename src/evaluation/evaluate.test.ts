import { describe, expect, it } from 'vitest'
import { DAY_MS } from '../foundation/days.ts'
import { type EvaluationChoices, evaluate, type RowsToEvaluate } from './evaluate.ts'

describe('an evaluation', () => {
  it('puts every figure of a part together', () => {
    const { roc, precisionRecall, histogram, logLoss, calibration, gain, ...figures } = evaluate(
      rowsOf([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]),
      CHOICES,
    )
    expect(figures).toMatchObject({
      rows: 4,
      frauds: 2,
      fraudShare: 0.5,
      rocAuc: 0.75,
      averagePrecision: (1 + 2 / 3) / 2,
      precision: 1,
      recall: 0.5,
      f1: 2 / 3,
      confusion: { truePositive: 1, falsePositive: 0, trueNegative: 2, falseNegative: 1 },
      // Day 0 has the users a and b, both genuine; day 1 has c and d, both defrauded. One is looked at a day.
      dailyPrecision: 0.5,
      perfectDailyPrecision: 0.5,
      brierScore: expect.closeTo((0.01 + 0.16 + 0.4225 + 0.04) / 4, 12),
      // Each row is a bin of its own: (0.1 + 0.4 + 0.65 + 0.2) / 4.
      calibrationError: expect.closeTo(0.3375, 12),
      cost: [],
      expectedCost: null,
    })
    expect(logLoss).toBeCloseTo(-Math.log(0.9 * 0.6 * 0.35 * 0.8) / 4, 12)
    expect(roc.length).toBe(5)
    expect(precisionRecall.length).toBe(4)
    expect(calibration.length).toBe(4)
    expect(gain[1]).toEqual({ reviewedShare: 0.25, foundShare: 0.5 })
    expect(histogram).toEqual([
      { from: 0, to: 0.5, genuine: 2, fraud: 1 },
      { from: 0.5, to: 1, genuine: 0, fraud: 1 },
    ])
  })

  it('says null, and draws no curve, where frauds are needed and there are none', () => {
    const part = evaluate(rowsOf([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]), CHOICES)
    expect(part).toMatchObject({
      rocAuc: null,
      averagePrecision: null,
      precision: null,
      recall: null,
      f1: null,
    })
    expect(part).toMatchObject({ roc: [], precisionRecall: [], dailyPrecision: 0 })
  })

  it('of no rows everything is null', () => {
    expect(evaluate(rowsOf([], []), CHOICES)).toMatchObject({
      rows: 0,
      fraudShare: null,
      dailyPrecision: null,
      logLoss: null,
      brierScore: null,
    })
  })

  it.each([Number.NaN, -0.1, 1.5, Number.POSITIVE_INFINITY])(
    'refuses the score %d and names its row',
    (score) => {
      expect(() => evaluate(rowsOf([0, 1], [0.5, score]), CHOICES)).toThrow(
        `Score ${score} of row 1 cannot be judged; allowed: 0 to 1`,
      )
    },
  )

  it('refuses rows without a label, which are not genuine', () => {
    expect(() => evaluate(rowsOf([0, 255], [0.5, 0.5]), CHOICES)).toThrow('Label 255 of row 1')
  })

  it('refuses scores that are not as many as the labels', () => {
    expect(() => evaluate({ ...rowsOf([0, 1], [0.5, 0.5]), scores: new Float64Array(3) }, CHOICES)).toThrow(
      'There are 2 labels but 3 scores',
    )
  })
})

const CHOICES: EvaluationChoices = { threshold: 0.5, k: 1, firstDayMs: 0, curvePoints: 100, histogramBins: 2 }

/** Rows of the users a, b, ... half a day apart. */
const rowsOf = (labels: readonly number[], scores: readonly number[]): RowsToEvaluate => ({
  labels: Uint8Array.from(labels),
  scores: Float64Array.from(scores),
  eventTimesMs: Float64Array.from(labels, (_, row) => (row * DAY_MS) / 2),
  entities: labels.map((_, row) => 'abcd'[row]!),
})
