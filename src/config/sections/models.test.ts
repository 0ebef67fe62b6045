import { describe, expect, it } from 'vitest'
import { loadTrainingConfig } from '../config-manager.ts'

describe('the grid of a model', () => {
  it('is empty unless it is given', () => {
    const { models } = load().settings
    expect(Object.values(models).map(({ grid }) => grid)).toEqual([{}, {}, {}, {}])
  })

  it('maps settings of the model to lists of their values', () => {
    const { models } = load(
      'models.random_forest.grid={max_depth: [0, 8], features_per_split: [sqrt, 0.5]}',
    ).settings
    expect(models.random_forest.grid).toEqual({ max_depth: [0, 8], features_per_split: ['sqrt', 0.5] })
  })

  it.each([
    [
      'a setting that the model does not have',
      'models.logistic_regression.grid={max_dept: [3]}',
      'models.logistic_regression.grid.max_dept: unknown setting. Allowed here: c, class_weight, max_iterations, tolerance.',
    ],
    [
      'a setting that is misspelt',
      'models.gradient_boosting.grid={max_dept: [3]}',
      'Did you mean "max_depth"?',
    ],
    [
      'a value out of range',
      'models.gradient_boosting.grid={max_depth: [3, 65]}',
      'models.gradient_boosting.grid.max_depth.1: allowed: a whole number from 1 to 16 (unit: splits); got the number 65.',
    ],
    [
      'one value in place of a list',
      'models.xgboost.grid={l1: 3}',
      'models.xgboost.grid.l1: allowed: a list with at least 1 of: a number from 0 to 1000000000 (unit: penalty); got the number 3.',
    ],
    [
      'whether the model is enabled, which is no setting of the fit',
      'models.xgboost.grid={enabled: [true]}',
      'models.xgboost.grid.enabled: unknown setting.',
    ],
  ])('refuses %s', (_, assignment, sentence) => {
    expect(() => load(assignment)).toThrow(sentence)
  })
})

const load = (...assignments: readonly string[]) =>
  loadTrainingConfig({ environment: {}, assignments, workingDirectory: '/work-place' })
