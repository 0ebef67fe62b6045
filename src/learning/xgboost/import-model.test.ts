import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { walkTree } from '../trees/walk-tree.ts'
import { importXgboostModel } from './import-model.ts'

interface Recorded {
  readonly name: string
  readonly model: unknown
  readonly rows: readonly (readonly (number | null)[])[]
  readonly probabilities: readonly number[]
}

const { cases } = JSON.parse(readFileSync('test/golden/xgboost-models.json', 'utf8')) as {
  cases: readonly Recorded[]
}

/** Categories are the feature's own values. */
const VALUES = { categoryShift: 0 }

/** Below 0.5 is -1, else 1. */
const STUMP = {
  left_children: [1, -1, -1],
  right_children: [2, -1, -1],
  split_indices: [0, 0, 0],
  split_conditions: [0.5, -1, 1],
  default_left: [1, 0, 0],
  sum_hessian: [2, 1, 1],
  loss_changes: [3, 0, 0],
}

/** Categories 3 and 5 are 2, all else is 1, as is what is missing. */
const CATEGORICAL = {
  ...STUMP,
  split_conditions: [0, 1, 2],
  split_type: [1, 0, 0],
  categories: [3, 5],
  categories_nodes: [0],
  categories_segments: [0],
  categories_sizes: [2],
}

interface ModelParts {
  readonly trees?: readonly object[]
  readonly base?: string
  readonly objective?: string
  readonly booster?: string
  readonly features?: string
}

function modelText({
  trees = [STUMP],
  base = '5E-1',
  objective = 'binary:logistic',
  booster = 'gbtree',
  features = '1',
}: ModelParts): string {
  return JSON.stringify({
    learner: {
      feature_names: [],
      learner_model_param: { base_score: base, num_class: '0', num_feature: features, num_target: '1' },
      objective: { name: objective },
      gradient_booster: { name: booster, model: { trees } },
    },
    version: [3, 2, 0],
  })
}

// XGBoost adds leaves in floats, ours in doubles: paths are the same, sums differ in the 7th digit.
describe('an imported model says what XGBoost says', () => {
  test.each(cases)('$name', ({ model, rows, probabilities }) => {
    const imported = importXgboostModel(JSON.stringify(model), VALUES)
    expect(imported.featureNames).toEqual(['amount', 'seconds', 'channel', 'balance'])
    const got = rows.map((row) => probabilityOf(imported, row))
    const differences = got.map((probability, row) => Math.abs(probability - probabilities[row]!))
    expect(Math.max(...differences)).toBeLessThan(1e-6)
    // Clearly different there means the same order here.
    for (const [row, probability] of probabilities.entries())
      for (const [other, lower] of probabilities.entries())
        if (lower < probability - 2e-6) expect(got[other]).toBeLessThan(got[row]!)
  })

  test('an unseen category goes where none of the categories go', () => {
    const imported = importXgboostModel(modelText({ trees: [CATEGORICAL] }), VALUES)
    expect(
      [3, 5, 4, -1, 1000].map((code) => walkTree(imported.trees[0]!, [Float64Array.of(code)], 0)),
    ).toEqual([2, 2, 1, 1, 1])
    expect(walkTree(imported.trees[0]!, [Float64Array.of(Number.NaN)], 0)).toBe(1)
  })

  test('splits by category are refused unless somebody says what they mean', () => {
    expect(() => importXgboostModel(modelText({ trees: [CATEGORICAL] }))).toThrow(/has splits by category/)
  })

  test('base_score may be a number or a list of one', () => {
    const bases = ['2E-1', '[2E-1]'].map((base) => importXgboostModel(modelText({ base })).base)
    expect(bases[0]).toBeCloseTo(Math.log(0.25), 6)
    expect(bases[1]).toBe(bases[0])
  })

  test('features without names are f0, f1, ..., unless names are given', () => {
    expect(importXgboostModel(modelText({})).featureNames).toEqual(['f0'])
    expect(importXgboostModel(modelText({}), { featureNames: ['amount'] }).featureNames).toEqual(['amount'])
  })

  test('the NaN that 1.7 writes as the threshold of categories is read, elsewhere it is refused', () => {
    const [categorical, numeric] = [CATEGORICAL, STUMP].map((stump) =>
      modelText({ trees: [{ ...stump, split_conditions: ['nan', 1, 2] }] }).replace('"nan"', 'NaN'),
    )
    expect(importXgboostModel(categorical!, VALUES)).toEqual(
      importXgboostModel(modelText({ trees: [CATEGORICAL] }), VALUES),
    )
    expect(() => importXgboostModel(numeric!)).toThrow(/split_conditions\[0\] is NaN/)
  })

  test('an infinite threshold, which is no JSON, is read', () => {
    const tree = { ...STUMP, split_conditions: ['inf', -1, 1] }
    const text = modelText({ trees: [tree] }).replace('"inf"', '-Infinity')
    expect(walkTree(importXgboostModel(text).trees[0]!, [Float64Array.of(-1e300)], 0)).toBe(1)
  })
})

describe('what cannot be imported is refused with its place and reason', () => {
  test.each([
    ['binf', /the model is of XGBoost's old binary format/],
    ['{L\u0000\u0000', /the model is neither JSON, UBJSON, ONNX nor/],
    ['[{"nodeid": 0}]', /is what dump_model writes/],
    ['\u0080\u0005', /is a Python pickle/],
    ['{"learner": ', /the model is no valid JSON/],
    ['{}', /learner is missing or no object/],
    [
      modelText({ objective: 'rank:ndcg' }),
      /learner\.objective\.name is rank:ndcg, whose scores rank and are no probabilities/,
    ],
    [modelText({ base: '1.5' }), /base_score is 1\.5; allowed: one probability/],
    [modelText({ base: '[5E-1,5E-1]' }), /base_score is \[5E-1,5E-1\]/],
    [modelText({ features: '1e99' }), /num_feature is 1e99; allowed: a whole number from 1 to 100000/],
    [modelText({ booster: 'gblinear' }), /gradient_booster\.name is gblinear; allowed: gbtree, dart/],
    [modelText({ trees: [{ ...STUMP, left_children: [0, -1, -1] }] }), /trees\[0\]\.left_children\[0\] is 0/],
    [modelText({ trees: [{ ...STUMP, right_children: [1, -1, -1] }] }), /leads to its node 1 twice/],
    [modelText({ trees: [{ ...STUMP, right_children: [9, -1, -1] }] }), /right_children\[0\] is 9/],
    [
      modelText({ trees: [{ ...STUMP, split_indices: [1, 0, 0] }] }),
      /split_indices\[0\] is 1; allowed: a fe/,
    ],
    [
      modelText({ trees: [{ ...STUMP, split_conditions: [0.5, 'x', 1] }] }),
      /split_conditions\[1\] is no number/,
    ],
    [modelText({ trees: [{ ...STUMP, sum_hessian: [2, 1] }] }), /sum_hessian has 2 values for 3 nodes/],
    [modelText({ trees: [{ ...STUMP, tree_param: { size_leaf_vector: '3' } }] }), /leaves of several values/],
    [modelText({ trees: [{ ...CATEGORICAL, categories_sizes: [3] }] }), /outside of the 2 categories/],
    [modelText({ trees: [{ ...CATEGORICAL, categories: [3, 1e9] }] }), /categories\[1\] is 1000000000/],
    [modelText({ trees: [{ ...CATEGORICAL, categories_nodes: [1] }] }), /categories_nodes\[0\] is 1/],
    [modelText({ trees: [{}] }), /trees\[0\]\.left_children is missing or no list/],
  ])('%.60s', (text, reason) => {
    expect(() => importXgboostModel(text, VALUES)).toThrow(reason)
  })
})

const probabilityOf = (
  model: ReturnType<typeof importXgboostModel>,
  row: readonly (number | null)[],
): number => {
  const columns = row.map((value) => Float64Array.of(value ?? Number.NaN))
  const margin = model.trees.reduce((sum, tree) => sum + walkTree(tree, columns, 0), model.base)
  return 1 / (1 + Math.exp(-margin))
}
