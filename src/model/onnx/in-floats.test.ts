import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Tree, TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'
import { LINEAR, TREES } from '../artifact.test-kit.ts'
import { createModelScorer } from '../scorer.ts'
import { compareFloats } from './compare-floats.ts'
import { calibrationInFloats, inFloats } from './in-floats.ts'

const NONE = { method: 'none' } as const

describe('a model in floats', () => {
  test('law: rows of floats take the same leaves', () => {
    fc.assert(
      fc.property(fc.array(threshold, { minLength: 1, maxLength: 20 }), fc.array(float), (bounds, values) => {
        const model = stumps(bounds)
        const original = createModelScorer(model, NONE)
        const rounded = createModelScorer(inFloats(model)!, NONE)
        for (const value of [...values, ...bounds.map(Math.fround)])
          expect(rounded.marginOne([value]), `${value}`).toBe(original.marginOne([value]))
      }),
    )
  })

  test('a threshold between two floats becomes the upper one, a float stays, the greatest become Infinity', () => {
    const { trees } = inFloats(stumps([0.3, 0.5, 1e39, -1e39])) as TreeEnsembleModel
    expect(trees.map(({ threshold }) => threshold[0])).toEqual([
      Math.fround(0.3),
      0.5,
      Number.POSITIVE_INFINITY,
      -3.4028234663852886e38,
    ])
  })

  test('there is none where a number is beyond the floats', () => {
    expect(inFloats({ ...TREES, base: 1e39 })).toBeUndefined()
    expect(inFloats({ ...LINEAR, means: [1e39, 0] })).toBeUndefined()
    expect(inFloats({ ...LINEAR, scales: [1e-50, 1] })).toBeUndefined()
  })

  test('points of an isotonic line that are one float become one, with the height of the last', () => {
    const line = { method: 'isotonic', x: [0.25, 0.5, 0.5 + 1e-12], y: [0, 0.25, 0.75] } as const
    expect(calibrationInFloats(line)).toEqual({ method: 'isotonic', x: [0.25, 0.5], y: [0, 0.75] })
  })
})

describe('what floats change', () => {
  // 0.3 is below 0.1 + 0.2, and the float next to it is not.
  const model = stumps([0.1 + 0.2])
  const table = { names: ['x'], rowCount: 4, columns: [Float64Array.of(0.3, 0.5, 0.25, Number.NaN)] }

  test('is counted by rows: those that score otherwise, and those that are decided otherwise', () => {
    const low = createModelScorer(model, NONE).scoreOne([0.25])
    const high = createModelScorer(model, NONE).scoreOne([0.5])
    expect(compareFloats(model, NONE, (low + high) / 2, table)).toEqual({
      rows: 4,
      differing: 1,
      flaggedOtherwise: 1,
      largestDifference: Math.abs(high - low),
    })
    expect(compareFloats(model, NONE, 1, table)).toMatchObject({ differing: 1, flaggedOtherwise: 0 })
  })

  test('is nothing on floats, and not asked where the model has no floats', () => {
    const floats = { ...table, columns: [Float64Array.of(0.5, 0.25, 0.125, 4)] }
    expect(compareFloats(model, NONE, 0.5, floats)).toEqual({
      rows: 4,
      differing: 0,
      flaggedOtherwise: 0,
      largestDifference: 0,
    })
    expect(compareFloats({ ...model, base: 1e39 }, NONE, 0.5, table)).toBeUndefined()
  })
})

const threshold = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1, max: 1, noNaN: true }),
)
const float = fc.float({ noNaN: false })

/** A tree for each threshold, whose leaves are floats with an exact sum. */
function stumps(thresholds: readonly number[]): TreeEnsembleModel {
  const trees = thresholds.map(
    (threshold, at): Tree => ({
      feature: [0, -1, -1],
      threshold: [threshold, 0, 0],
      left: [1, 0, 0],
      missingLeft: [(at % 2) as 0 | 1, 0, 0],
      value: [0, 2 ** -at, -(2 ** -at)],
      cover: [2, 1, 1],
      gain: [1, 0, 0],
    }),
  )
  return { kind: 'gradient_boosting', featureNames: ['x'], link: 'logistic', base: 0.5, trees }
}
