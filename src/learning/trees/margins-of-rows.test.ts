import fc from 'fast-check'
import { expect, test } from 'vitest'
import { flattenTrees, marginOfTrees } from './flat-trees.ts'
import { createMarginsOfRows } from './margins-of-rows.ts'
import type { Tree, TreeEnsembleModel } from './tree-ensemble.ts'

test('law: many rows have the bits that each has alone, whatever the block it falls in', () => {
  fc.assert(
    fc.property(fc.boolean(), rows, (hasCategories, values) => {
      const trees = flattenTrees(modelOf(hasCategories))
      const columns = [0, 1].map((f) => Float64Array.from(values, (row) => row[f]!))
      const out = new Float64Array(values.length)
      createMarginsOfRows(trees)(columns, values.length, out)
      values.forEach((row, index) => {
        expect(Object.is(out[index], marginOfTrees(trees, row))).toBe(true)
      })
    }),
    { numRuns: 100 },
  )
})

test('a call leaves nothing behind that changes the next one', () => {
  const marginsOf = createMarginsOfRows(flattenTrees(modelOf(false)))
  const once = new Float64Array(1)
  marginsOf([Float64Array.of(0.1), Float64Array.of(1)], 1, once)
  const many = new Float64Array(300)
  marginsOf([new Float64Array(300).fill(9), new Float64Array(300).fill(Number.NaN)], 300, many)
  const again = new Float64Array(1)
  marginsOf([Float64Array.of(0.1), Float64Array.of(1)], 1, again)
  expect(again).toEqual(once)
})

const value = fc.oneof(fc.integer({ min: -2, max: 4 }), fc.constant(Number.NaN), fc.double())
const rows = fc.array(fc.tuple(value, value), { maxLength: 400, size: 'max' })

const stump = (feature: number, threshold: number, left: number, right: number): Tree => ({
  feature: [feature, -1, -1],
  threshold: [threshold, 0, 0],
  left: [1, 0, 0],
  missingLeft: [feature, 0, 0],
  value: [0, left, right],
  cover: [2, 1, 1],
  gain: [1, 0, 0],
})

/** Leaves whose sum depends on the order in which they are added. */
const modelOf = (hasCategories: boolean): TreeEnsembleModel => ({
  kind: 'gradient_boosting',
  featureNames: ['a', 'b'],
  link: 'logistic',
  base: 0.1,
  trees: [
    stump(0, 0.5, 0.1, 1 / 3),
    { ...stump(1, 0, 1e9, -1e9), ...(hasCategories && { categories: { '0': [-1, 1, 3] } }) },
    stump(1, 2, 0.2, 1 / 7),
    stump(0, 1, -1e9, 0.7),
  ],
})
