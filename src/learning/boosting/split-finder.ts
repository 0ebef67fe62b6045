import type { BinnedTable } from '../trees/binned-table.ts'
import { GROUP } from '../trees/kernels.ts'
import type { BinSplit } from '../trees/tree-builder.ts'
import {
  findNumericSplit,
  type GradientSplit,
  type GradientSplitRules,
  type NodeSums,
} from './gradient-split.ts'
import { CANDIDATE, type GrowMemory } from './grow-memory.ts'
import { findSetSplit } from './set-split.ts'

/** How a tree of boosting grows. */
export interface GrowRules extends GradientSplitRules {
  readonly maxDepth: number
  readonly minGain: number
  readonly learningRate: number
  /** By feature: 1 rising, -1 falling, 0 free. */
  readonly directions: Int8Array
}

/** A node of the level that is being grown. */
export interface OpenNode extends NodeSums {
  /** In the tree. */
  readonly index: number
  readonly from: number
  readonly to: number
}

/**
 * Nodes whose histograms are found together: a root alone, or two siblings, of which one is counted and one
 * is the difference.
 */
export interface Family {
  /** Fewer rows: counted. */
  readonly small: number
  /** -1 for a root. */
  readonly large: number
  /** Slot with the parent's histogram, or of a root its own; -1 when there is none, and both are counted. */
  readonly parentSlot: number
  /** Slot for the small one's; -1 when none is free, and it is not kept. */
  readonly smallSlot: number
}

/** A chosen split with the sums of its left child, in units of the scale. */
export interface ChosenSplit extends BinSplit {
  readonly leftG: number
  readonly leftH: number
}

/** One thread's part in finding splits: histograms are filled in shared slots or in its own scratch. */
export class SplitFinder {
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
      if (bins.isCategorical) findSetSplit(sums, featureAt, bins, node, scale, rules, order, found)
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
