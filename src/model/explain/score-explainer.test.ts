import { describe, expect, test } from 'vitest'
import { loadTrainingConfig } from '../../config/config-manager.ts'
import type { LogisticRegressionModel } from '../../learning/logistic-regression.ts'
import type { TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'
import { contentsOf } from '../artifact.test-kit.ts'
import type { Artifact } from '../artifact.ts'
import { createScoreExplainer } from './score-explainer.ts'

const NAMES = ['amount', 'user_amount_to_mean', 'device_type_code']

const LINEAR: LogisticRegressionModel = {
  kind: 'logistic_regression',
  featureNames: NAMES,
  means: [50, 1, 0],
  scales: [10, 2, 1],
  coefficients: [0.5, 1, -1],
  intercept: -3,
  iterations: 1,
  converged: true,
}

/** One split on the ratio: 6 rows of 10 are below 3 and lose 1, the others gain 2. */
const TREE: TreeEnsembleModel = {
  kind: 'gradient_boosting',
  featureNames: NAMES,
  link: 'logistic',
  base: -1,
  trees: [
    {
      feature: [1, -1, -1],
      threshold: [3, 0, 0],
      left: [1, 0, 0],
      missingLeft: [1, 0, 0],
      value: [0, -1, 2],
      cover: [10, 6, 4],
      gain: [1, 0, 0],
    },
  ],
}

describe('the explainer of an artifact', () => {
  test('tells what a logistic regression added up', () => {
    const explainer = createScoreExplainer(artifactOf(LINEAR), 'here')
    expect(explainer.featureNames).toEqual(NAMES)
    expect(explainer.reasonsOne([0, 70, 9, 1], 3, 1)).toEqual([
      reason('user_amount_to_mean', 9, 4, "amount is 9 times the user's mean"),
      reason('amount', 70, 1, 'amount is 70.00'),
      reason('device_type_code', 'tablet', -1, 'device type is "tablet"'),
    ])
  })

  test('tells what trees decided, against what they decide on average', () => {
    const { reasonsOne } = createScoreExplainer(artifactOf(TREE), 'here')
    // The average leaf is -1 * 0.6 + 2 * 0.4 = 0.2.
    const [only, ...others] = reasonsOne([70, 9.4, 0], 3)
    expect(others).toEqual([])
    expect(only).toMatchObject({ feature: 'user_amount_to_mean', direction: 'raises' })
    expect(only?.contribution).toBeCloseTo(1.8, 12)
    expect(reasonsOne([70, 1, 0], 3)[0]).toMatchObject({
      direction: 'lowers',
      text: "amount is the user's mean, or the first",
    })
  })

  test('explains a number that counts as missing as what is missing', () => {
    const { reasonsOne } = createScoreExplainer(artifactOf({ ...TREE, missingValue: 9.4 }), 'here')
    const [only] = reasonsOne([70, 9.4, 0], 3)
    // Missing goes left and loses 1: 1.2 less than the average.
    expect(only).toMatchObject({ feature: 'user_amount_to_mean', direction: 'lowers' })
    expect(only?.contribution).toBeCloseTo(-1.2, 12)
  })

  test('refuses an artifact whose model reads what its settings do not compute', () => {
    const stranger = { ...LINEAR, featureNames: ['amount', 'shoe_size', 'device_type_code'] }
    expect(() => createScoreExplainer(artifactOf(stranger), 'here')).toThrow(
      expect.objectContaining({
        code: 'MODEL_ARTIFACT_REFUSED',
        message: expect.stringMatching(/here.*"shoe_size"/),
      }),
    )
  })
})

const artifactOf = (model: Artifact['model']): Pick<Artifact, 'manifest' | 'model'> => {
  const { features, labels } = loadTrainingConfig({
    environment: {},
    assignments: [],
    workingDirectory: '/',
  }).settings
  const fitted = {
    amountBandEdgesMinor: [],
    vocabularies: {
      merchant_category: [],
      transaction_type: [],
      device_type: [
        { value: 'phone', share: 0.5 },
        { value: 'tablet', share: 0.5 },
      ],
    },
  }
  const manifest = {
    ...contentsOf(model).manifest,
    featureSettings: { features, labels },
    fitted: { features: fitted, cleaning: {} },
  } as unknown as Artifact['manifest']
  return { manifest, model }
}

const reason = (feature: string, value: number | string, contribution: number, text: string) => ({
  feature,
  value,
  contribution,
  text,
  direction: contribution > 0 ? 'raises' : 'lowers',
})
