import { expect, test } from 'vitest'
import { loadTrainingConfig } from '../../config/config-manager.ts'
import { requireCosts } from './require-costs.ts'

const settingsWith = (...assignments: readonly string[]) =>
  loadTrainingConfig({ environment: {}, assignments, workingDirectory: '.' }).settings

test.each([
  ['search.scoring', 'expected_cost'],
  ['evaluation.choose_by', 'expected_cost'],
  ['evaluation.threshold', 'min_cost'],
])('%s %s needs costs', (setting, value) => {
  expect(() => requireCosts(settingsWith(`${setting}=${value}`))).toThrow(
    `${setting} is ${value}, but all of evaluation.costs are 0`,
  )
  expect(() => requireCosts(settingsWith(`${setting}=${value}`, 'evaluation.costs.review=5'))).not.toThrow()
})

test('whatever does not go by costs needs none', () => {
  expect(() => requireCosts(settingsWith())).not.toThrow()
})
