import { describe, expect, test } from 'vitest'
import { createRandom } from '../../foundation/random.ts'
import type { TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'
import { coefficientsOf, importanceByGain, importanceByShuffling } from './feature-importances.ts'

const MODEL: TreeEnsembleModel = {
  kind: 'gradient_boosting',
  featureNames: ['telling', 'noise', 'unused'],
  link: 'logistic',
  base: 0,
  trees: [
    {
      feature: [0, -1, 1, -1, -1],
      threshold: [0.5, 0, 0.5, 0, 0],
      left: [1, 0, 3, 0, 0],
      missingLeft: [0, 0, 0, 0, 0],
      value: [0, -1, 0, 1, 1],
      cover: [4, 2, 2, 1, 1],
      gain: [3, 0, 1, 0, 0],
    },
  ],
}

describe('gain importance', () => {
  test('is the share of each feature in what the splits gained', () => {
    expect(importanceByGain(MODEL)).toEqual([
      { feature: 'telling', share: 0.75 },
      { feature: 'noise', share: 0.25 },
      { feature: 'unused', share: 0 },
    ])
  })
})

describe('permutation importance', () => {
  const random = createRandom(1)
  const labels = Uint8Array.from({ length: 400 }, () => random.integer(2))
  const telling = Float64Array.from(labels)
  const noise = Float64Array.from(labels, () => random.next())
  const table = {
    names: MODEL.featureNames,
    rowCount: 400,
    columns: [telling, noise, noise],
  }
  test('falls to the share of frauds without the one feature that tells them, and not at all without others', () => {
    const [first, ...others] = importanceByShuffling(MODEL, { table, labels }, { seed: 1, repeats: 3 })
    const share = labels.reduce((sum, label) => sum + label, 0) / 400
    expect(first!.feature).toBe('telling')
    expect(first!.drop).toBeGreaterThan(0.7 * (1 - share))
    expect(others).toEqual([
      { feature: 'noise', drop: 0, deviation: 0 },
      { feature: 'unused', drop: 0, deviation: 0 },
    ])
  })

  test('is the same each time', () => {
    const once = importanceByShuffling(MODEL, { table, labels }, { seed: 1, repeats: 3 })
    expect(importanceByShuffling(MODEL, { table, labels }, { seed: 1, repeats: 3 })).toEqual(once)
  })

  test('looks at no more rows than allowed', () => {
    const of = (maxRows: number) =>
      importanceByShuffling(MODEL, { table, labels }, { seed: 1, repeats: 3, maxRows })
    expect(of(1000)).toEqual(of(400))
    expect(of(50)).not.toEqual(of(400))
  })

  test('of a linear model is larger for the larger weight', () => {
    const linear = {
      kind: 'logistic_regression',
      featureNames: MODEL.featureNames,
      means: [0, 0, 0],
      scales: [1, 1, 1],
      coefficients: [3, 0.5, 0],
      intercept: -1,
      iterations: 1,
      converged: true,
    } as const
    const found = importanceByShuffling(linear, { table, labels }, { seed: 1, repeats: 3 })
    expect(found[0]!.feature).toBe('telling')
    expect(found.at(-1)).toEqual({ feature: 'unused', drop: 0, deviation: 0 })
  })

  test('is empty where rows have one class', () => {
    expect(
      importanceByShuffling(MODEL, { table, labels: labels.map(() => 0) }, { seed: 1, repeats: 3 }),
    ).toEqual([])
  })
})

test('coefficients stand by their size, whatever their sign', () => {
  const model = {
    kind: 'logistic_regression',
    featureNames: ['a', 'b'],
    means: [0, 0],
    scales: [1, 1],
    coefficients: [0.5, -2],
    intercept: 0,
    iterations: 1,
    converged: true,
  } as const
  expect(coefficientsOf(model).map(({ feature }) => feature)).toEqual(['b', 'a'])
})
