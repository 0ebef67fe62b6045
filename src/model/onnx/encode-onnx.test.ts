import { PbfReader } from 'pbf'
import { describe, expect, test } from 'vitest'
import type { Tree } from '../../learning/trees/tree-ensemble.ts'
import { LINEAR, TREES } from '../artifact.test-kit.ts'
import { encodeOnnx } from './encode-onnx.ts'
import type { OnnxAttribute } from './onnx-file.ts'
import { treeEnsembleAttributes } from './tree-ensemble-node.ts'

const NONE = { method: 'none' } as const
const PLATT = { method: 'platt', slope: 1.3, intercept: -0.2 } as const
const ISOTONIC = { method: 'isotonic', x: [0.1, 0.5], y: [0, 1] } as const

/** What runtimes make of the files is asked of one in test/integration/onnx.test.ts. */
describe('an ONNX file', () => {
  test('of equal models has equal bytes', () => {
    for (const calibration of [NONE, PLATT, ISOTONIC])
      for (const model of [LINEAR, TREES])
        expect(encodeOnnx(structuredClone(model), calibration)).toEqual(encodeOnnx(model, calibration))
  })

  test('says which versions of the operators it needs, and names the features in order', () => {
    const { operatorSets, metadata } = readFile(encodeOnnx(TREES, NONE))
    expect(operatorSets).toEqual({ '': 21, 'ai.onnx.ml': 5 })
    expect(JSON.parse(metadata['feature_names']!)).toEqual(TREES.featureNames)
    expect(metadata['model']).toBe(TREES.kind)
  })

  test('of trees is one operator for all of them, a sum and a sigmoid', () => {
    expect(readFile(encodeOnnx(TREES, NONE)).operators).toEqual([
      'TreeEnsemble',
      'Add',
      'Sigmoid',
      'Identity',
    ])
  })

  test('of a model that takes a number for missing makes it NaN first, compared as floats', () => {
    expect(readFile(encodeOnnx({ ...TREES, missingValue: -1 }, NONE)).operators.slice(0, 5)).toEqual([
      ...['Cast', 'Cast', 'Equal', 'Where'],
      'TreeEnsemble',
    ])
  })

  test('of a model that takes 0 for missing in some features makes it NaN there first', () => {
    expect(readFile(encodeOnnx({ ...TREES, zeroIsMissing: [0] }, NONE)).operators.slice(0, 4)).toEqual([
      ...['Abs', 'LessOrEqual', 'Where'],
      'TreeEnsemble',
    ])
  })

  test('of a forest keeps the sum of shares within [0, 1]', () => {
    const { operators } = readFile(encodeOnnx({ ...TREES, kind: 'random_forest', link: 'identity' }, NONE))
    expect(operators).toEqual(['TreeEnsemble', 'Add', 'Max', 'Min', 'Identity'])
  })

  test('of a logistic regression puts missing values at their mean first', () => {
    const { operators } = readFile(encodeOnnx(LINEAR, NONE))
    expect(operators).toEqual(['IsNaN', 'Where', 'Sub', 'Div', 'MatMul', 'Add', 'Sigmoid', 'Identity'])
  })

  test('calibrates after the model; an isotonic line without points changes nothing', () => {
    const plain = readFile(encodeOnnx(LINEAR, NONE)).operators
    const added = readFile(encodeOnnx(LINEAR, PLATT)).operators.slice(plain.length - 1)
    expect(added).toEqual(['Max', 'Min', 'Sub', 'Div', 'Log', 'Mul', 'Add', 'Sigmoid', 'Identity'])
    expect(encodeOnnx(LINEAR, { method: 'isotonic', x: [], y: [] })).toEqual(encodeOnnx(LINEAR, NONE))
  })
})

describe('trees as one operator', () => {
  test('ask `value < threshold` for the true branch, which is our left', () => {
    const { doubles, integers } = attributesOf([LEAF_ON_THE_LEFT])
    expect(doubles('nodes_splits')).toEqual([10, 20])
    expect(doubles('nodes_modes')).toEqual([1, 1])
    expect(integers('nodes_featureids')).toEqual([0, 1])
    expect(integers('nodes_missing_value_tracks_true')).toEqual([1, 0])
  })

  test('number leaves from the last to the first', () => {
    const { doubles, integers } = attributesOf([LEAF_ON_THE_LEFT])
    // In our order the leaves are 0.1, 0.2, 0.3.
    expect(doubles('leaf_weights')).toEqual([0.3, 0.2, 0.1])
    expect([integers('nodes_trueleafs'), integers('nodes_truenodeids')]).toEqual([
      [1, 1],
      [2, 1],
    ])
    expect([integers('nodes_falseleafs'), integers('nodes_falsenodeids')]).toEqual([
      [0, 1],
      [1, 0],
    ])
  })

  // Runtimes up to 1.24 compare numbers without asking what they number: such a tree would be scored as a
  // lone leaf.
  test('never give the two children of a root the same number, whatever trees stand before', () => {
    const shapes = [LEAF_ON_THE_LEFT, LEAF_ON_THE_RIGHT, LONE_LEAF]
    for (let choice = 0; choice < 3 ** 4; choice++) {
      const trees = Array.from({ length: 4 }, (_, t) => shapes[Math.floor(choice / 3 ** t) % 3]!)
      const { integers } = attributesOf(trees)
      for (const root of integers('tree_roots'))
        expect(integers('nodes_truenodeids')[root], `trees ${choice}`).not.toBe(
          integers('nodes_falsenodeids')[root],
        )
    }
  })

  test('write a tree that is one leaf as a node with two equal leaves', () => {
    const { doubles, integers } = attributesOf([LONE_LEAF])
    expect(doubles('leaf_weights')).toEqual([0.4, 0.4])
    expect([integers('nodes_truenodeids'), integers('nodes_falsenodeids')]).toEqual([[0], [1]])
  })

  test('write the codes of each set, and a NaN after it', () => {
    const { doubles } = attributesOf([withCategories([-1, 3]), LEAF_ON_THE_RIGHT, withCategories([7])])
    expect(doubles('nodes_modes')).toEqual([6, 1, 1, 1, 6, 1])
    expect(doubles('membership_values')).toEqual([-1, 3, Number.NaN, 7, Number.NaN])
  })

  test('write an empty set as being below -Infinity: only missing values may go left', () => {
    const { doubles, integers, names } = attributesOf([withCategories([])])
    expect(doubles('nodes_modes')).toEqual([1, 1])
    expect(doubles('nodes_splits')).toEqual([Number.NEGATIVE_INFINITY, 20])
    expect(integers('nodes_missing_value_tracks_true')).toEqual([1, 0])
    expect(names).not.toContain('membership_values')
  })
})

/** 0.1 below 10 or missing; else 0.2 below 20 of the other feature; else 0.3. */
const LEAF_ON_THE_LEFT: Tree = {
  feature: [0, -1, 1, -1, -1],
  threshold: [10, 0, 20, 0, 0],
  left: [1, 0, 3, 0, 0],
  missingLeft: [1, 0, 0, 0, 0],
  value: [0, 0.1, 0, 0.2, 0.3],
  cover: [4, 1, 3, 2, 1],
  gain: [2, 0, 1, 0, 0],
}

const LEAF_ON_THE_RIGHT: Tree = {
  ...LEAF_ON_THE_LEFT,
  feature: [0, 1, -1, -1, -1],
  threshold: [10, 20, 0, 0, 0],
  left: [1, 3, 0, 0, 0],
  value: [0, 0, 0.1, 0.2, 0.3],
}

const LONE_LEAF: Tree = {
  feature: [-1],
  threshold: [0],
  left: [0],
  missingLeft: [0],
  value: [0.4],
  cover: [1],
  gain: [0],
}

function withCategories(codes: readonly number[]): Tree {
  return { ...LEAF_ON_THE_LEFT, threshold: [0, 0, 20, 0, 0], categories: { 0: codes } }
}

function attributesOf(trees: readonly Tree[]) {
  const attributes = treeEnsembleAttributes(trees)
  const find = (name: string): OnnxAttribute => attributes.find((attribute) => attribute.name === name)!
  return {
    names: attributes.map(({ name }) => name),
    integers: (name: string): readonly number[] => {
      const attribute = find(name)
      return 'integers' in attribute ? attribute.integers : []
    },
    doubles: (name: string): readonly number[] => {
      const attribute = find(name)
      return 'tensor' in attribute ? Array.from(attribute.tensor.values, Number) : []
    },
  }
}

interface FileParts {
  readonly operators: string[]
  readonly operatorSets: Record<string, number>
  readonly metadata: Record<string, string>
}

/** ModelProto: 7 graph, 8 operator sets, 14 metadata. GraphProto: 1 nodes. NodeProto: 4 operator. */
function readFile(bytes: Uint8Array): FileParts {
  const pairOf = (from: PbfReader): [string, string | number] =>
    from.readMessage<[string, string | number]>(
      (tag, pair, pbf) => {
        if (tag === 1) pair[0] = pbf.readString()
        if (tag === 2) pair[1] = pbf.type === 0 ? pbf.readVarint() : pbf.readString()
      },
      ['', 0],
    )
  return new PbfReader(bytes).readFields<FileParts>(
    (tag, parts, file) => {
      if (tag === 7)
        file.readMessage<string[]>((field, operators, graph) => {
          if (field === 1)
            graph.readMessage<string[]>((part, found, node) => {
              if (part === 4) found.push(node.readString())
            }, operators)
        }, parts.operators)
      if (tag === 8) {
        const [domain, version] = pairOf(file)
        parts.operatorSets[domain] = Number(version)
      }
      if (tag === 14) {
        const [key, value] = pairOf(file)
        parts.metadata[key] = String(value)
      }
    },
    { operators: [], operatorSets: {}, metadata: {} },
  )
}
