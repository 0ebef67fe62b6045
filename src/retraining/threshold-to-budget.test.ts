import { describe, expect, test } from 'vitest'
import { DEFAULT_RULES } from './retraining-rules.ts'
import { thresholdToBudget } from './threshold-to-budget.ts'

const RULES = { ...DEFAULT_RULES, alertsPerDay: 5, leastDecisions: 100 }
/** 0, .001, ... .999. */
const SPREAD = Float64Array.from({ length: 1000 }, (_, at) => at / 1000)

test('the threshold that raises as many alerts a day as can be looked at', () =>
  expect(thresholdToBudget({ scores: SPREAD, days: 2, present: 0.5 }, RULES)).toEqual({
    threshold: 0.99,
    alertsPerDay: 5,
    presentAlertsPerDay: 250,
  }))

test('of equal scores the nearest number within a tenth, more or fewer', () => {
  const scores = Float64Array.from({ length: 1000 }, (_, at) => (at < 97 ? 0.9 : at < 110 ? 0.8 : 0.1))
  const met = { scores, days: 1, present: 0.1 }
  expect(thresholdToBudget(met, { ...RULES, alertsPerDay: 100 })).toMatchObject({ alertsPerDay: 97 })
  expect(thresholdToBudget(met, { ...RULES, alertsPerDay: 105 })).toMatchObject({ alertsPerDay: 110 })
})

describe('the present one stays, with the reason', () => {
  const kept = (changes: object, rules: object = {}) =>
    thresholdToBudget({ scores: SPREAD, days: 1, present: 0.5, ...changes }, { ...RULES, ...rules })

  test('where all scores are equal', () =>
    expect(kept({ scores: new Float64Array(1000).fill(0.3) })).toEqual({
      kept: 'no threshold raises about 5 alerts a day, since too many scores are equal: the nearest, 0.3, raises 1000.0',
    }))
  test('where the highest scores are equal and too many', () =>
    expect(kept({ scores: SPREAD.map((score) => Math.min(score, 0.9)) })).toEqual({
      kept: 'no threshold raises about 5 alerts a day, since too many scores are equal: the nearest, 0.9, raises 100.0',
    }))
  test('where the budget is a large part of all decisions', () =>
    expect(kept({}, { alertsPerDay: 201 })).toEqual({
      kept: '201 alerts of 1000 decisions a day are more than 20 % of them',
    }))
  test('where decisions are few, or of no whole day', () => {
    expect(kept({ scores: SPREAD.subarray(0, 99) })).toEqual({
      kept: '99 decisions of 1 whole days are too few: 100 are needed',
    })
    expect(kept({ scores: SPREAD.subarray(0, 0), days: 0 })).toHaveProperty('kept')
  })
  test('where it meets the budget already', () =>
    expect(kept({ present: 0.995 })).toEqual({
      kept: 'the present one, 0.995, raises 5.0 alerts a day already',
    }))
})
