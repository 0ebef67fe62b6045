import { describe, expect, test } from 'vitest'
import { loadTrainingConfig } from '../../config/config-manager.ts'
import { summariseSearch } from '../../learning/search/summary.ts'
import { candidateFigures, costMatrix, type JudgedRows, scoringFigure } from './candidate-figures.ts'

describe('expected cost', () => {
  test('is that of the cheapest threshold, a row, where thresholds are still to be chosen', () => {
    // Flagging the last two costs 2 reviews of 10 and misses nothing: 20 in 4 rows. All else costs more.
    expect(scoringFigure('expected_cost', rows, Float64Array.of(0.1, 0.2, 0.8, 0.9), costly)).toBe(5)
    // The genuine row in between is a third review.
    expect(scoringFigure('expected_cost', rows, Float64Array.of(0.1, 0.8, 0.7, 0.9), costly)).toBe(7.5)
  })

  test('is that of the threshold in use, where there is one', () => {
    const figures = candidateFigures(rows, Float64Array.of(0.1, 0.2, 0.8, 0.9), 0.85, {
      k: 1,
      firstDayMs: 0,
      costs: costMatrix(costly),
    })
    // One review, one fraud missed.
    expect(figures.expectedCost).toBe((10 + 100) / 4)
  })

  test('is null where nothing costs', () => {
    const choices = { k: 1, firstDayMs: 0, costs: costMatrix(settingsWith()) }
    expect(candidateFigures(rows, new Float64Array(4), 0.5, choices).expectedCost).toBeNull()
  })

  test('is the better the lower: a search takes the least', () => {
    const candidates = [{ trees: 10 }, { trees: 20 }]
    expect(summariseSearch('expected_cost', candidates, [[7.5], [5]], 0).best).toBe(1)
    expect(summariseSearch('precision_at_k', candidates, [[7.5], [5]], 0).best).toBe(0)
  })
})

test('precision at k is another figure than cost', () => {
  expect(scoringFigure('precision_at_k', rows, Float64Array.of(0.1, 0.8, 0.7, 0.9), costly)).toBe(0.5)
})

/** Four transactions of four users on one day; the last two are frauds. */
const rows: JudgedRows = {
  labels: Uint8Array.of(0, 0, 1, 1),
  eventTimesMs: Float64Array.of(0, 1, 2, 3),
  amountsMinor: new Float64Array(4).fill(1000),
  userIds: ['a', 'b', 'c', 'd'],
}

const settingsWith = (...assignments: readonly string[]) =>
  loadTrainingConfig({ environment: {}, assignments, workingDirectory: '.' }).settings

const costly = settingsWith(
  'evaluation.costs.review=10',
  'evaluation.costs.missed_fraud=100',
  'evaluation.top_k=2',
)
