import type { Tree } from '../trees/tree-ensemble.ts'
import { refuse } from './parts.ts'

/** Splits from the root to a leaf at most: beyond, a model is a mistake or an attack. */
const MAX_DEPTH = 1000
/** Nodes of all trees at most: what an artifact may hold. */
const MAX_NODES = 4_000_000
/** Codes of all sets of categories at most. */
const MAX_SET_CODES = 20_000_000
/** Least cover that a node is given. Other libraries' may be 0, where explanations divide by it. */
const LEAST_COVER = 1e-9

/** How much the trees of one model may still hold together: each takes its own off. */
export interface Room {
  nodes: number
  codes: number
}

export const emptyRoom = (): Room => ({ nodes: MAX_NODES, codes: MAX_SET_CODES })

/** Takes the codes of a set off. @throws LEARNING_IMPORT_REFUSED when there is no room for them */
export const takeCodes = (room: Room, count: number, where: string): void => {
  room.codes -= count
  if (room.codes < 0) refuse(where, 'has more categories, with the trees before, than a model may have')
}

/** Takes nodes off. @throws LEARNING_IMPORT_REFUSED when there is no room for them */
export const takeNodes = (room: Room, count: number): void => {
  room.nodes -= count
  if (room.nodes < 0) refuse('The trees', `have more than ${MAX_NODES} nodes together`)
}

/** A node of another library's tree, in the words of ours. */
export type ForeignNode = ForeignLeaf | ForeignSplit

export interface ForeignLeaf {
  /** What it adds to the margin, finite. */
  readonly value: number
  readonly cover: number
}

export interface ForeignSplit {
  /** Place of the feature. */
  readonly feature: number
  /** Below it a row goes left; or the codes with which it does, ascending. */
  readonly goesLeft: number | readonly number[]
  readonly isMissingLeft: boolean
  /** The file's numbers of its children. */
  readonly left: number
  readonly right: number
  /** Absent: what its children have together. */
  readonly cover?: number
  readonly gain: number
}

/**
 * A tree of another library as ours: nodes are numbered anew, breadth first, so that the right child follows
 * the left; nodes that none leads to are gone.
 *
 * @param nodeAt the node that the file calls by this number
 * @throws LEARNING_IMPORT_REFUSED when two nodes lead to one, a leaf has no finite value, it is too deep, or
 * there is no room for it
 */
export const growTree = (
  root: number,
  nodeAt: (id: number) => ForeignNode,
  where: string,
  room: Room,
): Tree => {
  const tree = {
    feature: [] as number[],
    threshold: [] as number[],
    left: [] as number[],
    missingLeft: [] as number[],
    value: [] as number[],
    cover: [] as number[],
    gain: [] as number[],
  }
  const categories: Record<string, readonly number[]> = {}
  // The queue is the new numbering: the node at place i becomes node i.
  const queue = [root]
  const depths = [0]
  const seen = new Set(queue)
  for (let at = 0; at < queue.length; at++) {
    takeNodes(room, 1)
    const node = nodeAt(queue[at]!)
    if ('value' in node) {
      // Weights and scales of the library may take a finite one beyond what there is.
      if (!Number.isFinite(node.value)) refuse(where, `has a leaf whose value is ${node.value}`)
      tree.cover.push(Math.max(LEAST_COVER, node.cover))
      tree.feature.push(-1)
      tree.threshold.push(0)
      tree.left.push(0)
      tree.missingLeft.push(0)
      tree.value.push(node.value)
      tree.gain.push(0)
      continue
    }
    if (depths[at] === MAX_DEPTH) refuse(where, `is deeper than ${MAX_DEPTH} splits`)
    const { goesLeft } = node
    if (typeof goesLeft !== 'number') categories[at] = goesLeft
    tree.feature.push(node.feature)
    tree.threshold.push(typeof goesLeft === 'number' ? goesLeft : 0)
    tree.left.push(queue.length)
    tree.missingLeft.push(node.isMissingLeft ? 1 : 0)
    tree.value.push(0)
    tree.cover.push(node.cover === undefined ? Number.NaN : Math.max(LEAST_COVER, node.cover))
    tree.gain.push(node.gain)
    for (const child of [node.left, node.right]) {
      if (seen.has(child)) refuse(where, `leads to its node ${child} twice`)
      seen.add(child)
      queue.push(child)
      depths.push(depths[at]! + 1)
    }
  }
  for (let at = queue.length - 1; at >= 0; at--) {
    const left = tree.left[at]!
    if (Number.isNaN(tree.cover[at])) tree.cover[at] = tree.cover[left]! + tree.cover[left + 1]!
  }
  return Object.keys(categories).length === 0 ? tree : { ...tree, categories }
}
