import type { ArtifactContents } from '../model/artifact.ts'
import { profileCodes, profileNumbers } from '../model/reference-profile.ts'

/** An artifact that has this model; all else in it is made up, and valid. */
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
