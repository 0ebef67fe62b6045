import type { Tree } from '../../learning/trees/tree-ensemble.ts'
import type { OnnxAttribute } from './onnx-file.ts'

/** Modes of nodes in ai.onnx.ml 5. */
const LESS_THAN = 1
const MEMBER = 6

/**
 * All trees as the attributes of one `TreeEnsemble` operator (ai.onnx.ml 5), which gives the sum of the
 * leaves.
 *
 * Its true branch is our left: `value < threshold`, or membership in the codes. Leaves are numbered apart
 * from inner nodes.
 *
 * Two habits of onnxruntime shape what is written. Up to 1.24 it takes a root whose children have the same
 * number for a lone leaf, even when one is a leaf and the other is not, and scores are wrong without a word
 * (its issue 24679). So a tree's leaves are numbered from the last to the first, which keeps the two apart,
 * and a tree that is one leaf becomes a node with two equal leaves. And it opens no file with an empty set,
 * so nothing is a member of one by being below -Infinity.
 */
export const treeEnsembleAttributes = (trees: readonly Tree[]): readonly OnnxAttribute[] => {
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
  for (const tree of trees) addTree(tree, nodes)
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

const addTree = (tree: Tree, lists: NodeLists): void => {
  const root = lists.features.length
  lists.roots.push(root)
  /** Place of each node among the inner nodes or among the leaves. */
  const places: number[] = []
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
  const leafValues = tree.value.filter((_, node) => tree.feature[node]! < 0)
  let inner = root
  let leaf = firstLeaf + leafValues.length
  for (const feature of tree.feature) places.push(feature < 0 ? --leaf : inner++)
  for (const value of leafValues.toReversed()) lists.leafValues.push(value)
  tree.feature.forEach((feature, node) => {
    if (feature < 0) return
    const left = tree.left[node]!
    const codes = tree.categories?.[node]
    const isSet = codes !== undefined && codes.length > 0
    const bound = codes === undefined ? tree.threshold[node]! : Number.NEGATIVE_INFINITY
    const branch = (child: number): Branch => [places[child]!, tree.feature[child]! < 0 ? 1 : 0]
    const missingTrue = tree.missingLeft[node]!
    addNode(
      lists,
      isSet
        ? { feature, split: 0, mode: MEMBER, missingTrue }
        : { feature, split: bound, mode: LESS_THAN, missingTrue },
      branch(left),
      branch(left + 1),
    )
    if (isSet) lists.members.push(...codes, Number.NaN)
  })
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
