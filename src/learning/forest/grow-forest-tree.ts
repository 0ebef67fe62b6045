import type { Random } from '../../foundation/random.ts'
import type { Crew } from '../algorithm.ts'
import { bytesOf, floatsOf, integersOf, ownShare } from '../shared-parts.ts'
import type { BinnedTable } from '../trees/binned-table.ts'
import { GROUP, type Kernels, openKernels, type RowOrder } from '../trees/kernels.ts'
import { binsThatGoLeft, TreeBuilder } from '../trees/tree-builder.ts'
import type { Tree } from '../trees/tree-ensemble.ts'
import { type ClassWeights, findGiniSplit, type GiniSplit, type GiniSplitRules } from './gini-split.ts'

/** What a tree of a forest needs of its settings. */
export interface ForestTreeRules extends GiniSplitRules {
  readonly trees: number
  readonly maxDepth: number
}

/** Nodes grown between two looks at whether to stop. */
const NODES_PER_LOOK = 4096

interface OpenNode {
  /** In the tree. */
  readonly index: number
  /** Its rows, in the side `depth % 2`. */
  readonly from: number
  readonly to: number
  readonly depth: number
  /** Weights in it: before class weights, and with them. */
  readonly fraud: number
  readonly all: number
  readonly weights: ClassWeights
}

/**
 * Shared parts that threads grow trees in, each its own: 40 bytes a row, and histograms of the features that
 * a node tries.
 */
export const forestTreeMemory = (
  rows: number,
  width: number,
  threads: number,
): Readonly<Record<string, number>> => ({
  treeOrders: threads * 2 * rows * 4,
  treePairs: threads * 2 * rows * 16,
  treeSums: threads * GROUP * width * 16,
  treeMarks: threads * Math.ceil(width / 64) * 64,
})

/**
 * Grows trees one after the other, depth first, so that a node's rows are still near when its children are
 * split. Rows of a node lie side by side, with their weight of fraud and of all.
 */
export class ForestTreeGrower {
  private readonly binned: BinnedTable
  private readonly rules: ForestTreeRules
  private readonly tried: number
  private readonly factors: ClassWeights
  private readonly sides: readonly [RowOrder, RowOrder]
  private readonly kernels: Kernels
  private readonly goesLeft: Uint8Array
  private readonly sums: Float64Array
  private readonly stride: number
  private readonly features: Int32Array
  private readonly filled: number[] = []
  private rowCount = 0

  constructor(
    binned: BinnedTable,
    rules: ForestTreeRules,
    tried: number,
    factors: ClassWeights,
    { parts, index, size }: Crew,
  ) {
    this.binned = binned
    this.rules = rules
    this.tried = tried
    this.factors = factors
    const { rowCount } = binned
    const order = ownShare(integersOf(parts, 'treeOrders'), index, size)
    const pairs = ownShare(floatsOf(parts, 'treePairs'), index, size)
    this.sides = [
      { order: order.subarray(0, rowCount), pairs: pairs.subarray(0, 2 * rowCount) },
      { order: order.subarray(rowCount), pairs: pairs.subarray(2 * rowCount) },
    ]
    this.kernels = openKernels(parts.memory)
    this.goesLeft = ownShare(bytesOf(parts, 'treeMarks'), index, size)
    this.stride = 2 * binned.width
    this.sums = ownShare(floatsOf(parts, 'treeSums'), index, size)
    this.features = Int32Array.from(binned.columns, (_, f) => f)
  }

  /** Puts a row at a place of the root. */
  setRow(place: number, row: number, weight: number, label: number): void {
    const { order, pairs } = this.sides[0]
    order[place] = row
    pairs[2 * place] = weight * label
    pairs[2 * place + 1] = weight
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
    const open = [this.root(builder)]
    for (let node = open.pop(), seen = 1; node !== undefined; node = open.pop(), seen++) {
      if (seen % NODES_PER_LOOK === 0 && isCancelled()) break
      const split = this.canSplit(node) ? this.findSplit(node, random) : undefined
      if (split === undefined) continue
      const { from, to, depth, fraud, all } = node
      const { leftFraud, leftAll } = split
      const middle = this.partRows(node, split)
      builder.split(node.index, split, this.binned.bins[split.feature]!)
      const left = this.addNode(builder, {
        from,
        to: middle,
        depth: depth + 1,
        fraud: leftFraud,
        all: leftAll,
      })
      const rest = { from: middle, to, depth: depth + 1, fraud: fraud - leftFraud, all: all - leftAll }
      open.push(this.addNode(builder, rest), left)
    }
    return builder.build()
  }

  private root(builder: TreeBuilder): OpenNode {
    const { pairs } = this.sides[0]
    let fraud = 0
    let all = 0
    for (let i = 0; i < this.rowCount; i++) {
      fraud += pairs[2 * i]!
      all += pairs[2 * i + 1]!
    }
    return this.addNode(builder, { from: 0, to: this.rowCount, depth: 0, fraud, all })
  }

  /** Appends a leaf: its value is its share of fraud, divided by the number of trees. */
  private addNode(builder: TreeBuilder, node: Omit<OpenNode, 'index' | 'weights'>): OpenNode {
    const weights = {
      fraud: node.fraud * this.factors.fraud,
      genuine: (node.all - node.fraud) * this.factors.genuine,
    }
    const cover = weights.fraud + weights.genuine
    const index = builder.addLeaf(weights.fraud / cover / this.rules.trees, cover)
    return { ...node, index, weights }
  }

  private canSplit({ from, to, depth, weights }: OpenNode): boolean {
    const { maxDepth } = this.rules
    return to - from >= 2 && weights.fraud > 0 && weights.genuine > 0 && (maxDepth === 0 || depth < maxDepth)
  }

  /** Tries features in a random order until enough were tried that are not constant in the node. */
  private findSplit({ from, to, depth, weights }: OpenNode, random: Random): GiniSplit | undefined {
    const { features, binned, sums, stride } = this
    const { order, pairs } = this.sides[depth % 2]!
    const best: GiniSplit = {
      gain: -1,
      feature: -1,
      bin: 0,
      leftBins: undefined,
      missingLeft: false,
      leftFraud: 0,
      leftAll: 0,
    }
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
      this.kernels.addToHistograms(columns, order, pairs, from, to, sums, 0, stride)
      for (let i = 0; i < group; i++) {
        const feature = features[drawn + i]!
        const isVarying = findGiniSplit(
          sums,
          i * stride,
          feature,
          binned.bins[feature]!,
          weights,
          this.factors,
          this.rules,
          this.filled,
          best,
        )
        if (isVarying) tried++
      }
      drawn += group
    }
    return best.feature < 0 ? undefined : best
  }

  /** Parts the node's rows into the other side; returns where the right ones begin. */
  private partRows({ from, to, depth }: OpenNode, split: GiniSplit): number {
    this.goesLeft.set(binsThatGoLeft(this.binned, split))
    return this.kernels.partRows(
      this.binned.columns[split.feature]!,
      this.goesLeft,
      this.sides[depth % 2]!,
      this.sides[(depth + 1) % 2]!,
      from,
      to,
      true,
    )
  }
}
