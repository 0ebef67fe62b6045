import { describe, expect, test } from 'vitest'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { walkTree } from '../trees/walk-tree.ts'
import { readLightgbmModel } from './import-model.ts'
import { lightgbmText } from './lightgbm-text.test-kit.ts'

const imported = (text: string): TreeEnsembleModel => {
  const foreign = readLightgbmModel(text)
  const { featureNames, trees } = foreign
  return foreign.convert({ featureNames, trees: trees.scored, categories: new Map() })
}

const leafOf = (text: string, ...row: number[]): number =>
  walkTree(
    imported(text).trees[0]!,
    row.map((value) => Float64Array.of(value)),
    0,
  )

describe('a tree of LightGBM', () => {
  test('sends what is at most the threshold left, compared as doubles', () => {
    const next = 50.00000000000001
    expect(
      [49, 50, next, Number.POSITIVE_INFINITY].map((amount) => leafOf(lightgbmText(), amount, 0)),
    ).toEqual([-1, -1, 0.5, 0.5])
    const zero = lightgbmText({ trees: ['threshold=0 12.5'] })
    expect([-1, -0, 0, Number.MIN_VALUE].map((amount) => leafOf(zero, amount, 0))).toEqual([-1, -1, -1, 0.5])
    const negative = lightgbmText({ trees: ['threshold=-1e-320 12.5'] })
    expect([-1e-319, -1e-320, 0].map((amount) => leafOf(negative, amount, 0))).toEqual([-1, -1, 0.5])
  })

  test.each([
    ['nothing counts as missing, NaN goes where 0 goes', 'decision_type=2 8', 'threshold=50 12.5', -1],
    ['nothing counts as missing, whatever the split says of it', 'decision_type=2 8', 'threshold=-3 12.5', 1],
    ['NaN counts as missing and goes left', 'decision_type=10 8', 'threshold=-3 12.5', -1],
    ['NaN counts as missing and goes right', 'decision_type=8 8', 'threshold=50 12.5', 1],
  ])('where %s', (_, types, thresholds, leaf) => {
    const text = lightgbmText({ trees: [types, thresholds] })
    expect(leafOf(text, Number.NaN, Number.NaN)).toBe(leaf)
  })

  test('takes 0 for missing where the file says so, in those features alone', () => {
    expect(imported(lightgbmText({ trees: ['decision_type=2 6'] })).zeroIsMissing).toEqual([1])
    expect(imported(lightgbmText())).not.toHaveProperty('zeroIsMissing')
    expect(() => imported(lightgbmText({ trees: ['decision_type=2 6', 'split_feature=1 1'] }))).toThrow(
      /tree 0 takes 0 for missing in the feature 1, unlike a tree before it/,
    )
  })

  test('weighs what its leaves weigh, also where the file says 0 of the root', () => {
    expect(imported(lightgbmText()).trees[0]?.cover).toEqual([9, 4, 5, 3, 2])
    const counts = lightgbmText().replace(/leaf_weight.*\n/, '')
    expect(imported(counts).trees[0]?.cover).toEqual([90, 40, 50, 30, 20])
  })
})

describe('what is no model of LightGBM that gives a probability is refused with its place and reason', () => {
  test.each<[string, Parameters<typeof lightgbmText>[0], RegExp]>([
    [
      'an older format',
      { head: ['version=v2'] },
      /version is v2; allowed: v3, v4 \(LightGBM 2\.3 and newer\)/,
    ],
    ['a newer format', { head: ['version=v5'] }, /version is v5; allowed/],
    ['an unknown line of the head', { head: ['tilt=3'] }, /the head's tilt is not known/],
    ['an unknown line of a tree', { trees: ['tilt=3'] }, /tree 0's tilt is not known/],
    [
      'a sigmoid of 0',
      { head: ['objective=binary sigmoid:0'] },
      /objective is binary sigmoid:0; allowed: sigmoid/,
    ],
    ['names twice', { names: 'amount amount' }, /feature_names must be different texts/],
    ['fewer numbers', { trees: ['leaf_value=1 2'] }, /tree 0's leaf_value has 2 numbers; allowed: 3/],
    ['more numbers', { trees: ['threshold=1 2 3'] }, /tree 0's threshold has more than 2 numbers/],
    ['a word', { trees: ['threshold=1 two'] }, /tree 0's threshold\[1\] is two; allowed: a number/],
    ['a gigantic count', { trees: ['num_leaves=4000000000'] }, /have more than 4000000 nodes together/],
    ['a gigantic count of sets', { trees: ['num_cat=4000000000'] }, /cat_boundaries has 0 numbers/],
    ['half a leaf', { trees: ['num_leaves=2.5'] }, /num_leaves is 2\.5; allowed: a whole number from 1/],
    [
      'a feature that is none',
      { trees: ['split_feature=0 7'] },
      /split_feature\[1\] is 7; allowed: a feature from 0 to 1/,
    ],
    [
      'a child that is none',
      { trees: ['left_child=-1 -4'] },
      /left_child\[1\] is -4; allowed: a split from 1 to 1/,
    ],
    ['a loop', { trees: ['right_child=1 1'] }, /leads to its node 1 twice/],
    ['a leaf of two', { trees: ['left_child=-1 -3'] }, /leads to its node -3 twice/],
    [
      'an infinite leaf',
      { trees: ['leaf_value=inf 0 0'] },
      /leaf_value\[0\] is Infinity; allowed: a finite number/,
    ],
    ['an unknown type of split', { trees: ['decision_type=2 12'] }, /decision_type\[1\] is 12; allowed/],
    ['a set that is none', { trees: ['decision_type=1 8'] }, /threshold\[0\] names no set of its 0/],
    [
      'a category beyond all',
      {
        trees: [
          'decision_type=1 8',
          'threshold=0 1',
          'cat_boundaries=0 2049',
          `cat_threshold=${'0 '.repeat(2048)}1`,
        ],
      },
      /has the category 65536; allowed: 0 to 65535/,
    ],
    ['columns that are none', { columns: 7 }, /pandas_categorical is missing or no list/],
    [
      'a category of neither kind',
      { columns: [[null]] },
      /pandas_categorical\[0\]\[0\] is neither a text nor a number/,
    ],
  ])('%s', (_, parts, reason) => {
    expect(() => imported(lightgbmText(parts))).toThrow(reason)
  })

  test('a file that ends too early', () => {
    const text = lightgbmText()
    expect(() => imported(text.slice(0, text.indexOf('Tree=0')))).toThrow(
      /tree 0 is missing: the file has "its end"/,
    )
    expect(() => imported(text.slice(0, text.indexOf('end of trees')))).toThrow(
      /tree 1 is missing: .*"its end"/,
    )
    expect(() => imported(text.replace('end of trees', 'Tree=2'))).toThrow(/tree 1 is missing: .*"Tree=2"/)
  })
})
