import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogisticRegressionModel } from '../learning/logistic-regression.ts'
import { type ArtifactParts, decodeArtifact, encodeArtifact } from './artifact.ts'
import { createScorer } from './scorer.ts'

const MODEL: LogisticRegressionModel = {
  kind: 'logistic_regression',
  featureNames: ['amount', 'hour'],
  means: [10, 12],
  scales: [2.5, 6.1],
  coefficients: [0.1, -1 / 3],
  intercept: -2,
  iterations: 6,
  converged: true,
}

const PARTS: ArtifactParts = {
  project: 'test',
  featureSettings: { features: { time_zone: 'UTC' }, labels: { delay: '7d' } },
  fitted: { features: { amountBandEdgesMinor: [100, 200] }, cleaning: { version: 1 } },
  threshold: 0.1 + 0.2,
  riskLevels: { medium: 0.1, high: 0.5, critical: 0.9 },
  data: 'generated',
  split: { method: 'temporal' },
  seed: 7,
  codeVersion: 'abc',
  metrics: { test: { rocAuc: 0.9 } },
  model: MODEL,
}

describe('an artifact', () => {
  test('comes back from its files as it was, to the bit', () => {
    const { manifest, model } = decodeArtifact(encodeArtifact(PARTS), 'here')
    expect(model).toStrictEqual(PARTS.model)
    expect(manifest.threshold).toBe(0.1 + 0.2)
    expect(manifest.fitted).toEqual(PARTS.fitted)
    expect(manifest.features.names).toEqual(['amount', 'hour'])
  })

  test('of equal parts has equal bytes, whatever the order of their keys', () => {
    const reversed = Object.fromEntries(Object.entries(PARTS).toReversed()) as unknown as ArtifactParts
    expect(encodeArtifact(reversed)).toEqual(encodeArtifact(PARTS))
  })

  test('is refused when any byte of any file is another', () => {
    const files = encodeArtifact(PARTS)
    fc.assert(
      fc.property(
        fc.constantFrom(...files.keys()),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (name, at, change) => {
          const bytes = files.get(name)!.slice()
          bytes[at % bytes.length]! ^= change
          expect(() => decodeArtifact(new Map([...files, [name, bytes]]), 'here')).toThrow('is refused')
        },
      ),
      { numRuns: 500 },
    )
  })

  test.each(['manifest.json', 'model.json', 'checksums.json'])('is refused without its %s', (name) => {
    const files = new Map(encodeArtifact(PARTS))
    files.delete(name)
    expect(() => decodeArtifact(files, 'here')).toThrow(`${name}: it is missing`)
  })

  test('is refused when it is cut short', () => {
    const files = encodeArtifact(PARTS)
    const cut = new Map([...files, ['model.json', files.get('model.json')!.subarray(0, 40)]] as const)
    expect(() => decodeArtifact(cut, 'here')).toThrow(
      'model.json: its SHA-256 is not the one in checksums.json',
    )
  })

  test('is refused when its model has not one weight for each feature', () => {
    const files = encodeArtifact({ ...PARTS, model: { ...MODEL, coefficients: [1] } })
    expect(() => decodeArtifact(files, 'here')).toThrow(
      'model.json: it has not one weight for each of 2 features',
    )
  })

  test('of another kind of model is refused, and the message says where', () => {
    const model = { ...MODEL, kind: 'oracle' } as unknown as LogisticRegressionModel
    expect(() => decodeArtifact(encodeArtifact({ ...PARTS, model }), 'runs/x')).toThrow(
      'The model in runs/x is refused: model.json: /kind',
    )
  })

  test('with a field that nobody knows is refused', () => {
    const parts = { ...PARTS, run: 'code()' } as ArtifactParts
    expect(() => decodeArtifact(encodeArtifact(parts), 'here')).toThrow(
      'manifest.json: it must NOT have additional',
    )
  })
})

describe('a scorer', () => {
  const scorer = createScorer(decodeArtifact(encodeArtifact({ ...PARTS, threshold: 0.5 }), 'here'))

  test('gives a row alone the bits that it has among others', () => {
    const columns = [Float64Array.of(1, 50, Number.NaN), Float64Array.of(3, 23, 12)]
    const out = new Float64Array(3)
    scorer.scoreMany({ names: scorer.featureNames, rowCount: 3, columns }, out)
    for (let row = 0; row < 3; row++) {
      expect(Object.is(out[row], scorer.scoreOne([columns[0]![row]!, columns[1]![row]!]))).toBe(true)
    }
  })

  test('at the means, the probability is that of the intercept', () => {
    expect(scorer.scoreOne([10, 12])).toBe(1 / (1 + Math.exp(2)))
  })

  test('flags from the threshold on, itself included', () => {
    expect([0.4999, 0.5, 0.7].map((probability) => scorer.isFlagged(probability))).toEqual([
      false,
      true,
      true,
    ])
  })

  test('names risk levels from their bounds on', () => {
    const levels = [0, 0.1, 0.49, 0.5, 0.9, 1].map((probability) => scorer.riskLevel(probability))
    expect(levels).toEqual(['low', 'medium', 'medium', 'high', 'critical', 'critical'])
  })
})
