import { describe, expect, test } from 'vitest'
import type { TreeEnsembleModel } from '../trees/tree-ensemble.ts'
import { walkTree } from '../trees/walk-tree.ts'
import { readOnnxModel } from './import-model.ts'
import {
  field,
  floats,
  inputOf,
  integer,
  integers,
  nodeOf,
  onnxFile,
  text,
  texts,
  treeNode,
} from './onnx-file.test-kit.ts'

type Attributes = Readonly<Record<string, Uint8Array>>

/** One split on the feature 1, at most 0.5: leaves of 0.25 and 0.75 of the label 1. */
const CLASSIFIER = {
  classlabels_int64s: integers(0, 1),
  nodes_treeids: integers(0, 0, 0),
  nodes_nodeids: integers(0, 1, 2),
  nodes_featureids: integers(1, 0, 0),
  nodes_modes: texts('BRANCH_LEQ', 'LEAF', 'LEAF'),
  nodes_values: floats(0.5, 0, 0),
  nodes_truenodeids: integers(1, 0, 0),
  nodes_falsenodeids: integers(2, 0, 0),
  class_treeids: integers(0, 0),
  class_nodeids: integers(1, 2),
  class_ids: integers(1, 1),
  class_weights: floats(0.25, 0.75),
} satisfies Attributes

const { classlabels_int64s, class_treeids, class_nodeids, class_ids, class_weights, ...NODES } = CLASSIFIER
const REGRESSOR = {
  ...NODES,
  target_treeids: class_treeids,
  target_nodeids: class_nodeids,
  target_ids: integers(0, 0),
  target_weights: class_weights,
} satisfies Attributes
const NEWER = {
  tree_roots: integers(0),
  nodes_modes: integers(0),
  nodes_featureids: integers(1),
  nodes_splits: floats(0.5),
  nodes_truenodeids: integers(0),
  nodes_trueleafs: integers(1),
  nodes_falsenodeids: integers(1),
  nodes_falseleafs: integers(1),
  leaf_targetids: integers(0, 0),
  leaf_weights: floats(0.25, 0.75),
} satisfies Attributes

const X = inputOf('x', 2)
const LABEL = field(12, field(1, 'y'))
const PROBABILITIES = field(12, field(1, 'z'))

const classifier = (change: Attributes = {}, ...rest: readonly Uint8Array[]): Buffer =>
  onnxFile(X, LABEL, PROBABILITIES, treeNode('TreeEnsembleClassifier', { ...CLASSIFIER, ...change }), ...rest)

const regressor = (change: Attributes = {}, ...rest: readonly Uint8Array[]): Buffer =>
  onnxFile(X, LABEL, treeNode('TreeEnsembleRegressor', { ...REGRESSOR, ...change }), ...rest)

const newer = (change: Attributes = {}): Buffer =>
  onnxFile(X, LABEL, treeNode('TreeEnsemble', { ...NEWER, ...change }))

const converted = (file: Uint8Array): TreeEnsembleModel => {
  const foreign = readOnnxModel(file)
  const { featureNames } = foreign
  return foreign.convert({ featureNames, trees: foreign.trees.scored, categories: new Map() })
}

const marginOf = (file: Uint8Array, ...row: readonly number[]): number => {
  const { trees, base } = converted(file)
  const columns = row.map((value) => Float64Array.of(value))
  return trees.reduce((sum, tree) => sum + walkTree(tree, columns, 0), base)
}

describe('trees in ONNX', () => {
  test('are read from the three operators', () => {
    for (const file of [classifier(), regressor(), newer()]) {
      expect([marginOf(file, 9, 0.5), marginOf(file, 9, 0.51)]).toEqual([0.25, 0.75])
      expect(marginOf(file, 9, Number.NaN)).toBe(0.75)
    }
    expect(readOnnxModel(classifier())).toMatchObject({
      classes: ['0', '1'],
      featureNames: ['0', '1'],
      isNamedByPlace: true,
    })
  })

  test('compare floats where they are fed with floats, and doubles where with doubles', () => {
    const value = 0.5 + 2 ** -30
    expect(marginOf(classifier(), 9, value)).toBe(0.25)
    const doubles = onnxFile(
      inputOf('x', 2, 11),
      LABEL,
      PROBABILITIES,
      treeNode('TreeEnsembleClassifier', CLASSIFIER),
    )
    expect(marginOf(doubles, 9, value)).toBe(0.75)
    expect(marginOf(doubles, 9, 0.5)).toBe(0.25)
  })

  test('add what is done to their sum before it is a probability', () => {
    const numbers = (name: string, value: number) =>
      field(5, Buffer.concat([integer(2, 1), field(8, name), field(4, floats(value).subarray(2))]))
    const file = regressor(
      {},
      numbers('two', 2),
      numbers('three', 3),
      nodeOf('Mul', { inputs: ['y', 'two'], outputs: ['a'] }),
      nodeOf('Add', { inputs: ['a', 'three'], outputs: ['b'] }),
      nodeOf('Sigmoid', { inputs: ['b'], outputs: ['c'] }),
    )
    expect(converted(file).link).toBe('logistic')
    expect(marginOf(file, 9, 0)).toBe(2 * 0.25 + 3)
  })

  test('send what is missing where they say', () => {
    expect(marginOf(classifier({ nodes_missing_value_tracks_true: integers(1, 0, 0) }), 9, Number.NaN)).toBe(
      0.25,
    )
  })

  const modes = (mode: string) => ({
    nodes_modes: texts(mode, 'LEAF', 'LEAF'),
    nodes_values: floats(3, 0, 0),
  })

  test.each<[string, readonly (readonly [value: number, weight: number])[]]>([
    [
      'BRANCH_LT',
      [
        [2, 0.25],
        [3, 0.75],
        [4, 0.75],
      ],
    ],
    [
      'BRANCH_GTE',
      [
        [2, 0.75],
        [3, 0.25],
        [4, 0.25],
      ],
    ],
    [
      'BRANCH_GT',
      [
        [2, 0.75],
        [3, 0.75],
        [4, 0.25],
      ],
    ],
    [
      'BRANCH_EQ',
      [
        [2, 0.75],
        [3, 0.25],
        [Number.NaN, 0.75],
      ],
    ],
    [
      'BRANCH_NEQ',
      [
        [2, 0.25],
        [3, 0.75],
        [Number.NaN, 0.25],
      ],
    ],
  ])('compare as they say: %s', (mode, expected) => {
    const file = classifier(modes(mode))
    expect(expected.map(([value]) => [value, marginOf(file, 9, value)])).toEqual(expected)
  })
})

describe('malformed trees in ONNX are refused with the place', () => {
  test.each<[string, Buffer, string]>([
    ['two roots', classifier({ nodes_truenodeids: integers(2, 0, 0) }), 'has two roots of tree 0'],
    [
      'no root',
      classifier({
        nodes_truenodeids: integers(0, 0, 0),
        nodes_falsenodeids: integers(1, 0, 0),
        nodes_modes: texts('BRANCH_LEQ', 'BRANCH_LEQ', 'LEAF'),
      }),
      'TreeEnsembleClassifier',
    ],
    [
      'a child that is none',
      classifier({ nodes_truenodeids: integers(7, 0, 0) }),
      'nodes_truenodeids names the node 7 of tree 0',
    ],
    [
      'a node twice',
      classifier({ nodes_nodeids: integers(0, 1, 1) }),
      'nodes_nodeids[2] is of another node of the tree too',
    ],
    [
      'lists of several lengths',
      classifier({ nodes_featureids: integers(1, 0) }),
      'nodes_featureids has 2 for 3 nodes',
    ],
    ['fewer thresholds', classifier({ nodes_values: floats(0.5) }), 'nodes_values has 1 for 3 nodes'],
    [
      'another comparison',
      classifier({ nodes_modes: texts('BRANCH_NEAR', 'LEAF', 'LEAF') }),
      'nodes_modes[0] is BRANCH_NEAR',
    ],
    ['a feature that is none', classifier({ nodes_featureids: integers(2, 0, 0) }), 'feature'],
    [
      'weights of what is no leaf',
      classifier({ class_nodeids: integers(0, 2) }),
      'class_nodeids[0] is no leaf',
    ],
    [
      'weights of a third label',
      classifier({ class_ids: integers(1, 2) }),
      'class_ids[1] is 2; allowed: 0 and 1',
    ],
    ['fewer weights', classifier({ class_weights: floats(0.25) }), 'class_ids are 2 for 1 weights'],
    [
      'an infinite weight',
      classifier({ class_weights: floats(0.25, Number.POSITIVE_INFINITY) }),
      'class_weights[1] is no finite number',
    ],
    [
      'a number where a list is due',
      classifier({ class_ids: integer(3, 1) }),
      'class_ids is no list of numbers',
    ],
    [
      'three labels',
      classifier({ classlabels_int64s: integers(0, 1, 2) }),
      'classlabels are 3; allowed: two',
    ],
    ['no labels', classifier({ classlabels_int64s: integers() }), 'classlabels are 0; allowed: two'],
    ['another target', regressor({ target_ids: integers(0, 1) }), 'target_ids[1] is 1; allowed: 0'],
    ['several targets', regressor({ n_targets: integer(3, 2) }), 'n_targets is 2'],
    [
      'the greatest of the trees',
      regressor({ aggregate_function: text('MAX') }),
      'aggregate_function is MAX',
    ],
    ['scores above 1', regressor({ target_weights: floats(0.25, 1.5) }), 'give scores from 0.25 to 1.5'],
    [
      'another target of the newer',
      newer({ leaf_targetids: integers(0, 3) }),
      'leaf_targetids[1] is 3; allowed: 0',
    ],
    ['a leaf that is none', newer({ nodes_truenodeids: integers(5) }), 'nodes_truenodeids names the leaf 5'],
    [
      'a node that is none',
      newer({ nodes_trueleafs: integers(0), nodes_truenodeids: integers(5) }),
      'names the node 5',
    ],
    ['a root that is none', newer({ tree_roots: integers(4) }), 'tree_roots names the node 4'],
    ['another mode', newer({ nodes_modes: integers(9) }), 'nodes_modes[0] is 9; allowed: 0 to 6'],
    ['a set that is not there', newer({ nodes_modes: integers(6) }), 'membership_values are too few sets'],
    [
      'a set without an end',
      newer({ nodes_modes: integers(6), membership_values: floats(1, 2) }),
      'membership_values do not end with NaN',
    ],
    ['fewer leaves than weights', newer({ leaf_targetids: integers(0) }), 'leaf_weights are 2 for 1 leaves'],
    [
      'a node that leads to itself',
      newer({ nodes_trueleafs: integers(0), nodes_truenodeids: integers(0) }),
      'leads to its node 0 twice',
    ],
    ['no trees', onnxFile(X, LABEL), 'has 0 operators of trees'],
    [
      'an input that nothing makes',
      onnxFile(LABEL, treeNode('TreeEnsembleRegressor', REGRESSOR)),
      'has nothing that makes x',
    ],
    [
      'operators in a circle',
      onnxFile(
        nodeOf('Identity', { inputs: ['w'], outputs: ['x'] }),
        nodeOf('Identity', { inputs: ['x'], outputs: ['w'] }),
        treeNode('TreeEnsembleRegressor', REGRESSOR),
      ),
      '100 operators before the trees',
    ],
    [
      'texts for features',
      onnxFile(inputOf('x', 2, 8), LABEL, treeNode('TreeEnsembleRegressor', REGRESSOR)),
      'elements of type 8',
    ],
    ['functions of its own', Buffer.concat([classifier(), field(25, 'f')]), 'functions are there'],
    ['no graph', integer(1, 8), 'the model has no graph'],
    ['an end in the middle', classifier().subarray(0, 200), 'is no valid ONNX'],
  ])('%s', (_, file, told) => {
    expect(() => converted(file)).toThrow(told)
    expect(() => converted(file)).toThrow(expect.objectContaining({ code: 'LEARNING_IMPORT_REFUSED' }))
  })
})
