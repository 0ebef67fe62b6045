import type { Tree } from '../../learning/trees/tree-ensemble.ts'
import type { OnnxAttribute } from './onnx-file.ts'

/** Modes of nodes in ai.onnx.ml 5. */
const LESS_THAN = 1
const MEMBER = 6

/** What codes of categories are moved by where a set holds 0: then the least code, -1, becomes 1. */
export const CODE_SHIFT = 2

/**
 * All trees as the attributes of one `TreeEnsemble` operator (ai.onnx.ml 5), which gives the sum of the
 * leaves.
 *
 * Its true branch is our left: `value < threshold`, or membership in the codes. Leaves are numbered apart
 * from inner nodes.
 *
 * Habits of runtimes shape what is written. onnxruntime up to 1.24 takes a root whose children have the same
 * number for a lone leaf, even when one is a leaf and the other is not, and scores are wrong without a word
 * (its issue 24679). So a tree's leaves are numbered from the last to the first, a leaf below the root last,
 * which keeps the two apart, and a tree that is one leaf becomes a node with two equal leaves. It opens no
 * file with an empty set, so nothing is a member of one by being below -Infinity. onnx.reference reads the
 * sets in the order in which it walks the trees, true branches first, so inner nodes are numbered in that
 * order; and a 0 ends a set there, so sets hold none: features whose sets would are asked for where their
 * codes are moved by `CODE_SHIFT`.
 *
 * @param moved column of the moved codes, by feature
 */
export const treeEnsembleAttributes = (
  trees: readonly Tree[],
  moved: ReadonlyMap<number, number> = new Map(),
): readonly OnnxAttribute[] => {
  const nodes: NodeLists = {
    features: [],
    splits: [],
    modes: [],
    missingTrue: [],
    trueNodes: [],
    trueLeaves: [],
    falseNodes: [],
    falseLeaves: [],
    members: [],
    leafValues: [],
    roots: [],
  }
  for (const tree of trees) addTree(tree, nodes, moved)
  const integers = (name: string, values: readonly number[]): OnnxAttribute => ({ name, integers: values })
  const doubles = (name: string, values: readonly number[]): OnnxAttribute => ({
    name,
    tensor: { name, dimensions: [values.length], values: Float64Array.from(values) },
  })
  return [
    { name: 'aggregate_function', integer: 1 },
    integers('leaf_targetids', Array<number>(nodes.leafValues.length).fill(0)),
    doubles('leaf_weights', nodes.leafValues),
    ...(nodes.members.length > 0 ? [doubles('membership_values', nodes.members)] : []),
    { name: 'n_targets', integer: 1 },
    integers('nodes_falseleafs', nodes.falseLeaves),
    integers('nodes_falsenodeids', nodes.falseNodes),
    integers('nodes_featureids', nodes.features),
    integers('nodes_missing_value_tracks_true', nodes.missingTrue),
    {
      name: 'nodes_modes',
      tensor: {
        name: 'nodes_modes',
        dimensions: [nodes.modes.length],
        values: Uint8Array.from(nodes.modes),
      },
    },
    doubles('nodes_splits', nodes.splits),
    integers('nodes_trueleafs', nodes.trueLeaves),
    integers('nodes_truenodeids', nodes.trueNodes),
    { name: 'post_transform', integer: 0 },
    integers('tree_roots', nodes.roots),
  ]
}

interface NodeLists {
  readonly features: number[]
  readonly splits: number[]
  readonly modes: number[]
  readonly missingTrue: number[]
  readonly trueNodes: number[]
  readonly trueLeaves: number[]
  readonly falseNodes: number[]
  readonly falseLeaves: number[]
  /** Members of each set in the order of the nodes, a NaN after each set. */
  readonly members: number[]
  readonly leafValues: number[]
  readonly roots: number[]
}

const addTree = (tree: Tree, lists: NodeLists, moved: ReadonlyMap<number, number>): void => {
  const root = lists.features.length
  lists.roots.push(root)
  const firstLeaf = lists.leafValues.length
  if (tree.feature[0]! < 0) {
    const value = tree.value[0]!
    lists.leafValues.push(value, value)
    addNode(
      lists,
      { feature: 0, split: 0, mode: LESS_THAN, missingTrue: 1 },
      [firstLeaf, 1],
      [firstLeaf + 1, 1],
    )
    return
  }
  const order = nodesInOrder(tree)
  const leaves = leavesOf(tree)
  /** Place of each node among the inner nodes or among the leaves. */
  const places: number[] = []
  let inner = root
  for (const node of order) if (tree.feature[node]! >= 0) places[node] = inner++
  leaves.forEach((node, at) => {
    places[node] = firstLeaf + leaves.length - 1 - at
  })
  for (const node of leaves.toReversed()) lists.leafValues.push(tree.value[node]!)
  const branch = (child: number): Branch => [places[child]!, tree.feature[child]! < 0 ? 1 : 0]
  for (const node of order) {
    const feature = tree.feature[node]!
    if (feature < 0) continue
    const left = tree.left[node]!
    const codes = tree.categories?.[node]
    const isSet = codes !== undefined && codes.length > 0
    const bound = codes === undefined ? tree.threshold[node]! : Number.NEGATIVE_INFINITY
    const column = isSet ? moved.get(feature) : undefined
    const missingTrue = tree.missingLeft[node]!
    addNode(
      lists,
      isSet
        ? { feature: column ?? feature, split: 0, mode: MEMBER, missingTrue }
        : { feature, split: bound, mode: LESS_THAN, missingTrue },
      branch(left),
      branch(left + 1),
    )
    const shift = column === undefined ? 0 : CODE_SHIFT
    if (isSet) lists.members.push(...codes.map((code) => code + shift), Number.NaN)
  }
}

/** All nodes, what is below the left child before what is below the right one. */
const nodesInOrder = ({ feature, left }: Tree): readonly number[] => {
  const order: number[] = []
  const waiting = [0]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    order.push(node)
    if (feature[node]! >= 0) waiting.push(left[node]! + 1, left[node]!)
  }
  return order
}

/** The leaves in the order of the nodes, those below the root first. */
const leavesOf = ({ feature, left }: Tree): readonly number[] => {
  const leaves = Array.from(feature.keys()).filter((node) => feature[node]! < 0)
  const isBelowRoot = (node: number): boolean => node === left[0] || node === left[0]! + 1
  return [...leaves.filter(isBelowRoot), ...leaves.filter((node) => !isBelowRoot(node))]
}

type Branch = readonly [place: number, isLeaf: 0 | 1]

const addNode = (
  lists: NodeLists,
  {
    feature,
    split,
    mode,
    missingTrue,
  }: Readonly<Record<'feature' | 'split' | 'mode' | 'missingTrue', number>>,
  [trueNode, trueLeaf]: Branch,
  [falseNode, falseLeaf]: Branch,
): void => {
  lists.features.push(feature)
  lists.splits.push(split)
  lists.modes.push(mode)
  lists.missingTrue.push(missingTrue)
  lists.trueNodes.push(trueNode)
  lists.trueLeaves.push(trueLeaf)
  lists.falseNodes.push(falseNode)
  lists.falseLeaves.push(falseLeaf)
}
