import { emptyRoom, takeNodes } from '../imported/grow-tree.ts'
import { refuse } from '../imported/parts.ts'
import type { OnnxNode, OnnxNumbers } from './onnx-graph.ts'

/** How a node compares its value with its own; `MEMBER`: with a list of its own. */
export type Comparison = 'LEQ' | 'LT' | 'GTE' | 'GT' | 'EQ' | 'NEQ' | 'MEMBER'

/**
 * All trees of one operator, nodes by their places in its lists. A row takes the true branch where the
 * comparison holds, or its value is NaN and `isMissingTrue`.
 */
export interface OnnxTrees {
  /** By tree. */
  readonly roots: readonly number[]
  readonly nodes: readonly (OnnxSplit | OnnxLeaf)[]
}

export interface OnnxSplit {
  readonly feature: number
  readonly comparison: Comparison
  readonly value: number
  readonly members?: readonly number[]
  readonly isMissingTrue: boolean
  readonly whenTrue: number
  readonly whenFalse: number
}

export interface OnnxLeaf {
  /** What it adds to the outputs 0 and 1; undefined: the file has no weight of it. */
  readonly weights: LeafWeights
}

export type LeafWeights = [first?: number, second?: number]

const MODES: Readonly<Record<string, Comparison>> = {
  BRANCH_LEQ: 'LEQ',
  BRANCH_LT: 'LT',
  BRANCH_GTE: 'GTE',
  BRANCH_GT: 'GT',
  BRANCH_EQ: 'EQ',
  BRANCH_NEQ: 'NEQ',
}

/** By the numbers of `nodes_modes` of TreeEnsemble. */
const COMPARISONS: readonly Comparison[] = ['LEQ', 'LT', 'GTE', 'GT', 'EQ', 'NEQ', 'MEMBER']

/**
 * The trees of TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml 1 and 3), whose nodes name each
 * other by the numbers of a tree and of a node in it.
 *
 * @param of what weights are of: `class` or `target`
 * @throws LEARNING_IMPORT_REFUSED
 */
export const readNumberedTrees = (node: OnnxNode, of: 'class' | 'target'): OnnxTrees => {
  const where = node.operator
  const integers = (name: string) => numbersOf(node, name, where)
  const modes = node.attributes.get('nodes_modes')?.texts ?? []
  const count = modes.length
  takeNodes(emptyRoom(), count)
  const column = (name: string): OnnxNumbers => {
    const values = integers(name)
    return values.length === count
      ? values
      : refuse(`${where}.${name}`, `has ${values.length} for ${count} nodes`)
  }
  const trees = column('nodes_treeids')
  const ids = column('nodes_nodeids')
  const placeOf = placesOf(trees, ids, where)
  const features = column('nodes_featureids')
  const values = withTensor(node, 'nodes_values', where)
  if (values.length !== count) refuse(`${where}.nodes_values`, `has ${values.length} for ${count} nodes`)
  const whenTrue = column('nodes_truenodeids')
  const whenFalse = column('nodes_falsenodeids')
  const missing = integers('nodes_missing_value_tracks_true')
  const isChild = new Uint8Array(count)
  const nodes = modes.map((mode, place): OnnxSplit | OnnxLeaf => {
    if (mode === 'LEAF') return { weights: [] }
    const comparison = MODES[mode]
    if (comparison === undefined)
      return refuse(
        `${where}.nodes_modes[${place}]`,
        `is ${mode.slice(0, 40)}; allowed: LEAF, ${Object.keys(MODES).join(', ')}`,
      )
    const tree = trees[place]!
    const split = {
      feature: features[place]!,
      comparison,
      value: values[place]!,
      isMissingTrue: missing[place] === 1,
      whenTrue: placeOf(tree, whenTrue[place]!, 'nodes_truenodeids'),
      whenFalse: placeOf(tree, whenFalse[place]!, 'nodes_falsenodeids'),
    }
    isChild[split.whenTrue] = 1
    isChild[split.whenFalse] = 1
    return split
  })
  addWeights(node, of, placeOf, nodes)
  return { roots: rootsOf(trees, isChild, where), nodes }
}

/** Finds a node by the numbers of its tree and of itself. */
const placesOf = (trees: OnnxNumbers, ids: OnnxNumbers, where: string): PlaceOf => {
  const places = new Map<number, Map<number, number>>()
  for (let place = 0; place < ids.length; place++) {
    const ofTree = places.get(trees[place]!) ?? new Map<number, number>()
    if (ofTree.size === 0) places.set(trees[place]!, ofTree)
    if (ofTree.has(ids[place]!))
      refuse(`${where}.nodes_nodeids[${place}]`, 'is of another node of the tree too')
    ofTree.set(ids[place]!, place)
  }
  return (tree, id, name) =>
    places.get(tree)?.get(id) ??
    refuse(`${where}.${name}`, `names the node ${id} of tree ${tree}, which is none`)
}

type PlaceOf = (tree: number, id: number, name: string) => number

/** Each tree has one node that is no child. */
const rootsOf = (trees: OnnxNumbers, isChild: Uint8Array, where: string): readonly number[] => {
  const roots = new Map<number, number>()
  for (let place = 0; place < isChild.length; place++) {
    const tree = trees[place]!
    if (isChild[place] === 1) {
      if (!roots.has(tree)) roots.set(tree, -1)
      continue
    }
    if ((roots.get(tree) ?? -1) >= 0) refuse(`${where}.nodes_treeids`, `has two roots of tree ${tree}`)
    roots.set(tree, place)
  }
  for (const [tree, root] of roots)
    if (root < 0) refuse(`${where}.nodes_treeids`, `has no root of tree ${tree}`)
  return [...roots.values()]
}

const addWeights = (
  operator: OnnxNode,
  of: 'class' | 'target',
  placeOf: PlaceOf,
  nodes: readonly (OnnxSplit | OnnxLeaf)[],
): void => {
  const where = operator.operator
  const outputs = numbersOf(operator, `${of}_ids`, where)
  const trees = numbersOf(operator, `${of}_treeids`, where)
  const ids = numbersOf(operator, `${of}_nodeids`, where)
  const weights = withTensor(operator, `${of}_weights`, where)
  for (const list of [trees, ids, weights])
    if (list.length !== outputs.length)
      refuse(`${where}.${of}_ids`, `are ${outputs.length} for ${list.length} weights`)
  for (let at = 0; at < outputs.length; at++) {
    const node = nodes[placeOf(trees[at]!, ids[at]!, `${of}_nodeids`)]!
    const leaf = 'weights' in node ? node : refuse(`${where}.${of}_nodeids[${at}]`, 'is no leaf')
    if (!Number.isFinite(weights[at])) refuse(`${where}.${of}_weights[${at}]`, 'is no finite number')
    const output = outputs[at]!
    if (output !== 0 && (output !== 1 || of === 'target'))
      refuse(`${where}.${of}_ids[${at}]`, `is ${output}; allowed: ${of === 'target' ? '0' : '0 and 1'}`)
    leaf.weights[output] = (leaf.weights[output] ?? 0) + weights[at]!
  }
}

/** The trees of TreeEnsemble (ai.onnx.ml 5): inner nodes first here, then leaves. */
export const readTrees = (node: OnnxNode): OnnxTrees => {
  const where = node.operator
  const modes = numbersOf(node, 'nodes_modes', where)
  const count = modes.length
  takeNodes(emptyRoom(), count)
  const column = (name: string): OnnxNumbers => {
    const values = numbersOf(node, name, where)
    return values.length === count
      ? values
      : refuse(`${where}.${name}`, `has ${values.length} for ${count} nodes`)
  }
  const targets = numbersOf(node, 'leaf_targetids', where)
  const weights = numbersOf(node, 'leaf_weights', where)
  if (targets.length !== weights.length)
    refuse(`${where}.leaf_weights`, `are ${weights.length} for ${targets.length} leaves`)
  const placeOf = (id: number, isLeaf: number, name: string): number =>
    Number.isInteger(id) && id >= 0 && id < (isLeaf === 1 ? targets.length : count)
      ? id + (isLeaf === 1 ? count : 0)
      : refuse(`${where}.${name}`, `names the ${isLeaf === 1 ? 'leaf' : 'node'} ${id}, which is none`)
  const features = column('nodes_featureids')
  const splits = column('nodes_splits')
  const trueIds = column('nodes_truenodeids')
  const trueLeaves = column('nodes_trueleafs')
  const falseIds = column('nodes_falsenodeids')
  const falseLeaves = column('nodes_falseleafs')
  const missing = numbersOf(node, 'nodes_missing_value_tracks_true', where)
  const sets = readSets(node, where).values()
  const inner = Array.from({ length: count }, (_, place): OnnxSplit => {
    const comparison = COMPARISONS[modes[place]!]
    if (comparison === undefined)
      return refuse(`${where}.nodes_modes[${place}]`, `is ${modes[place]}; allowed: 0 to 6`)
    const members =
      comparison === 'MEMBER'
        ? (sets.next().value ?? refuse(`${where}.membership_values`, 'are too few sets'))
        : undefined
    return {
      feature: features[place]!,
      comparison,
      value: splits[place]!,
      ...(members !== undefined && { members }),
      isMissingTrue: missing[place] === 1,
      whenTrue: placeOf(trueIds[place]!, trueLeaves[place]!, 'nodes_truenodeids'),
      whenFalse: placeOf(falseIds[place]!, falseLeaves[place]!, 'nodes_falsenodeids'),
    }
  })
  const leaves = Array.from(weights, (weight, at): OnnxLeaf => {
    if (!Number.isFinite(weight)) return refuse(`${where}.leaf_weights[${at}]`, 'is no finite number')
    if (targets[at] !== 0) refuse(`${where}.leaf_targetids[${at}]`, `is ${targets[at]}; allowed: 0`)
    return { weights: [weight] }
  })
  const roots = Array.from(numbersOf(node, 'tree_roots', where), (root) => placeOf(root, 0, 'tree_roots'))
  return { roots, nodes: [...inner, ...leaves] }
}

/** The sets of the nodes that ask for membership, in the order of the nodes; NaN ends each. */
const readSets = (node: OnnxNode, where: string): readonly (readonly number[])[] => {
  const sets: number[][] = []
  let set: number[] = []
  for (const value of numbersOf(node, 'membership_values', where)) {
    if (!Number.isNaN(value)) set.push(value)
    else {
      sets.push(set)
      set = []
    }
  }
  return set.length === 0 ? sets : refuse(`${where}.membership_values`, 'do not end with NaN')
}

const numbersOf = (node: OnnxNode, name: string, where: string): OnnxNumbers => {
  const attribute = node.attributes.get(name)
  if (attribute === undefined) return []
  return attribute.numbers ?? refuse(`${where}.${name}`, 'is no list of numbers')
}

/** Numbers as floats, or as a tensor of doubles, which ai.onnx.ml 3 has beside them. */
const withTensor = (node: OnnxNode, name: string, where: string): OnnxNumbers => {
  const tensor = `${name}_as_tensor`
  return node.attributes.has(tensor) ? numbersOf(node, tensor, where) : numbersOf(node, name, where)
}
