import { bytesOf, floatsOf, integersOf, ownShare, type SharedParts } from '../shared-parts.ts'
import type { BinnedTable } from '../trees/binned-table.ts'
import { GROUP, type Kernels, openKernels, type RowOrder } from '../trees/kernels.ts'
import type { ShareWork } from '../trees/share-work.ts'
import { type BinSplit, binsThatGoLeft, TreeBuilder } from '../trees/tree-builder.ts'
import type { Tree } from '../trees/tree-ensemble.ts'
import {
  findCategoricalSplit,
  findNumericSplit,
  type GradientSplit,
  type NodeSums,
} from './gradient-split.ts'

/** How a tree of boosting grows. */
export interface GrowRules {
  readonly maxDepth: number
  readonly minChildWeight: number
  readonly l2: number
  readonly minGain: number
  readonly learningRate: number
  /** By feature: 1 rising, -1 falling, 0 free. */
  readonly directions: Int8Array
}

/**
 * Memory of growing that the crew shares. Rows of a node lie side by side in `sides[level % 2]`, with their
 * gradients and Hessians.
 */
export interface GrowMemory {
  readonly sides: readonly [RowOrder, RowOrder]
  /** Histograms of whole nodes, one a slot. */
  readonly slots: Float64Array
  /** The best split of each (node of a level, group of features): `CANDIDATE` numbers each. */
  readonly candidates: Float64Array
  /** Bins that go left in each candidate, a bit each; used by categorical ones. */
  readonly candidateBins: Int32Array
  /** Rows that went left, by node of a level. */
  readonly leftCounts: Int32Array
  /** This thread's own: two histograms of a group of features, and a mark for each bin of a split. */
  readonly scratch: readonly [Float64Array, Float64Array]
  readonly goesLeft: Uint8Array
  readonly kernels: Kernels
}

const CANDIDATE = 6

/**
 * Sizes of `GrowMemory`, in bytes. `slotLimit` bounds the histograms kept; the others are computed when
 * needed.
 */
export const growMemory = (
  rows: number,
  features: number,
  width: number,
  maxDepth: number,
  threads: number,
): Readonly<Record<string, number>> => {
  const nodes = levelNodes(rows, maxDepth)
  const groups = Math.ceil(features / GROUP)
  return {
    orders: rows * 4 * 2,
    pairs: rows * 16 * 2,
    slots: slotCount(rows, features, width, maxDepth) * features * width * 16,
    candidates: nodes * groups * CANDIDATE * 8,
    candidateBins: nodes * groups * Math.ceil(width / 32) * 4,
    leftCounts: nodes * 4,
    scratch: threads * 2 * GROUP * width * 16,
    // Categories may be more than bins; their marks are by bin too.
    marks: threads * markBytes(width),
  }
}

/** Nodes that a level can have at most. */
const levelNodes = (rows: number, maxDepth: number): number =>
  Math.max(1, Math.min(2 ** (maxDepth - 1), rows))

/** Histograms are kept up to here, 128 MiB; nodes beyond are computed without their parent's. */
const SLOT_BYTES = 2 ** 27

const slotCount = (rows: number, features: number, width: number, maxDepth: number): number =>
  Math.max(2, Math.min(levelNodes(rows, maxDepth), Math.floor(SLOT_BYTES / (features * width * 16))))

/** Marks of one thread, on cache lines of their own. */
const markBytes = (width: number): number => Math.ceil(width / 64) * 64

/** Opens the memory as thread `index` of `threads` sees it. */
export const openGrowMemory = (
  parts: SharedParts,
  rows: number,
  index: number,
  threads: number,
): GrowMemory => {
  const orders = integersOf(parts, 'orders')
  const pairs = floatsOf(parts, 'pairs')
  const side = (number: 0 | 1): RowOrder => ({
    order: orders.subarray(number * rows, (number + 1) * rows),
    pairs: pairs.subarray(number * rows * 2, (number + 1) * rows * 2),
  })
  const scratch = ownShare(floatsOf(parts, 'scratch'), index, threads)
  return {
    sides: [side(0), side(1)],
    slots: floatsOf(parts, 'slots'),
    candidates: floatsOf(parts, 'candidates'),
    candidateBins: integersOf(parts, 'candidateBins'),
    leftCounts: integersOf(parts, 'leftCounts'),
    scratch: [scratch.subarray(0, scratch.length / 2), scratch.subarray(scratch.length / 2)],
    goesLeft: ownShare(bytesOf(parts, 'marks'), index, threads),
    kernels: openKernels(parts.memory),
  }
}

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

/** A node of the level that is being grown. */
interface OpenNode extends NodeSums {
  /** In the tree. */
  readonly index: number
  readonly from: number
  readonly to: number
}

/**
 * Nodes whose histograms are found together: a root alone, or two siblings, of which one is counted and one
 * is the difference.
 */
interface Family {
  /** Fewer rows: counted. */
  readonly small: number
  /** -1 for a root. */
  readonly large: number
  /** Slot with the parent's histogram, or of a root its own; -1 when there is none, and both are counted. */
  readonly parentSlot: number
  /** Slot for the small one's; -1 when none is free, and it is not kept. */
  readonly smallSlot: number
}

/**
 * Grows one tree, level by level; every thread of the crew runs this on the same arguments, and each returns
 * the whole tree.
 *
 * 1. (family, group of features): fill the small child's histogram, take it from the parent's for the large
 *    one, find the best split of both for these features.
 * 2. Every thread picks the best of each node: the groups in order, so that ties go to the first feature.
 * 3. node: part its rows, in place of the parent's, into the other of `sides`.
 *
 * Rows are the first `rowCount` of `sides[0]`.
 */
export const growTree = (
  binned: BinnedTable,
  features: readonly number[],
  rowCount: number,
  rootSums: { readonly g: number; readonly h: number },
  scale: number,
  rules: GrowRules,
  memory: GrowMemory,
  shareWork: ShareWork,
): GrownTree => {
  const builder = new TreeBuilder()
  const leaves: GrownLeaf[] = []
  const splits = new Map<number, BinSplit>()
  const groups = Array.from({ length: Math.ceil(features.length / GROUP) }, (_, group) =>
    features.slice(group * GROUP, (group + 1) * GROUP),
  )
  const finder = new SplitFinder(binned, groups, scale, rules, memory)
  const leafValue = ({ g, h, low, high }: NodeSums): number =>
    Math.min(high, Math.max(low, -g / (h + rules.l2 * scale))) * rules.learningRate
  const root = {
    ...rootSums,
    low: Number.NEGATIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
    from: 0,
    to: rowCount,
  }
  let open: OpenNode[] = [{ ...root, index: builder.addLeaf(leafValue(root), rootSums.h / scale) }]
  let families: Family[] = [{ small: 0, large: -1, parentSlot: -1, smallSlot: 0 }]
  for (let depth = 0; open.length > 0; depth++) {
    const side = (depth % 2) as 0 | 1
    const close = ({ from, to, ...sums }: OpenNode): void => {
      leaves.push({ value: leafValue(sums), side, from, to })
    }
    if (depth === rules.maxDepth) {
      open.forEach(close)
      break
    }
    const level = open
    shareWork(families.length * groups.length, (task) => {
      const family = families[Math.floor(task / groups.length)]!
      finder.find(level, family, task % groups.length, side)
    })
    const chosen = level.map((_, place) => finder.choose(place))
    shareWork(level.length, (place) => {
      const split = chosen[place]
      if (split !== undefined)
        memory.leftCounts[place] = partRows(
          binned,
          level[place]!,
          split,
          memory,
          side,
          depth + 1 < rules.maxDepth,
        )
    })
    open = []
    const kept = new Set<number>()
    level.forEach((node, place) => {
      const split = chosen[place]
      if (split === undefined) {
        close(node)
        return
      }
      splits.set(node.index, split)
      const left = builder.split(node.index, split, binned.bins[split.feature]!)
      const middle = node.from + memory.leftCounts[place]!
      const [leftSums, rightSums] = childSums(node, split, scale, rules)
      builder.addLeaf(leafValue(leftSums), leftSums.h / scale)
      builder.addLeaf(leafValue(rightSums), rightSums.h / scale)
      open.push(
        { ...leftSums, index: left, from: node.from, to: middle },
        { ...rightSums, index: left + 1, from: middle, to: node.to },
      )
      kept.add(place)
    })
    families = finder.nextFamilies(families, kept, open)
    // The counts are read above by every thread; the next level writes them only after its own first meeting.
  }
  return { tree: builder.build(), leaves, splits }
}

/** A chosen split with the sums of its left child, in units of the scale. */
interface ChosenSplit extends BinSplit {
  readonly leftG: number
  readonly leftH: number
}

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

/** One thread's part in finding splits: histograms are filled in shared slots or in its own scratch. */
class SplitFinder {
  private readonly binned: BinnedTable
  private readonly groups: readonly (readonly number[])[]
  private readonly scale: number
  private readonly rules: GrowRules
  private readonly memory: GrowMemory
  /** Doubles from one feature's histogram to the next's. */
  private readonly stride: number
  private readonly slotSize: number
  private readonly slotTotal: number
  private readonly words: number
  private readonly columns: readonly (readonly (Uint8Array | Uint16Array)[])[]
  private readonly found: GradientSplit = { gain: 0, bin: 0, missingLeft: false, leftG: 0, leftH: 0 }
  private readonly order: number[] = []

  constructor(
    binned: BinnedTable,
    groups: readonly (readonly number[])[],
    scale: number,
    rules: GrowRules,
    memory: GrowMemory,
  ) {
    this.binned = binned
    this.groups = groups
    this.scale = scale
    this.rules = rules
    this.memory = memory
    this.stride = 2 * binned.width
    this.slotSize = groups.reduce((sum, group) => sum + group.length, 0) * this.stride
    this.slotTotal = Math.floor(memory.slots.length / this.slotSize)
    this.words = Math.ceil(binned.width / 32)
    this.columns = groups.map((group) => group.map((feature) => binned.columns[feature]!))
  }

  /** The best split of a family's nodes on one group of features, into `candidates`. */
  find(level: readonly OpenNode[], family: Family, group: number, side: 0 | 1): void {
    const small = level[family.small]!
    if (family.large < 0) {
      const [sums, at] = this.place(family.smallSlot, group, 0)
      this.count(small, group, side, sums, at)
      this.search(small, family.small, group, sums, at)
      return
    }
    const large = level[family.large]!
    // Too light for any split: nobody needs their histograms.
    const isNeeded = this.canSplit(small) || this.canSplit(large)
    const [smallSums, smallAt] = this.place(family.smallSlot, group, 0)
    if (isNeeded) this.count(small, group, side, smallSums, smallAt)
    this.search(small, family.small, group, smallSums, smallAt)
    const [largeSums, largeAt] = this.place(family.parentSlot, group, 1)
    if (isNeeded) {
      if (family.parentSlot < 0) this.count(large, group, side, largeSums, largeAt)
      else {
        const size = this.groups[group]!.length * this.stride
        for (let i = 0; i < size; i++) largeSums[largeAt + i]! -= smallSums[smallAt + i]!
      }
    }
    this.search(large, family.large, group, largeSums, largeAt)
  }

  /** The best of a node's candidates, the first among equals; undefined when nothing is worth a split. */
  choose(place: number): ChosenSplit | undefined {
    const { candidates, candidateBins } = this.memory
    let best = -1
    let bestGain = Math.max(0, this.rules.minGain)
    for (let group = 0; group < this.groups.length; group++) {
      const gain = candidates[(place * this.groups.length + group) * CANDIDATE]!
      // As XGBoost: a gain of exactly min_gain is kept, a gain of 0 is none.
      if (gain > bestGain || (best < 0 && gain === bestGain && gain > 0)) {
        best = place * this.groups.length + group
        bestGain = gain
      }
    }
    if (best < 0) return undefined
    const [gain, feature, bin, missingLeft, leftG, leftH] = candidates.subarray(
      best * CANDIDATE,
      best * CANDIDATE + CANDIDATE,
    ) as unknown as [number, number, number, number, number, number]
    const isCategorical = this.binned.bins[feature]!.isCategorical
    const leftBins: number[] = []
    if (isCategorical)
      for (let b = 0; b < this.binned.bins[feature]!.count; b++)
        if ((candidateBins[best * this.words + (b >> 5)]! >>> (b & 31)) & 1) leftBins.push(b)
    return {
      feature,
      bin,
      missingLeft: missingLeft === 1,
      gain,
      leftG,
      leftH,
      ...(isCategorical && { leftBins }),
    }
  }

  /** The next level's families, with the slots of this one's that are free again. */
  nextFamilies(families: readonly Family[], split: ReadonlySet<number>, open: readonly OpenNode[]): Family[] {
    const slotOf = new Map<number, number>()
    for (const { small, large, parentSlot, smallSlot } of families) {
      if (split.has(small)) slotOf.set(small, smallSlot)
      if (large >= 0 && split.has(large)) slotOf.set(large, parentSlot)
    }
    const taken = new Set(slotOf.values())
    let nextSlot = 0
    const freeSlot = (): number => {
      while (taken.has(nextSlot)) nextSlot++
      return nextSlot < this.slotTotal ? nextSlot++ : -1
    }
    return [...split].map((place, pair) => {
      const left = open[2 * pair]!
      const right = open[2 * pair + 1]!
      const isLeftSmall = left.to - left.from <= right.to - right.from
      return {
        small: 2 * pair + (isLeftSmall ? 0 : 1),
        large: 2 * pair + (isLeftSmall ? 1 : 0),
        parentSlot: slotOf.get(place) ?? -1,
        smallSlot: freeSlot(),
      }
    })
  }

  private canSplit({ h, from, to }: OpenNode): boolean {
    return to - from >= 2 && h >= 2 * this.rules.minChildWeight * this.scale
  }

  /** Where the histogram of a group is kept: in its slot, or in scratch. */
  private place(slot: number, group: number, scratch: 0 | 1): readonly [Float64Array, number] {
    return slot < 0
      ? [this.memory.scratch[scratch], 0]
      : [this.memory.slots, slot * this.slotSize + group * GROUP * this.stride]
  }

  private count({ from, to }: OpenNode, group: number, side: 0 | 1, sums: Float64Array, at: number): void {
    const columns = this.columns[group]!
    sums.fill(0, at, at + columns.length * this.stride)
    const { kernels, sides } = this.memory
    kernels.addToHistograms(columns, sides[side].order, sides[side].pairs, from, to, sums, at, this.stride)
  }

  private search(node: OpenNode, place: number, group: number, sums: Float64Array, at: number): void {
    const { candidates, candidateBins } = this.memory
    const slot = place * this.groups.length + group
    const candidate = slot * CANDIDATE
    candidates[candidate] = Number.NEGATIVE_INFINITY
    if (!this.canSplit(node)) return
    this.groups[group]!.forEach((feature, i) => {
      const bins = this.binned.bins[feature]!
      const { found, order, rules, scale } = this
      const featureAt = at + i * this.stride
      if (bins.isCategorical) findCategoricalSplit(sums, featureAt, bins, node, scale, rules, order, found)
      else findNumericSplit(sums, featureAt, bins, node, scale, rules, rules.directions[feature]!, found)
      if (!(found.gain > candidates[candidate]!)) return
      candidates[candidate] = found.gain
      candidates[candidate + 1] = feature
      candidates[candidate + 2] = found.bin
      candidates[candidate + 3] = found.missingLeft ? 1 : 0
      candidates[candidate + 4] = found.leftG
      candidates[candidate + 5] = found.leftH
      if (!bins.isCategorical) return
      candidateBins.fill(0, slot * this.words, (slot + 1) * this.words)
      for (const bin of order.slice(0, found.bin))
        candidateBins[slot * this.words + (bin >> 5)]! |= 1 << (bin & 31)
    })
  }
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
