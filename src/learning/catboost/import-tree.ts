import { doubleBoundOf, floatAfter } from '../imported/float-threshold.ts'
import { type ForeignNode, growTree, type Room, takeCodes, takeNodes } from '../imported/grow-tree.ts'
import { listAt, numberAt, numbersAt, type Parts, recordAt, refuse, requireKnown } from '../imported/parts.ts'
import type { Tree } from '../trees/tree-ensemble.ts'

/** Splits of one level each at most: CatBoost's own bound. */
const MAX_DEPTH = 16
const SPLIT = ['border', 'float_feature_index', 'cat_feature_index', 'split_index', 'split_type', 'value']

/** Why no tree of ours can ask what a split of statistics asks. */
const WHY_NO_CTR =
  ', which asks how often a category was fraud in training: train with one_hot_max_size above the number of categories of each feature, or with their codes as numbers'

/** Types of splits that are read. @throws LEARNING_IMPORT_REFUSED for others, with the reason */
export const requireKnownType = (type: unknown, where: string): void => {
  if (type !== 'FloatFeature' && type !== 'OneHotFeature')
    refuse(
      `${where}.split_type`,
      `is ${String(type)}${type === 'OnlineCtr' ? WHY_NO_CTR : ''}; allowed: FloatFeature, OneHotFeature`,
    )
}

/** How a tree is to be read. */
export interface TreeReading {
  /** By `feature_index` of the numeric features: the place of the feature, and where NaN goes. */
  readonly numeric: ReadonlyMap<number, { readonly feature: number; readonly isMissingRight: boolean }>
  /** By `feature_index` of the categorical features: the place of the feature. */
  readonly categorical: ReadonlyMap<number, number>
  /** The code of a category by the hash that splits name it with. @throws MODEL_CATEGORIES_DIFFER */
  codeOf(feature: number, hash: number): number
  /** What leaves are multiplied with. */
  readonly weight: number
  readonly room: Room
}

type Condition = Pick<
  Extract<ForeignNode, { goesLeft: unknown }>,
  'feature' | 'goesLeft' | 'isMissingLeft'
> & {
  /** Whether the children change their sides. */
  readonly isSwapped: boolean
}

/**
 * A tree of `oblivious_trees`, in which all nodes of a level ask the same: bit k of a leaf's number says
 * whether split k was true. cover is the sum of `leaf_weights`, gain is not told and 0.
 *
 * @throws LEARNING_IMPORT_REFUSED with the place
 */
export const importObliviousTree = (value: unknown, where: string, reading: TreeReading): Tree => {
  const tree = recordAt(value, where)
  requireKnown(tree, ['leaf_values', 'leaf_weights', 'splits'], where)
  const splits = listAt(tree['splits'] ?? [], `${where}.splits`)
  const depth = splits.length
  if (depth > MAX_DEPTH) refuse(where, `has ${depth} levels; at most ${MAX_DEPTH}`)
  const leaves = 1 << depth
  const values = leafNumbers(tree, 'leaf_values', leaves, where)
  const weights =
    tree['leaf_weights'] === undefined
      ? new Array<number>(leaves).fill(1)
      : leafNumbers(tree, 'leaf_weights', leaves, where)
  const conditions = splits.map((split, level) => readSplit(split, `${where}.splits[${level}]`, reading))
  // A node is its bits so far with a 1 before them: the root is 1, a leaf has the bits of its number.
  const nodeAt = (id: number): ForeignNode => {
    const level = 31 - Math.clz32(id)
    const bits = id - (1 << level)
    if (level === depth) return { value: reading.weight * values[bits]!, cover: weights[bits]! }
    const { isSwapped, ...condition } = conditions[level]!
    if (typeof condition.goesLeft !== 'number') takeCodes(reading.room, 1, where)
    const below = (1 << (level + 1)) + bits
    const [left, right] = isSwapped ? [below + (1 << level), below] : [below, below + (1 << level)]
    return { ...condition, left, right, gain: 0 }
  }
  return growTree(1, nodeAt, where, reading.room)
}

/** A tree of `trees` (grow_policy Depthwise or Lossguide), whose nodes are within each other. */
export const importNestedTree = (value: unknown, where: string, reading: TreeReading): Tree => {
  const nodes: NestedNode[] = []
  const waiting: {
    readonly value: unknown
    readonly parent?: NestedSplit
    readonly side?: 'left' | 'right'
  }[] = [{ value }]
  const room = { ...reading.room }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    takeNodes(room, 1)
    const part = recordAt(next.value, where)
    if (next.parent !== undefined) next.parent[next.side!] = nodes.length
    if (part['split'] === undefined) {
      requireKnown(part, ['value', 'weight'], where)
      const weight = part['weight'] === undefined ? 1 : numberAt(part, 'weight', where)
      if (!(weight >= 0)) refuse(`${where}.weight`, `is ${weight}; allowed: from 0`)
      nodes.push({ value: reading.weight * numberAt(part, 'value', where), cover: weight })
      continue
    }
    requireKnown(part, ['split', 'left', 'right'], where)
    const node = { ...readSplit(part['split'], `${where}.split`, reading), left: -1, right: -1 }
    nodes.push(node)
    waiting.push(
      { value: part['right'], parent: node, side: 'right' },
      { value: part['left'], parent: node, side: 'left' },
    )
  }
  const nodeAt = (id: number): ForeignNode => {
    const node = nodes[id]!
    if ('value' in node) return node
    const { isSwapped, left, right, ...split } = node
    return { ...split, ...(isSwapped ? { left: right, right: left } : { left, right }), gain: 0 }
  }
  return growTree(0, nodeAt, where, reading.room)
}

type NestedSplit = Condition & { left: number; right: number }
type NestedNode = { readonly value: number; readonly cover: number } | NestedSplit

const leafNumbers = (tree: Parts, name: string, count: number, where: string): readonly number[] => {
  const numbers = numbersAt(tree, name, where)
  if (numbers.length !== count)
    refuse(`${where}.${name}`, `has ${numbers.length} numbers; allowed: ${count}, one a leaf`)
  const bad = numbers.findIndex(
    (number) => !Number.isFinite(number) || (name === 'leaf_weights' && number < 0),
  )
  return bad < 0
    ? numbers
    : refuse(`${where}.${name}[${bad}]`, `is ${numbers[bad]}; allowed: a finite number`)
}

/**
 * A row goes right there where its value, as a float, is above the border, or its category is the one named;
 * ours goes left where it is below a double, or its code one of a set.
 */
const readSplit = (value: unknown, where: string, reading: TreeReading): Condition => {
  const split = recordAt(value, where)
  requireKnown(split, SPLIT, where)
  requireKnownType(split['split_type'], where)
  if (split['split_type'] === 'FloatFeature') {
    const known = reading.numeric.get(numberAt(split, 'float_feature_index', where))
    if (known === undefined)
      return refuse(`${where}.float_feature_index`, 'is no numeric feature of the model')
    const border = Math.fround(numberAt(split, 'border', where))
    if (!Number.isFinite(border)) refuse(`${where}.border`, 'is no finite number')
    const { feature, isMissingRight } = known
    const goesLeft = doubleBoundOf(floatAfter(border))
    return { feature, goesLeft, isMissingLeft: !isMissingRight, isSwapped: false }
  }
  const feature = reading.categorical.get(numberAt(split, 'cat_feature_index', where))
  if (feature === undefined)
    return refuse(`${where}.cat_feature_index`, 'is no categorical feature of the model')
  const code = reading.codeOf(feature, numberAt(split, 'value', where))
  return { feature, goesLeft: [code], isMissingLeft: false, isSwapped: true }
}
