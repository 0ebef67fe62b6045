import { describe, expect, it } from 'vitest'
import { loadTrainingConfig } from '../../config/config-manager.ts'
import { type ChoiceRows, chooseAmong, hasBothClasses, type ScoredModel } from './choose-among.ts'

describe('the choice among trained models', () => {
  it('is the one with the highest ROC-AUC on validation, unless the configuration goes by something else', () => {
    const { best, chosenBy, part, warnings } = choose([poor, good])
    expect({ best, chosenBy, part, warnings }).toEqual({
      best: 'random_forest',
      chosenBy: 'the best ROC-AUC on validation',
      part: 'validation',
      warnings: [],
    })
    expect(choose([poor, good], {}, ['evaluation.choose_by=average_precision']).chosenBy).toBe(
      'the best average precision on validation',
    )
  })

  it('is the first of equals, so the simpler model wins', () => {
    expect(choose([good, { ...good, name: 'gradient_boosting' }]).best).toBe('random_forest')
  })

  it('gives each model figures of its own', () => {
    const { candidates } = choose([poor, good])
    expect(candidates.map(({ name, figures }) => [name, figures.rocAuc])).toEqual([
      ['logistic_regression', 0.5],
      ['random_forest', 1],
    ])
  })

  it('takes a threshold of the configuration as it is', () => {
    const [candidate] = choose([good], {}, ['evaluation.threshold=0.25']).candidates
    expect(candidate).toMatchObject({ threshold: 0.25, thresholdChoice: 'set in the configuration' })
  })

  it.each([
    ['best_f1', [], 0.7, 'best F1 on validation'],
    [
      'min_cost',
      ['evaluation.costs.review=10', 'evaluation.costs.missed_fraud=100'],
      0.7,
      'least expected cost on validation',
    ],
    [
      'alert_budget',
      ['evaluation.alert_budget.alerts_per_day=2'],
      0.8,
      'at most 2 alerts a day on validation',
    ],
    [
      'min_precision',
      ['evaluation.precision_floor=0.6'],
      0.2,
      'the highest recall with a precision of at least 0.6 on validation',
    ],
  ])('sets the threshold by %s', (rule, assignments, threshold, thresholdChoice) => {
    const late = { ...good, raw: good.raw.map((score) => (score === 0.7 ? 0.2 : score)) }
    const [candidate] = choose([rule === 'min_precision' ? late : good], {}, [
      `evaluation.threshold=${rule}`,
      ...assignments,
    ]).candidates
    expect(candidate).toMatchObject({ threshold, thresholdChoice })
  })

  it('calibrates as the configuration asks', () => {
    const methods = ['none', 'platt', 'isotonic'].map(
      (method) => choose([good], {}, [`evaluation.calibration=${method}`]).candidates[0]?.calibration.method,
    )
    expect(methods).toEqual(['none', 'platt', 'isotonic'])
  })

  it('takes the best F1 where the rule cannot be met, and says so', () => {
    const [candidate] = choose([good], {}, [
      'evaluation.threshold=alert_budget',
      'evaluation.alert_budget.alerts_per_day=0.5',
    ]).candidates
    expect(candidate).toMatchObject({
      threshold: 0.7,
      thresholdChoice: 'best F1 on validation, as none gives at most 0.5 alerts a day',
    })
  })

  it('goes by the cost of the threshold that each model would be used with', () => {
    const { best, candidates } = choose([poor, good], {}, [
      'evaluation.choose_by=expected_cost',
      'evaluation.costs.false_alarm=100',
    ])
    expect(best).toBe('random_forest')
    // Flagged at its best F1, the one that knows nothing raises seven false alarms in ten rows.
    expect(candidates.map(({ figures }) => figures.expectedCost)).toEqual([70, 0])
  })

  it('is made on training rows, without calibration, where validation has no frauds, and says so', () => {
    const choice = choose([good], { part: 'train' })
    expect(choice.candidates[0]).toMatchObject({
      calibration: { method: 'none' },
      calibrationChoice: 'none: validation has nothing to calibrate on',
    })
    expect(choice.chosenBy).toBe('the best ROC-AUC on training rows')
    expect(choice.warnings).toEqual([expect.stringContaining('Make validation longer')])
  })

  it('needs frauds and something else', () => {
    expect(hasBothClasses(Uint8Array.of(0, 1, 0))).toBe(true)
    expect(hasBothClasses(Uint8Array.of(0, 0))).toBe(false)
    expect(hasBothClasses(Uint8Array.of(1, 1))).toBe(false)
    expect(hasBothClasses(new Uint8Array(0))).toBe(false)
  })
})

const HOUR_MS = 3_600_000

/** Ten transactions, hour by hour; the last three are frauds. */
const rows: ChoiceRows = {
  part: 'validation',
  firstDayMs: 0,
  labels: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 1, 1),
  eventTimesMs: Float64Array.from({ length: 10 }, (_, row) => row * HOUR_MS),
  amountsMinor: new Float64Array(10).fill(1000),
  userIds: Array.from({ length: 10 }, (_, row) => `user ${row}`),
}

/** Knows nothing. */
const poor: ScoredModel = {
  name: 'logistic_regression',
  title: 'Logistic regression',
  file: 'logistic_regression.json',
  raw: new Float64Array(10).fill(0.3),
}

/** Knows all. */
const good: ScoredModel = {
  name: 'random_forest',
  title: 'Random forest',
  file: 'random_forest.json',
  raw: Float64Array.of(0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.7, 0.8, 0.9),
}

const choose = (
  models: readonly ScoredModel[],
  changes: Partial<ChoiceRows> = {},
  assignments: readonly string[] = [],
) =>
  chooseAmong(
    models,
    { ...rows, ...changes },
    loadTrainingConfig({ environment: {}, assignments, workingDirectory: '/work-place' }).settings,
  )
