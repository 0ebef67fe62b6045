import type { BinnedTable } from '../trees/binned-table.ts'
import { GROUP } from '../trees/kernels.ts'
import type { ShareWork } from '../trees/share-work.ts'
import { type BinSplit, binsThatGoLeft, TreeBuilder } from '../trees/tree-builder.ts'
import type { Tree } from '../trees/tree-ensemble.ts'
import type { NodeSums } from './gradient-split.ts'
import type { GrowMemory } from './grow-memory.ts'
import { type ChosenSplit, type Family, type GrowRules, type OpenNode, SplitFinder } from './split-finder.ts'

/** A leaf's rows: where they lie, and what they get. */
export interface GrownLeaf {
  readonly value: number
  /** Which of `sides`. */
  readonly side: 0 | 1
  readonly from: number
  readonly to: number
}

export interface GrownTree {
  readonly tree: Tree
  readonly leaves: readonly GrownLeaf[]
  /** By inner node: the split in bins, to walk binned rows. */
  readonly splits: ReadonlyMap<number, BinSplit>
}

/** What one tree grows from. */
export interface GrowTask {
  readonly binned: BinnedTable
  /** Numbers of the features that it may ask for, in rising order. */
  readonly features: readonly number[]
  /** Its rows are the first so many of `sides[0]`. */
  readonly rowCount: number
  /** Of all its rows, in units of the scale. */
  readonly rootSums: { readonly g: number; readonly h: number }
  /** Real = sum / scale. */
  readonly scale: number
  readonly rules: GrowRules
  readonly memory: GrowMemory
  readonly shareWork: ShareWork
}

/**
 * Grows one tree, level by level; every thread of the crew runs this on the same arguments, and each returns
 * the whole tree.
 *
 * 1. (family, group of features): fill the small child's histogram, take it from the parent's for the large
 *    one, find the best split of both for these features.
 * 2. Every thread picks the best of each node: the groups in order, so that ties go to the first feature.
 * 3. node: part its rows, in place of the parent's, into the other of `sides`.
 */
export const growTree = (task: GrowTask): GrownTree => {
  const { binned, features, scale, rules, memory, shareWork } = task
  const groups = Array.from({ length: Math.ceil(features.length / GROUP) }, (_, group) =>
    features.slice(group * GROUP, (group + 1) * GROUP),
  )
  const finder = new SplitFinder(binned, groups, scale, rules, memory)
  const tree = new GrowingTree(task)
  let open: OpenNode[] = [tree.root()]
  let families: Family[] = [{ small: 0, large: -1, parentSlot: -1, smallSlot: 0 }]
  for (let depth = 0; open.length > 0; depth++) {
    const side = (depth % 2) as 0 | 1
    const level = open
    if (depth === rules.maxDepth) {
      for (const node of level) tree.close(node, side)
      break
    }
    shareWork(families.length * groups.length, (part) => {
      const family = families[Math.floor(part / groups.length)]!
      finder.find(level, family, part % groups.length, side)
    })
    const chosen = level.map((_, place) => finder.choose(place))
    const isLast = depth + 1 === rules.maxDepth
    shareWork(level.length, (place) => {
      const split = chosen[place]
      if (split !== undefined)
        memory.leftCounts[place] = partRows(binned, level[place]!, split, memory, side, !isLast)
    })
    open = []
    const kept = new Set<number>()
    for (const [place, node] of level.entries()) {
      const split = chosen[place]
      if (split === undefined) tree.close(node, side)
      else {
        open.push(...tree.split(node, split, memory.leftCounts[place]!))
        kept.add(place)
      }
    }
    families = finder.nextFamilies(families, kept, open)
    // The counts are read above by every thread; the next level writes them only after its own first meeting.
  }
  return tree.grown()
}

/** The tree so far: its nodes, its leaves with their rows, and the splits of its inner nodes. */
class GrowingTree {
  private readonly task: GrowTask
  private readonly builder = new TreeBuilder()
  private readonly leaves: GrownLeaf[] = []
  private readonly splits = new Map<number, BinSplit>()

  constructor(task: GrowTask) {
    this.task = task
  }

  root(): OpenNode {
    const { rootSums, rowCount } = this.task
    const sums = { ...rootSums, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
    return openNode(sums, this.addLeaf(sums), 0, rowCount)
  }

  /** The node stays a leaf; its rows lie in that side. */
  close(node: OpenNode, side: 0 | 1): void {
    this.leaves.push({ value: this.valueOf(node), side, from: node.from, to: node.to })
  }

  /** @returns its children: the first `leftCount` of its rows go left */
  split(node: OpenNode, split: ChosenSplit, leftCount: number): [OpenNode, OpenNode] {
    const { binned, scale, rules } = this.task
    this.splits.set(node.index, split)
    const left = this.builder.split(node.index, split, binned.bins[split.feature]!)
    const middle = node.from + leftCount
    const [leftSums, rightSums] = childSums(node, split, scale, rules)
    this.addLeaf(leftSums)
    this.addLeaf(rightSums)
    return [openNode(leftSums, left, node.from, middle), openNode(rightSums, left + 1, middle, node.to)]
  }

  grown(): GrownTree {
    return { tree: this.builder.build(), leaves: this.leaves, splits: this.splits }
  }

  private addLeaf(sums: NodeSums): number {
    return this.builder.addLeaf(this.valueOf(sums), sums.h / this.task.scale)
  }

  private valueOf({ g, h, low, high }: NodeSums): number {
    const { rules, scale } = this.task
    return Math.min(high, Math.max(low, -g / (h + rules.l2 * scale))) * rules.learningRate
  }
}

/**
 * Member by member, so that all nodes have one hidden class: the scan of histograms reads from them, and is a
 * third slower where they have two.
 */
const openNode = ({ g, h, low, high }: NodeSums, index: number, from: number, to: number): OpenNode => ({
  g,
  h,
  low,
  high,
  index,
  from,
  to,
})

/**
 * Sums of the children; on a monotone feature, the values below the split stay on their side of the middle.
 */
const childSums = (
  { g, h, low, high }: NodeSums,
  { feature, leftG, leftH }: ChosenSplit,
  scale: number,
  { l2, directions }: GrowRules,
): [NodeSums, NodeSums] => {
  const left = { g: leftG, h: leftH, low, high }
  const right = { g: g - leftG, h: h - leftH, low, high }
  const direction = directions[feature]!
  if (direction === 0) return [left, right]
  const value = (sums: NodeSums): number => Math.min(high, Math.max(low, -sums.g / (sums.h + l2 * scale)))
  const middle = (value(left) + value(right)) / 2
  return direction > 0
    ? [
        { ...left, high: middle },
        { ...right, low: middle },
      ]
    : [
        { ...left, low: middle },
        { ...right, high: middle },
      ]
}

/** Parts a node's rows into the other side; returns how many went left. */
const partRows = (
  binned: BinnedTable,
  { from, to }: OpenNode,
  split: BinSplit,
  { sides, goesLeft, kernels }: GrowMemory,
  side: 0 | 1,
  withPairs: boolean,
): number => {
  goesLeft.set(binsThatGoLeft(binned, split))
  const target = sides[side === 0 ? 1 : 0]
  const middle = kernels.partRows(
    binned.columns[split.feature]!,
    goesLeft,
    sides[side],
    target,
    from,
    to,
    withPairs,
  )
  return middle - from
}
