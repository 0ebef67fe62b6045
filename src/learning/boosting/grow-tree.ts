import type { BinnedTable } from '../trees/binned-table.ts'
import { addToHistograms, GROUP } from '../trees/pair-histogram.ts'
import type { ShareWork } from '../trees/share-work.ts'
import { type BinSplit, TreeBuilder } from '../trees/tree-builder.ts'
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

/** Memory of growing that the crew shares. Rows of a node lie side by side in `orders[level % 2]`, their gradients in `pairs`. */
export interface GrowMemory {
  readonly orders: readonly [Int32Array, Int32Array]
  readonly pairs: readonly [Float64Array, Float64Array]
  /** Histograms of whole nodes, one a slot. */
  readonly slots: Float64Array
  /** The best split of each (node of a level, group of features): `CANDIDATE` numbers each. */
  readonly candidates: Float64Array
  /** Bins that go left in each candidate, a bit each; used by categorical ones. */
  readonly candidateBins: Uint32Array
  /** Rows that went left, by node of a level. */
  readonly leftCounts: Int32Array
}

const CANDIDATE = 6

/** Sizes of `GrowMemory`, in bytes. `slotLimit` bounds the histograms kept; the others are computed when needed. */
export const growMemory = (
  rows: number,
  features: number,
  width: number,
  maxDepth: number,
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
  }
}

/** Nodes that a level can have at most. */
const levelNodes = (rows: number, maxDepth: number): number =>
  Math.max(1, Math.min(2 ** (maxDepth - 1), rows))

/** Histograms are kept up to here, 128 MiB; nodes beyond are computed without their parent's. */
const SLOT_BYTES = 2 ** 27

const slotCount = (rows: number, features: number, width: number, maxDepth: number): number =>
  Math.max(2, Math.min(levelNodes(rows, maxDepth), Math.floor(SLOT_BYTES / (features * width * 16))))

export const openGrowMemory = (
  buffers: Readonly<Record<string, ArrayBufferLike>>,
  rows: number,
): GrowMemory => ({
  orders: [new Int32Array(buffers['orders']!, 0, rows), new Int32Array(buffers['orders']!, rows * 4, rows)],
  pairs: [
    new Float64Array(buffers['pairs']!, 0, rows * 2),
    new Float64Array(buffers['pairs']!, rows * 16, rows * 2),
  ],
  slots: new Float64Array(buffers['slots']!),
  candidates: new Float64Array(buffers['candidates']!),
  candidateBins: new Uint32Array(buffers['candidateBins']!),
  leftCounts: new Int32Array(buffers['leftCounts']!),
})

/** A leaf's rows: where they lie, and what they get. */
export interface GrownLeaf {
  readonly value: number
  /** Which of `orders`. */
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

/** Nodes whose histograms are found together: a root alone, or two siblings, of which one is counted and one is the difference. */
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
 * Grows one tree, level by level; every thread of the crew runs this on the same arguments, and each returns the whole tree.
 *
 * 1. (family, group of features): fill the small child's histogram, take it from the parent's for the large one, find the best split
 *    of both for these features.
 * 2. Every thread picks the best of each node: the groups in order, so that ties go to the first feature.
 * 3. node: part its rows, in place of the parent's, into the other of `orders`.
 *
 * Rows are `orders[0][0...rowCount)` with their gradients in `pairs[0]`.
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

/** Sums of the children; on a monotone feature, the values below the split stay on their side of the middle. */
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
  private readonly scratch: readonly [Float64Array, Float64Array]
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
    this.scratch = [new Float64Array(GROUP * this.stride), new Float64Array(GROUP * this.stride)]
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
      ? [this.scratch[scratch], 0]
      : [this.memory.slots, slot * this.slotSize + group * GROUP * this.stride]
  }

  private count({ from, to }: OpenNode, group: number, side: 0 | 1, sums: Float64Array, at: number): void {
    const columns = this.columns[group]!
    sums.fill(0, at, at + columns.length * this.stride)
    addToHistograms(
      columns,
      this.memory.orders[side],
      this.memory.pairs[side],
      from,
      to,
      sums,
      at,
      this.stride,
    )
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

/**
 * Parts a node's rows into the other side: those that go left from the front, those that go right from the back, so that one pass is
 * enough. Returns how many went left.
 */
const partRows = (
  binned: BinnedTable,
  { from, to }: OpenNode,
  split: BinSplit,
  { orders, pairs }: GrowMemory,
  side: 0 | 1,
  withPairs: boolean,
): number => {
  const column = binned.columns[split.feature]!
  const goesLeft = binsThatGoLeft(binned, split)
  const order = orders[side]
  const pair = pairs[side]
  const intoOrder = orders[side === 0 ? 1 : 0]
  const intoPair = pairs[side === 0 ? 1 : 0]
  let left = from
  let right = to - 1
  for (let i = from; i < to; i++) {
    const row = order[i]!
    const isLeft = goesLeft[column[row]!]!
    const at = isLeft === 1 ? left : right
    left += isLeft
    right -= 1 - isLeft
    intoOrder[at] = row
    if (withPairs) {
      intoPair[2 * at] = pair[2 * i]!
      intoPair[2 * at + 1] = pair[2 * i + 1]!
    }
  }
  return left - from
}

/** 1 for each bin of the split's feature that goes left, the missing bin last. */
export const binsThatGoLeft = (
  { bins }: BinnedTable,
  { feature, bin, leftBins, missingLeft }: BinSplit,
): Uint8Array => {
  const { count } = bins[feature]!
  const goesLeft = new Uint8Array(count + 1)
  if (leftBins === undefined) goesLeft.fill(1, 0, Math.min(bin + 1, count))
  else for (const leftBin of leftBins) goesLeft[leftBin] = 1
  goesLeft[count] = missingLeft ? 1 : 0
  return goesLeft
}
