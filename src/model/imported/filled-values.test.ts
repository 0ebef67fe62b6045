import { expect, test } from 'vitest'
import type { TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'
import { FILLED_CODE, type FilledWith, withFilledValues } from './filled-values.ts'

/** A split of each kind: below 50 of feature 0, a set of texts of feature 1, one of numbers of feature 2. */
const model = (missingLeft: readonly number[], more: Partial<TreeEnsembleModel> = {}): TreeEnsembleModel => ({
  kind: 'xgboost',
  featureNames: ['amount', 'shop', 'channel_code'],
  link: 'logistic',
  base: 0,
  trees: [
    {
      feature: [0, 1, 2, -1, -1, -1, -1],
      threshold: [50, 0, 0, 0, 0, 0, 0],
      left: [1, 3, 5, 0, 0, 0, 0],
      missingLeft: [...missingLeft, 0, 0, 0, 0],
      value: [0, 0, 0, 1, 2, 3, 4],
      cover: [4, 2, 2, 1, 1, 1, 1],
      gain: [1, 1, 1, 0, 0, 0, 0],
      categories: { 1: [FILLED_CODE, 4], 2: [-1, 3] },
    },
  ],
  ...more,
})

const filled = (
  by: FilledWith,
  missingLeft: readonly number[] = [0, 0, 0],
  more: Partial<TreeEnsembleModel> = {},
) => {
  const [tree] = withFilledValues(model(missingLeft, more), by, new Set([1])).trees
  return { left: tree!.missingLeft.slice(0, 3), categories: tree!.categories }
}

test.each<[string, FilledWith, readonly number[], readonly number[]]>([
  ['a number below the threshold, and categories as they were', { number: -1 }, [0, 0, 1], [1, 0, 1]],
  ['a number above it', { number: 99 }, [1, 1, 1], [0, 1, 1]],
  ['the threshold itself', { number: 50 }, [1, 0, 1], [0, 0, 1]],
  ['a text among the categories', { category: '?' }, [1, 0, 1], [1, 1, 0]],
  ['a number among them', { category: '-1' }, [1, 0, 0], [1, 1, 1]],
  ['both', { number: 3, category: '3' }, [0, 0, 0], [1, 1, 1]],
])('missing values go where what stood for them goes: %s', (_, by, before, after) => {
  expect(filled(by, before).left).toEqual(after)
})

test('the category that stood for them is none that a row can have', () => {
  expect(filled({ category: '?' }).categories).toEqual({ 1: [4], 2: [-1, 3] })
})

test('zeros that count as missing already stay where missing values go', () => {
  expect(filled({ number: 0 }, [1, 0, 0], { zeroIsMissing: [0] }).left).toEqual([1, 0, 0])
  expect(filled({ number: 0 }, [0, 0, 0], { zeroIsMissing: [] }).left).toEqual([1, 0, 0])
})

test('nothing changes where nothing was filled', () => {
  const plain = model([1, 0, 1])
  expect(withFilledValues(plain, {}, new Set())).toBe(plain)
})
