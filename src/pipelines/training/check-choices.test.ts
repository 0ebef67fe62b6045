import { expect, test } from 'vitest'
import { loadTrainingConfig } from '../../config/config-manager.ts'
import { checkChoices } from './check-choices.ts'

const settingsWith = (...assignments: readonly string[]) =>
  loadTrainingConfig({ environment: {}, assignments, workingDirectory: '.' }).settings

test.each([
  ['search.scoring', 'expected_cost'],
  ['evaluation.choose_by', 'expected_cost'],
  ['evaluation.threshold', 'min_cost'],
])('%s %s needs costs', (setting, value) => {
  expect(() => checkChoices(settingsWith(`${setting}=${value}`))).toThrow(
    `${setting} is ${value}, but all of evaluation.costs are 0`,
  )
  expect(() => checkChoices(settingsWith(`${setting}=${value}`, 'evaluation.costs.review=5'))).not.toThrow()
})

test('a gate on the expected cost needs costs', () => {
  const gate = 'evaluation.gates.expected_cost=5'
  expect(() => checkChoices(settingsWith(gate))).toThrow('evaluation.gates.expected_cost is 5, but')
  expect(() => checkChoices(settingsWith(gate, 'evaluation.costs.review=5'))).not.toThrow()
})

test('whatever does not go by costs needs none', () => {
  expect(() => checkChoices(settingsWith())).not.toThrow()
})

test('a run without any model is refused before it begins', () => {
  const names = ['logistic_regression', 'random_forest', 'gradient_boosting', 'xgboost']
  expect(() => checkChoices(settingsWith(...names.map((name) => `models.${name}.enabled=false`)))).toThrow(
    'No model can be trained: none is enabled',
  )
})
