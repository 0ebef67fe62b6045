import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { averagePrecision } from './average-precision.ts'
import { bestF1Threshold } from './best-threshold.ts'
import { confusionAt, f1Of, precisionOf, recallOf } from './confusion.ts'
import { precisionRecallCurve, rocCurve } from './curves.ts'
import { brierScore, logLoss } from './probability-loss.ts'
import { rocAuc } from './roc-auc.ts'
import { scoreHistogram } from './score-histogram.ts'

const labels = Uint8Array.of(0, 0, 1, 1)
const scores = Float64Array.of(0.1, 0.4, 0.35, 0.8)

describe('ranking', () => {
  it('three of the four pairs are in the right order', () => expect(rocAuc(labels, scores)).toBe(0.75))
  it('equal scores say nothing', () => expect(rocAuc(labels, new Float64Array(4))).toBe(0.5))
  it('one class has no area', () => expect(rocAuc(Uint8Array.of(0, 0), Float64Array.of(1, 2))).toBeNaN())
  it('precision is 1 at the first fraud, 2/3 at the second', () =>
    expect(averagePrecision(labels, scores)).toBeCloseTo((1 + 2 / 3) / 2, 15))
  it('ties are one step, whose precision is the share of frauds', () =>
    expect(averagePrecision(labels, new Float64Array(4))).toBe(0.5))

  it('law: only the order of scores counts, and reversing it mirrors the area', () => {
    fc.assert(
      fc.property(scored, ({ labels, scores }) => {
        const area = rocAuc(labels, scores)
        expect(rocAuc(labels, scores.map(Math.exp))).toBe(area)
        expect(
          rocAuc(
            labels,
            scores.map((score) => -score),
          ),
        ).toBeCloseTo(1 - area, 12)
        expect(averagePrecision(labels, scores.map(Math.exp))).toBe(averagePrecision(labels, scores))
      }),
    )
  })

  it('law: the area is the share of pairs in the right order, ties half', () => {
    fc.assert(
      fc.property(scored, ({ labels, scores }) => {
        let right = 0
        let pairs = 0
        for (let a = 0; a < labels.length; a++)
          for (let b = 0; b < labels.length; b++) {
            if (labels[a] !== 1 || labels[b] !== 0) continue
            pairs++
            right += scores[a]! > scores[b]! ? 1 : scores[a] === scores[b] ? 0.5 : 0
          }
        expect(rocAuc(labels, scores)).toBeCloseTo(right / pairs, 12)
      }),
    )
  })
})

describe('decisions at a threshold', () => {
  const confusion = confusionAt(labels, scores, 0.35)

  it('a score that equals the threshold is flagged', () =>
    expect(confusion).toEqual({ truePositive: 2, falsePositive: 1, trueNegative: 1, falseNegative: 0 }))
  it('two of three flagged are fraud', () => expect(precisionOf(confusion)).toBe(2 / 3))
  it('two of two frauds are flagged', () => expect(recallOf(confusion)).toBe(1))
  it('the harmonic mean of 2/3 and 1 is 0.8', () => expect(f1Of(confusion)).toBe(0.8))
  it('flagging nothing has no precision', () =>
    expect(precisionOf(confusionAt(labels, scores, 0.9))).toBeNaN())

  it('the best F1 is at .35: at .8 it is 2/3, at .4 it is 1/2', () =>
    expect(bestF1Threshold(labels, scores)).toEqual({ threshold: 0.35, f1: 0.8 }))
  it('of equally good thresholds the one that flags fewest is chosen', () =>
    // At .9: precision 1, recall 1/2. At .1: precision 1/2, recall 1. Both have F1 2/3.
    expect(bestF1Threshold(Uint8Array.of(1, 0, 0, 1), Float64Array.of(0.9, 0.2, 0.2, 0.1))).toEqual({
      threshold: 0.9,
      f1: 2 / 3,
    }))
  it('without a fraud there is no best threshold', () =>
    expect(bestF1Threshold(new Uint8Array(4), scores)).toBeNull())
})

describe('probabilities', () => {
  it('a coin costs log 2 and a quarter', () => {
    const coin = Float64Array.of(0.5, 0.5)
    expect(logLoss(Uint8Array.of(0, 1), coin)).toBeCloseTo(Math.LN2, 15)
    expect(brierScore(Uint8Array.of(0, 1), coin)).toBe(0.25)
  })
  it('a mistake made with certainty costs 36, not infinity', () =>
    expect(logLoss(Uint8Array.of(1), Float64Array.of(0))).toBeCloseTo(52 * Math.LN2, 10))
  it('a score on the edge of two bins is in the upper one, and 1 in the last', () =>
    expect(scoreHistogram(Uint8Array.of(0, 1, 0, 1), Float64Array.of(0, 0.5, 0.5, 1), 2)).toEqual([
      { from: 0, to: 0.5, genuine: 1, fraud: 0 },
      { from: 0.5, to: 1, genuine: 1, fraud: 2 },
    ]))
})

describe('curves', () => {
  it('ROC goes from (0, 0) to (1, 1), one point a score', () =>
    expect(rocCurve(labels, scores, 100)).toEqual(
      [
        [0, 0],
        [0, 0.5],
        [0.5, 0.5],
        [0.5, 1],
        [1, 1],
      ].map(([falsePositiveRate, truePositiveRate]) => ({
        falsePositiveRate,
        truePositiveRate,
      })),
    ))
  it('precision over recall starts at the highest score and ends with everything flagged', () =>
    expect(precisionRecallCurve(labels, scores, 100)).toEqual(
      [
        [0.5, 1],
        [0.5, 0.5],
        [1, 2 / 3],
        [1, 0.5],
      ].map(([recall, precision]) => ({ recall, precision })),
    ))
  it('law: a thinned curve keeps its ends and its bound, and every point is one of the whole curve', () => {
    fc.assert(
      fc.property(scored, fc.integer({ min: 2, max: 20 }), ({ labels, scores }, most) => {
        for (const curve of [rocCurve, precisionRecallCurve]) {
          const whole: readonly object[] = curve(labels, scores, Number.POSITIVE_INFINITY)
          const thinned: readonly object[] = curve(labels, scores, most)
          expect(thinned.length).toBeLessThanOrEqual(most)
          expect(thinned[0]).toEqual(whole[0])
          expect(thinned.at(-1)).toEqual(whole.at(-1))
          for (const point of thinned) expect(whole).toContainEqual(point)
        }
      }),
    )
  })
})

/**
 * Oracle: scikit-learn's figures, recorded by test/reference/metrics.py with its versions. Sums are taken in
 * another order there, so the last digits may differ.
 */
describe.each(goldenCases())('scikit-learn agrees: $name', (golden) => {
  const labels = Uint8Array.from(golden.labels)
  const scores = Float64Array.from(golden.scores)
  const confusion = confusionAt(labels, scores, 0.5)

  it('on ROC-AUC', () => expect(rocAuc(labels, scores)).toBeCloseTo(golden.roc_auc, 12))
  it('on average precision', () =>
    expect(averagePrecision(labels, scores)).toBeCloseTo(golden.average_precision, 12))
  it('on log loss', () => expect(logLoss(labels, scores)).toBeCloseTo(golden.log_loss, 12))
  it('on the Brier score', () => expect(brierScore(labels, scores)).toBeCloseTo(golden.brier_score, 12))
  it('on decisions at one half', () => {
    const { true_positive, false_positive, true_negative, false_negative, ...shares } = golden.at_half
    expect(confusion).toEqual({
      truePositive: true_positive,
      falsePositive: false_positive,
      trueNegative: true_negative,
      falseNegative: false_negative,
    })
    if (true_positive + false_positive > 0) expect(precisionOf(confusion)).toBeCloseTo(shares.precision, 12)
    expect(recallOf(confusion)).toBeCloseTo(shares.recall, 12)
    expect(f1Of(confusion)).toBeCloseTo(shares.f1, 12)
  })
  it('on the best F1 and where it is', () => {
    const best = bestF1Threshold(labels, scores)!
    expect(best.f1).toBeCloseTo(golden.best_f1, 12)
    expect(best.threshold).toBe(golden.best_f1_threshold)
  })
  it('on every point of the ROC curve', () => {
    const curve = rocCurve(labels, scores, Number.POSITIVE_INFINITY)
    expect(curve.map(({ falsePositiveRate }) => falsePositiveRate)).toEqual(golden.roc_curve[0])
    expect(curve.map(({ truePositiveRate }) => truePositiveRate)).toEqual(golden.roc_curve[1])
  })
})

interface GoldenCase {
  readonly name: string
  readonly labels: readonly number[]
  readonly scores: readonly number[]
  readonly roc_auc: number
  readonly average_precision: number
  readonly log_loss: number
  readonly brier_score: number
  readonly at_half: Readonly<
    Record<
      'true_positive' | 'false_positive' | 'true_negative' | 'false_negative' | 'precision' | 'recall' | 'f1',
      number
    >
  >
  readonly best_f1: number
  readonly best_f1_threshold: number
  readonly roc_curve: readonly (readonly number[])[]
}

function goldenCases(): readonly GoldenCase[] {
  const path = new URL('../../test/golden/metrics.json', import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { cases: readonly GoldenCase[] }).cases
}

/** Both classes, scores of few distinct values so that ties are common. */
const scored = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 8 })), { maxLength: 40 })
  .map((rows) => [[0, 3], [1, 4], ...rows])
  .map((rows) => ({
    labels: Uint8Array.from(rows, ([label]) => label!),
    scores: Float64Array.from(rows, ([, score]) => score! / 8),
  }))
