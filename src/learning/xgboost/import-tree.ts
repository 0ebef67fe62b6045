import { doubleBoundOf } from '../imported/float-threshold.ts'
import type { KnownCategory } from '../imported/foreign-model.ts'
import { type ForeignSplit, growTree, type Room, takeCodes } from '../imported/grow-tree.ts'
import { numbersAt, type Parts, recordAt, refuse, requireKnown } from '../imported/parts.ts'
import { splitByPlace } from '../imported/split-by-place.ts'
import type { Tree } from '../trees/tree-ensemble.ts'
import type { BoosterParts } from './booster.ts'

/** Bit of a category at most: codes above are none that a feature has. */
const MAX_CODE = 65_535

/** All that a tree of the file has. What is not read here says nothing of scores. */
const TREE_PARTS = [
  ...['base_weights', 'categories', 'categories_nodes', 'categories_segments', 'categories_sizes'],
  ...['default_left', 'id', 'left_children', 'loss_changes', 'parents', 'right_children', 'split_conditions'],
  ...['split_indices', 'split_type', 'sum_hessian', 'tree_param'],
]

/** How a tree is to be read. */
export interface TreeReading {
  /** One a feature. */
  readonly featureNames: readonly string[]
  /** What leaves are multiplied with: a tree's weight where some were dropped, 1 otherwise. */
  readonly weight: number
  /** Of features whose categories are places: what each place is here. The others' are values. */
  readonly categories: ReadonlyMap<number, readonly KnownCategory[]>
  /** What is added to categories that are values: 0, or -1 where they were trained one higher. */
  readonly categoryShift: number
  readonly room: Room
}

/**
 * One tree of XGBoost's JSON (`learner.gradient_booster.model.trees[i]`) as ours.
 *
 * Nodes that pruning left unreachable are gone. cover is `sum_hessian`, gain is `loss_changes`.
 *
 * @throws LEARNING_IMPORT_REFUSED with the place below `where`; MODEL_CATEGORIES_DIFFER when a set needs a
 * category that has no value here
 */
export const importTree = (value: unknown, where: string, reading: TreeReading): Tree => {
  const source = readSource(value, where, reading.featureNames.length)
  const members = readCategories(recordAt(value, where), where, source.splitType)
  return growTree(
    0,
    (node) => {
      const condition = Math.fround(source.condition[node]!)
      const cover = source.hessian[node]!
      if (source.left[node] === -1) return { value: reading.weight * condition, cover }
      const split = {
        feature: source.feature[node]!,
        isMissingLeft: source.defaultLeft[node] === 1,
        left: source.left[node]!,
        right: source.right[node]!,
        cover,
        gain: source.gain[node]!,
      }
      if (source.splitType[node] === 1) return byCategory(members.get(node), split, { where, node }, reading)
      if (reading.categories.has(split.feature))
        refuse(`${where}.split_type[${node}]`, 'is numeric; allowed: categorical, as its feature is')
      return { ...split, goesLeft: doubleBoundOf(condition) }
    },
    where,
    reading.room,
  )
}

/** Features that some split asks for a category of. */
export const categoricalFeaturesOf = (
  { trees, where }: BoosterParts,
  featureCount: number,
): ReadonlySet<number> => {
  const found = new Set<number>()
  trees.forEach((value, index) => {
    const at = `${where}.trees[${index}]`
    const tree = recordAt(value, at)
    if (tree['categories_nodes'] === undefined) return
    const nodes = numbersAt(tree, 'categories_nodes', at)
    if (nodes.length === 0) return
    const features = numbersAt(tree, 'split_indices', at)
    for (const node of nodes) {
      const feature = features[node]
      if (feature === undefined || !(Number.isInteger(feature) && feature >= 0 && feature < featureCount))
        refuse(`${at}.categories_nodes`, `names ${node}, which is no node with a feature`)
      found.add(feature!)
    }
  })
  return found
}

/**
 * A node that asks for categories. There a row whose category is one of the node's (`members`) goes right,
 * any other left, a missing one its own way. Of values our set, which goes left, is theirs, with the children
 * swapped.
 */
const byCategory = (
  members: readonly number[] | undefined,
  split: Omit<ForeignSplit, 'goesLeft'>,
  { where, node }: { readonly where: string; readonly node: number },
  { categories, categoryShift, featureNames, room }: TreeReading,
): ForeignSplit => {
  const { feature, isMissingLeft, left, right } = split
  if (members === undefined) return refuse(where, `has no categories for its node ${node}`)
  const known = categories.get(feature)
  takeCodes(room, known?.length ?? members.length, where)
  if (known === undefined) {
    const goesLeft = members.map((member) => member + categoryShift)
    return { ...split, goesLeft, isMissingLeft: !isMissingLeft, left: right, right: left }
  }
  const beyond = members.find((member) => member >= known.length)
  if (beyond !== undefined)
    refuse(
      `${where}.categories`,
      `has ${beyond} at node ${node}; allowed: places from 0 to ${known.length - 1}`,
    )
  const isMember = new Set(members)
  return splitByPlace({ ...split, isLeft: (place) => !isMember.has(place) }, known, featureNames[feature]!)
}

/** The arrays of a tree, each checked to have one usable value a node. */
const readSource = (value: unknown, where: string, featureCount: number) => {
  const tree = recordAt(value, where)
  requireKnown(tree, TREE_PARTS, where)
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
      (x, node) =>
        isLeaf(node) ? Number.isFinite(Math.fround(x)) : splitType[node] === 1 || !Number.isNaN(x),
      'a number, at a leaf a finite float',
    ),
    defaultLeft: column('default_left', isFlag, '0 or 1'),
    hessian: column('sum_hessian', (x) => x >= 0 && Number.isFinite(x), 'a finite number of at least 0'),
    gain: column('loss_changes', Number.isFinite, 'a finite number'),
    splitType,
  }
}

/** Categories by the tree's own node, as the file numbers them, ascending. */
const readCategories = (
  tree: Parts,
  where: string,
  splitType: readonly number[],
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
    const codes = all.slice(start, end)
    const bad = codes.findIndex((code) => !(Number.isInteger(code) && code >= 0 && code <= MAX_CODE))
    if (bad >= 0)
      refuse(
        `${where}.categories[${start + bad}]`,
        `is ${codes[bad]}; allowed: whole numbers from 0 to ${MAX_CODE}`,
      )
    result.set(
      node,
      [...new Set(codes)].sort((a, b) => a - b),
    )
  })
  return result
}
