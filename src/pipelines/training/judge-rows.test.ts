import { describe, expect, test } from 'vitest'
import { loadTrainingConfig } from '../../config/config-manager.ts'
import { allFiguresOf, type FigureName, figureNamed } from '../../evaluation/figures.ts'
import { summariseSearch } from '../../learning/search/summary.ts'
import { judgeRows, type RowsToJudge, scoredRows, searchScore } from './judge-rows.ts'

describe('expected cost', () => {
  test('is that of the cheapest threshold, a row, where thresholds are still to be chosen', () => {
    // Flagging the last two costs 2 reviews of 10 and misses nothing: 20 in 4 rows. All else costs more.
    expect(searchScore('expected_cost', rows, Float64Array.of(0.1, 0.2, 0.8, 0.9), costly)).toBe(5)
    // The genuine row in between is a third review.
    expect(searchScore('expected_cost', rows, Float64Array.of(0.1, 0.8, 0.7, 0.9), costly)).toBe(7.5)
  })

  test('is that of the threshold in use, where there is one', () => {
    const scored = scoredRows(judged, Float64Array.of(0.1, 0.2, 0.8, 0.9), 0.85, costly)
    // One review, one fraud missed.
    expect(allFiguresOf(scored).expectedCost).toBe((10 + 100) / 4)
  })

  test('is null where nothing costs', () => {
    const scored = scoredRows(judged, new Float64Array(4), 0.5, settingsWith())
    expect(allFiguresOf(scored).expectedCost).toBeNull()
  })

  test('is the better the lower: a search takes the least', () => {
    const combinations = [{ trees: 10 }, { trees: 20 }]
    const bestBy = (name: FigureName) =>
      summariseSearch(figureNamed(name).better, combinations, [[7.5], [5]], 0).best
    expect(bestBy('expected_cost')).toBe(1)
    expect(bestBy('daily_precision')).toBe(0)
  })
})

test('daily precision at k is another figure than cost', () => {
  expect(searchScore('daily_precision', rows, Float64Array.of(0.1, 0.8, 0.7, 0.9), costly)).toBe(0.5)
})

/** Four transactions of four users on one day; the last two are frauds. */
const rows: RowsToJudge = {
  labels: Uint8Array.of(0, 0, 1, 1),
  eventTimesMs: Float64Array.of(0, 1, 2, 3),
  amountsMinor: new Float64Array(4).fill(1000),
  userIds: ['a', 'b', 'c', 'd'],
}

const judged = judgeRows(rows, 0)

const settingsWith = (...assignments: readonly string[]) =>
  loadTrainingConfig({ environment: {}, assignments, workingDirectory: '.' }).settings

const costly = settingsWith(
  'evaluation.costs.review=10',
  'evaluation.costs.missed_fraud=100',
  'evaluation.top_k=2',
)
