import { expect, test } from 'vitest'
import { DAY_MS } from '../foundation/days.ts'
import { countedMs, judgeAlerts } from './judge-alerts.ts'
import { DEFAULT_RULES } from './retraining-rules.ts'

const against = (alerts: number, alertsBefore: number, servedDays = 1, rules: object = {}) =>
  judgeAlerts({ decisions: 5000, alerts, alertsBefore }, { ...DEFAULT_RULES, ...rules }, servedDays * DAY_MS)
    .against

test('more than twice the budget, and fewer than half of it, are beyond the limits', () => {
  expect(against(200, 100)).toBeUndefined()
  expect(against(201, 100)).toContain('201 alerts where 100 were to be')
  expect(against(50, 100)).toBeUndefined()
  expect(against(49, 100)).toContain('49 alerts')
})

test('too many are told in the first hour, too few after a whole day', () => {
  expect(against(201, 100, 1 / 24)).toBeDefined()
  expect(against(0, 100, 23 / 24)).toBeUndefined()
})

test('it stays where the threshold before would be as far off or farther', () => {
  expect(against(300, 600)).toBeUndefined()
  expect(against(300, 290)).toBeDefined()
  expect(against(0, 0)).toBeUndefined()
})

test('few decisions say nothing', () =>
  expect(against(300, 100, 1, { leastDecisions: 5001 })).toBeUndefined())

test('a budget of five a day is counted over ten days: chance halves five often, and fifty hardly ever', () => {
  expect(countedMs({ ...DEFAULT_RULES, alertsPerDay: 5 })).toBe(10 * DAY_MS)
  expect(countedMs(DEFAULT_RULES)).toBe(DAY_MS)
  expect(against(24, 50, 9, { alertsPerDay: 5 })).toBeUndefined()
  expect(against(24, 50, 10, { alertsPerDay: 5 })).toBeDefined()
})
