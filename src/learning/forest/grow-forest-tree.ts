import type { Random } from '../../foundation/random.ts'
import type { BinnedTable } from '../trees/binned-table.ts'
import { addToHistograms, GROUP } from '../trees/pair-histogram.ts'
import { TreeBuilder } from '../trees/tree-builder.ts'
import type { Tree } from '../trees/tree-ensemble.ts'
import { type ClassWeights, findGiniSplit, type GiniSplit } from './gini-split.ts'

/** What a tree of a forest needs of its settings. */
export interface ForestTreeRules {
  readonly trees: number
  readonly maxDepth: number
  readonly minLeafRows: number
}

/** Nodes grown between two looks at whether to stop. */
const NODES_PER_LOOK = 4096

interface OpenNode {
  /** In the tree. */
  readonly index: number
  readonly from: number
  readonly to: number
  readonly depth: number
  /** Class weights in it. */
  readonly weights: ClassWeights
}

/**
 * Grows trees one after the other in memory of its own: 41 bytes a row, and histograms of the features that a node tries.
 *
 * Depth first, so that a node's rows are still near when its children are split.
 */
export class ForestTreeGrower {
  private readonly binned: BinnedTable
  private readonly rules: ForestTreeRules
  private readonly tried: number
  private readonly factors: ClassWeights
  private readonly order: [Int32Array, Int32Array]
  /** Weight of fraud and of all, by place in `order`. */
  private readonly pairs: [Float64Array, Float64Array]
  private readonly sums: Float64Array
  private readonly stride: number
  private readonly features: Int32Array
  private readonly filled: number[] = []
  private rowCount = 0

  constructor(binned: BinnedTable, rules: ForestTreeRules, tried: number, factors: ClassWeights) {
    this.binned = binned
    this.rules = rules
    this.tried = tried
    this.factors = factors
    const { rowCount } = binned
    this.order = [new Int32Array(rowCount), new Int32Array(rowCount)]
    this.pairs = [new Float64Array(rowCount * 2), new Float64Array(rowCount * 2)]
    this.stride = 2 * binned.width
    this.sums = new Float64Array(GROUP * this.stride)
    this.features = Int32Array.from(binned.columns, (_, f) => f)
  }

  /** Puts a row at a place of the root. */
  setRow(place: number, row: number, weight: number, label: number): void {
    this.order[0][place] = row
    this.pairs[0][2 * place] = weight * label
    this.pairs[0][2 * place + 1] = weight
  }

  setRowCount(count: number): void {
    this.rowCount = count
  }

  /** Grows a tree on the rows that were set. Stops early, with whatever tree there is, when `isCancelled`. */
  grow(random: Random, isCancelled: () => boolean): Tree {
    const builder = new TreeBuilder()
    // Each tree draws features from the same start, whatever trees this thread has grown before.
    this.features.forEach((_, f) => {
      this.features[f] = f
    })
    const open = [this.leaf(builder, 0, this.rowCount, 0)]
    for (let node = open.pop(), seen = 1; node !== undefined; node = open.pop(), seen++) {
      if (seen % NODES_PER_LOOK === 0 && isCancelled()) break
      const split = this.canSplit(node) ? this.findSplit(node, random) : undefined
      if (split === undefined) continue
      const middle = this.partRows(node, split)
      builder.split(node.index, split, this.binned.bins[split.feature]!)
      const left = this.leaf(builder, node.from, middle, node.depth + 1)
      const right = this.leaf(builder, middle, node.to, node.depth + 1)
      open.push(right, left)
    }
    return builder.build()
  }

  /** Appends a leaf with the rows of `from` to `to`: its value is its share of fraud, divided by the number of trees. */
  private leaf(builder: TreeBuilder, from: number, to: number, depth: number): OpenNode {
    let fraud = 0
    let all = 0
    const pairs = this.pairs[0]
    for (let i = from; i < to; i++) {
      fraud += pairs[2 * i]!
      all += pairs[2 * i + 1]!
    }
    const weights = { fraud: fraud * this.factors.fraud, genuine: (all - fraud) * this.factors.genuine }
    const cover = weights.fraud + weights.genuine
    const index = builder.addLeaf(weights.fraud / cover / this.rules.trees, cover)
    return { index, from, to, depth, weights }
  }

  private canSplit({ from, to, depth, weights }: OpenNode): boolean {
    const { maxDepth } = this.rules
    return to - from >= 2 && weights.fraud > 0 && weights.genuine > 0 && (maxDepth === 0 || depth < maxDepth)
  }

  /** Tries features in a random order until enough were tried that are not constant in the node. */
  private findSplit({ from, to, weights }: OpenNode, random: Random): GiniSplit | undefined {
    const { features, binned, sums, stride } = this
    const best: GiniSplit = { gain: -1, feature: -1, bin: 0, leftBins: undefined, missingLeft: false }
    let tried = 0
    let drawn = 0
    while (tried < this.tried && drawn < features.length) {
      const group = Math.min(GROUP, this.tried - tried, features.length - drawn)
      for (let i = 0; i < group; i++) {
        const other = drawn + i + random.integer(features.length - drawn - i)
        const feature = features[other]!
        features[other] = features[drawn + i]!
        features[drawn + i] = feature
      }
      const columns = Array.from({ length: group }, (_, i) => binned.columns[features[drawn + i]!]!)
      sums.fill(0, 0, group * stride)
      addToHistograms(columns, this.order[0], this.pairs[0], from, to, sums, 0, stride)
      for (let i = 0; i < group; i++) {
        const feature = features[drawn + i]!
        const isVarying = findGiniSplit(
          sums,
          i * stride,
          feature,
          binned.bins[feature]!,
          weights,
          this.factors,
          this.rules.minLeafRows,
          this.filled,
          best,
        )
        if (isVarying) tried++
      }
      drawn += group
    }
    return best.feature < 0 ? undefined : best
  }

  /** Parts the node's rows in place, keeping their order on each side; returns where the right ones begin. */
  private partRows({ from, to }: OpenNode, split: GiniSplit): number {
    const { count } = this.binned.bins[split.feature]!
    const column = this.binned.columns[split.feature]!
    const leftBins = split.leftBins === undefined ? undefined : new Set(split.leftBins)
    const [order, spareOrder] = this.order
    const [pairs, sparePairs] = this.pairs
    let left = from
    let right = 0
    for (let i = from; i < to; i++) {
      const row = order[i]!
      const bin = column[row]!
      const isLeft =
        bin === count ? split.missingLeft : leftBins === undefined ? bin <= split.bin : leftBins.has(bin)
      if (isLeft) {
        order[left] = row
        pairs[2 * left] = pairs[2 * i]!
        pairs[2 * left + 1] = pairs[2 * i + 1]!
        left++
      } else {
        spareOrder[right] = row
        sparePairs[2 * right] = pairs[2 * i]!
        sparePairs[2 * right + 1] = pairs[2 * i + 1]!
        right++
      }
    }
    order.set(spareOrder.subarray(0, right), left)
    pairs.set(sparePairs.subarray(0, 2 * right), 2 * left)
    return left
  }
}
