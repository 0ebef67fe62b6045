import type { Tree } from '../trees/tree-ensemble.ts'
import { doubleBoundOf } from './float-threshold.ts'
import { numbersAt, recordAt, refuse } from './json-parts.ts'

/** Least cover that a node is given. XGBoost's may be 0, where explanations divide by it. */
const LEAST_COVER = 1e-9
/** Splits from the root to a leaf at most: beyond, a model is a mistake or an attack. */
const MAX_DEPTH = 1000
/** Bit of a category at most: codes above are none that a feature has. */
const MAX_CODE = 65_535

/** How a tree is to be read. */
export interface TreeReading {
  readonly featureCount: number
  /** What leaves are multiplied with: a tree's weight in dart, 1 otherwise. */
  readonly weight: number
  /** What is added to categories to get our codes: 0, or -1 where they were trained one higher. */
  readonly categoryShift: number
}

/**
 * One tree of XGBoost's JSON (`learner.gradient_booster.model.trees[i]`) as ours.
 *
 * Nodes are numbered anew, breadth first, so that the right child follows the left; nodes that pruning left
 * unreachable are gone. XGBoost sends a row right when its category is one of the node's, and ours sends it
 * left: such a node's children are swapped. cover is `sum_hessian` (at least 1e-9), gain is `loss_changes`.
 *
 * @throws LEARNING_XGBOOST_REFUSED with the place below `where`
 */
export const importTree = (value: unknown, where: string, reading: TreeReading): Tree => {
  const source = readSource(value, where, reading.featureCount)
  const categories = readCategories(recordAt(value, where), where, source.splitType, reading.categoryShift)
  const isSeen = new Uint8Array(source.count)
  // The queue is the new numbering: the node at place i becomes node i.
  const queue = [0]
  const depths = [0]
  isSeen[0] = 1
  const tree = emptyTree()
  const codes: Record<string, readonly number[]> = {}
  for (let node = 0; node < queue.length; node++) {
    const from = queue[node]!
    const isLeaf = source.left[from] === -1
    const members = categories.get(from)
    const isSwapped = !isLeaf && source.splitType[from] === 1
    tree.feature.push(isLeaf ? -1 : source.feature[from]!)
    tree.threshold.push(isLeaf || isSwapped ? 0 : doubleBoundOf(Math.fround(source.condition[from]!)))
    tree.left.push(isLeaf ? 0 : queue.length)
    tree.missingLeft.push(isLeaf || (source.defaultLeft[from] === 1) === isSwapped ? 0 : 1)
    tree.value.push(isLeaf ? reading.weight * Math.fround(source.condition[from]!) : 0)
    tree.cover.push(Math.max(LEAST_COVER, source.hessian[from]!))
    tree.gain.push(isLeaf ? 0 : source.gain[from]!)
    if (isLeaf) continue
    if (depths[node] === MAX_DEPTH) refuse(where, `is deeper than ${MAX_DEPTH} splits`)
    if (isSwapped) codes[node] = members ?? refuse(where, `has no categories for its node ${from}`)
    const children = [source.left[from]!, source.right[from]!]
    for (const child of isSwapped ? children.reverse() : children) {
      if (isSeen[child] === 1) refuse(where, `leads to its node ${child} twice`)
      isSeen[child] = 1
      queue.push(child)
      depths.push(depths[node]! + 1)
    }
  }
  return Object.keys(codes).length === 0 ? tree : { ...tree, categories: codes }
}

const emptyTree = () => ({
  feature: [] as number[],
  threshold: [] as number[],
  left: [] as number[],
  missingLeft: [] as number[],
  value: [] as number[],
  cover: [] as number[],
  gain: [] as number[],
})

/** The arrays of a tree, each checked to have one usable value a node. */
const readSource = (value: unknown, where: string, featureCount: number) => {
  const tree = recordAt(value, where)
  const left = numbersAt(tree, 'left_children', where)
  const count = left.length
  if (count === 0) refuse(where, 'has no node')
  if (Number(recordAt(tree['tree_param'] ?? {}, where)['size_leaf_vector'] ?? 1) > 1)
    refuse(where, 'has leaves of several values; allowed: one')
  const column = (name: string, isValid: (x: number, node: number) => boolean, allowed: string) => {
    const values = numbersAt(tree, name, where)
    if (values.length !== count) refuse(`${where}.${name}`, `has ${values.length} values for ${count} nodes`)
    const bad = values.findIndex((x, node) => !isValid(x, node))
    if (bad >= 0) refuse(`${where}.${name}[${bad}]`, `is ${values[bad]}; allowed: ${allowed}`)
    return values
  }
  const isLeaf = (node: number) => left[node] === -1
  const isChild = (x: number, node: number) =>
    isLeaf(node) ? x === -1 : Number.isInteger(x) && x > 0 && x < count
  const children = `-1 at a leaf, or a node from 1 to ${count - 1}`
  column('left_children', isChild, children)
  const isFlag = (x: number) => x === 0 || x === 1
  const splitType =
    tree['split_type'] === undefined
      ? new Array<number>(count).fill(0)
      : column('split_type', isFlag, '0 (numeric) or 1 (categorical)')
  return {
    count,
    left,
    right: column('right_children', isChild, children),
    feature: column(
      'split_indices',
      (x, node) => isLeaf(node) || (Number.isInteger(x) && x >= 0 && x < featureCount),
      `a feature from 0 to ${featureCount - 1}`,
    ),
    condition: column(
      'split_conditions',
      (x, node) => (isLeaf(node) ? Number.isFinite(x) : splitType[node] === 1 || !Number.isNaN(x)),
      'a number, finite at a leaf',
    ),
    defaultLeft: column('default_left', isFlag, '0 or 1'),
    hessian: column('sum_hessian', (x) => x >= 0 && Number.isFinite(x), 'a finite number of at least 0'),
    gain: column('loss_changes', Number.isFinite, 'a finite number'),
    splitType,
  }
}

/** Our codes by the tree's own node, ascending. */
const readCategories = (
  tree: Readonly<Record<string, unknown>>,
  where: string,
  splitType: readonly number[],
  shift: number,
): ReadonlyMap<number, readonly number[]> => {
  const result = new Map<number, readonly number[]>()
  if (!splitType.includes(1)) return result
  const all = numbersAt(tree, 'categories', where)
  const nodes = numbersAt(tree, 'categories_nodes', where)
  const starts = numbersAt(tree, 'categories_segments', where)
  const sizes = numbersAt(tree, 'categories_sizes', where)
  if (starts.length !== nodes.length || sizes.length !== nodes.length)
    refuse(`${where}.categories_nodes`, 'has not one segment and one size for each node')
  nodes.forEach((node, index) => {
    const start = starts[index]!
    const end = start + sizes[index]!
    if (![node, start, end].every(Number.isInteger) || start < 0 || end < start || end > all.length)
      refuse(`${where}.categories_segments[${index}]`, `lies outside of the ${all.length} categories`)
    if (splitType[node] !== 1 || result.has(node))
      refuse(`${where}.categories_nodes[${index}]`, `is ${node}; allowed: each categorical node once`)
    const codes = all.slice(start, end).map((category) => category + shift)
    const bad = codes.findIndex((code) => !(Number.isInteger(code) && code >= shift && code <= MAX_CODE))
    if (bad >= 0)
      refuse(
        `${where}.categories[${start + bad}]`,
        `is ${all[start + bad]}; allowed: whole numbers from 0 to ${MAX_CODE - shift}`,
      )
    result.set(
      node,
      [...new Set(codes)].sort((a, b) => a - b),
    )
  })
  return result
}
