import type { LogisticRegressionModel } from '../learning/logistic-regression.ts'
import type { TreeEnsembleModel } from '../learning/trees/tree-ensemble.ts'
import type { ArtifactContents } from './artifact.ts'
import { profileCodes, profileNumbers } from './reference-profile.ts'

export const LINEAR: LogisticRegressionModel = {
  kind: 'logistic_regression',
  featureNames: ['amount', 'category'],
  means: [10, 12],
  scales: [2.5, 6.1],
  coefficients: [0.1, -1 / 3],
  intercept: -2,
  iterations: 6,
  converged: true,
}

/**
 * amount < 100: then -1. Otherwise categories 0 and 2 give 0.5, the others 2. Missing amounts are left,
 * missing categories right.
 */
export const TREES: TreeEnsembleModel = {
  kind: 'gradient_boosting',
  featureNames: ['amount', 'category'],
  link: 'logistic',
  base: -1,
  trees: [
    {
      feature: [0, -1, 1, -1, -1],
      threshold: [100, 0, 0, 0, 0],
      left: [1, 0, 3, 0, 0],
      missingLeft: [1, 0, 0, 0, 0],
      value: [0, -1, 0, 0.5, 2],
      cover: [10, 6, 4, 1, 3],
      gain: [5, 0, 2, 0, 0],
      categories: { '2': [0, 2] },
    },
    {
      feature: [0, -1, -1],
      threshold: [0.1 + 0.2, 0, 0],
      left: [1, 0, 0],
      missingLeft: [0, 0, 0],
      value: [0, -1 / 3, 1 / 7],
      cover: [10, 5, 5],
      gain: [1, 0, 0],
    },
  ],
}

export const contentsOf = (model: ArtifactContents['model']): ArtifactContents => ({
  manifest: {
    project: 'test',
    model: { title: 'A model', settings: { trees: 2 }, library: null },
    featureSettings: { features: { time_zone: 'UTC' }, labels: { delay: '7d' } },
    fitted: { features: { amountBandEdgesMinor: [100, 200] }, cleaning: { version: 1 } },
    selection: {
      methods: ['constants dropped'],
      dropped: [{ feature: 'hour', reason: 'always 3' }],
    },
    calibration: { method: 'isotonic', x: [0.1, 0.2, 0.9], y: [0, 0.5, 1] },
    calibrationChoice: 'isotonic, the lowest log loss on validation',
    threshold: 0.1 + 0.2,
    thresholdChoice: 'best F1 on validation',
    riskLevels: { medium: 0.1, high: 0.5, critical: 0.9 },
    candidates: [],
    chosenBy: 'the highest ROC-AUC on validation',
    data: 'generated',
    split: { method: 'temporal' },
    seed: 7,
    codeVersion: 'abc',
    metrics: { test: { rocAuc: 0.9 } },
  },
  model,
  categorical: ['category'],
  onnx: Uint8Array.of(8, 7, 18, 5, 86, 105, 103),
  reference: {
    schema: 1,
    rows: 3,
    features: {
      amount: profileNumbers(Float64Array.of(1, 2, 300)),
      category: profileCodes(Float64Array.of(0, 2, -1)),
    },
    score: { part: 'validation', profile: profileNumbers(Float64Array.of(0.1, 0.4)) },
  },
})
