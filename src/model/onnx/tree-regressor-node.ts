import type { Tree } from '../../learning/trees/tree-ensemble.ts'
import type { OnnxAttribute } from './onnx-file.ts'

/**
 * All trees as the attributes of one `TreeEnsembleRegressor` operator (ai.onnx.ml 1), which gives the sum of
 * the leaves in floats. Old and small runtimes know it.
 *
 * It knows no sets: a node that asks for one becomes a chain of nodes that each ask for one code, and all of
 * their true branches lead to the same child, as converters of LightGBM's models write sets. A missing value
 * takes the branch that each node of the chain names, which is the same in all. An empty set is being below
 * -Infinity. A tree that is one leaf becomes a node with two equal leaves, because some runtimes take no lone
 * one.
 *
 * @param trees with thresholds that are floats
 */
export const treeRegressorAttributes = (trees: readonly Tree[]): readonly OnnxAttribute[] => {
  const lists: RegressorLists = {
    trees: [],
    ids: [],
    features: [],
    modes: [],
    values: [],
    missingTrue: [],
    trueIds: [],
    falseIds: [],
    targetTrees: [],
    targetIds: [],
    targetWeights: [],
  }
  trees.forEach((tree, at) => {
    addTree(tree.feature[0]! < 0 ? withTwoLeaves(tree.value[0]!) : tree, at, lists)
  })
  const integers = (name: string, values: readonly number[]): OnnxAttribute => ({ name, integers: values })
  return [
    { name: 'aggregate_function', text: 'SUM' },
    { name: 'n_targets', integer: 1 },
    integers('nodes_falsenodeids', lists.falseIds),
    integers('nodes_featureids', lists.features),
    integers('nodes_missing_value_tracks_true', lists.missingTrue),
    { name: 'nodes_modes', texts: lists.modes },
    integers('nodes_nodeids', lists.ids),
    integers('nodes_treeids', lists.trees),
    integers('nodes_truenodeids', lists.trueIds),
    { name: 'nodes_values', floats: lists.values },
    { name: 'post_transform', text: 'NONE' },
    integers('target_ids', Array<number>(lists.targetIds.length).fill(0)),
    integers('target_nodeids', lists.targetIds),
    integers('target_treeids', lists.targetTrees),
    { name: 'target_weights', floats: lists.targetWeights },
  ]
}

interface RegressorLists {
  readonly trees: number[]
  readonly ids: number[]
  readonly features: number[]
  readonly modes: Mode[]
  readonly values: number[]
  readonly missingTrue: number[]
  readonly trueIds: number[]
  readonly falseIds: number[]
  readonly targetTrees: number[]
  readonly targetIds: number[]
  readonly targetWeights: number[]
}

type Mode = 'BRANCH_LT' | 'BRANCH_EQ' | 'LEAF'

interface RegressorNode {
  readonly id: number
  readonly feature: number
  readonly mode: Mode
  readonly value: number
  readonly missingTrue: number
  readonly trueId: number
  readonly falseId: number
}

/** Nodes keep their numbers; those that a chain adds are numbered behind them. */
const addTree = (tree: Tree, at: number, lists: RegressorLists): void => {
  let added = tree.feature.length
  tree.feature.forEach((feature, node) => {
    if (feature < 0) {
      addNode(lists, at, { ...LEAF, id: node })
      lists.targetTrees.push(at)
      lists.targetIds.push(node)
      lists.targetWeights.push(tree.value[node]!)
      return
    }
    const missingTrue = tree.missingLeft[node]!
    const trueId = tree.left[node]!
    const common = { feature, missingTrue, trueId, falseId: trueId + 1 }
    const codes = tree.categories?.[node]
    if (codes === undefined || codes.length === 0) {
      const value = codes === undefined ? tree.threshold[node]! : Number.NEGATIVE_INFINITY
      addNode(lists, at, { ...common, id: node, mode: 'BRANCH_LT', value })
      return
    }
    codes.forEach((value, place) => {
      const id = place === 0 ? node : added - 1
      const falseId = place === codes.length - 1 ? common.falseId : added++
      addNode(lists, at, { ...common, id, mode: 'BRANCH_EQ', value, falseId })
    })
  })
}

const LEAF = { feature: 0, mode: 'LEAF', value: 0, missingTrue: 0, trueId: 0, falseId: 0 } as const

const addNode = (lists: RegressorLists, tree: number, node: RegressorNode): void => {
  lists.trees.push(tree)
  lists.ids.push(node.id)
  lists.features.push(node.feature)
  lists.modes.push(node.mode)
  lists.values.push(node.value)
  lists.missingTrue.push(node.missingTrue)
  lists.trueIds.push(node.trueId)
  lists.falseIds.push(node.falseId)
}

const withTwoLeaves = (value: number): Tree => ({
  feature: [0, -1, -1],
  threshold: [0, 0, 0],
  left: [1, 0, 0],
  missingLeft: [1, 0, 0],
  value: [0, value, value],
  cover: [2, 1, 1],
  gain: [0, 0, 0],
})
