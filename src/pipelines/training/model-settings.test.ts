import { describe, expect, it } from 'vitest'
import { loadTrainingConfig } from '../../config/config-manager.ts'
import type { LogisticRegressionSettings } from '../../learning/algorithms/logistic-regression.ts'
import type { GradientBoostingSettings } from '../../learning/boosting/gradient-boosting.ts'
import type { RandomForestSettings } from '../../learning/forest/random-forest.ts'
import { algorithmSettings, enabledModels, modelSettings } from './model-settings.ts'

describe('settings of models', () => {
  // The type checker holds these to what algorithms take, so a setting that is renamed on one side alone is
  // noticed.
  it('have the names that algorithms take', () => {
    expect(defaultsOf('logistic_regression')).toEqual({
      c: 1,
      classWeight: 'none',
      maxIterations: 100,
      tolerance: 1e-8,
    } satisfies LogisticRegressionSettings)
    expect(defaultsOf('random_forest')).toEqual({
      trees: 100,
      maxDepth: 20,
      minLeafRows: 1,
      categoryPenalty: 1,
      featuresPerSplit: 'sqrt',
      classWeight: 'none',
      rowShare: 1,
      maxBins: 0,
    } satisfies RandomForestSettings)
    expect(defaultsOf('gradient_boosting')).toEqual({
      trees: 100,
      learningRate: 0.1,
      maxDepth: 4,
      minChildWeight: 1,
      categoryPenalty: 1,
      l2: 1,
      minGain: 0,
      rowShare: 1,
      columnShare: 1,
      earlyStoppingRounds: 0,
      classWeight: 'none',
      monotone: {},
      maxBins: 0,
    } satisfies GradientBoostingSettings)
  })

  it('leave names within a value as they are', () => {
    expect(algorithmSettings({ monotone: { user_tx_count_1h: 'increasing' } })).toEqual({
      monotone: { user_tx_count_1h: 'increasing' },
    })
  })

  it('name the enabled models in the order of the configuration', () => {
    const { models } = load('models.random_forest.enabled=false')
    expect(enabledModels(models)).toEqual(['logistic_regression', 'gradient_boosting', 'xgboost'])
  })
})

const load = (...assignments: readonly string[]) =>
  loadTrainingConfig({ environment: {}, assignments, workingDirectory: '/work-place' }).settings

const defaultsOf = (name: 'logistic_regression' | 'random_forest' | 'gradient_boosting') =>
  algorithmSettings(modelSettings(load().models[name]))
