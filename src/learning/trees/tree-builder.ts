import type { BinnedTable } from './binned-table.ts'
import type { FeatureBins } from './bins.ts'
import type { Tree } from './tree-ensemble.ts'

/** Where an inner node sends rows, in bins. */
export interface BinSplit {
  readonly feature: number
  /** Numeric: bins up to and including it go left. */
  readonly bin: number
  /** Categorical: the bins that go left. */
  readonly leftBins?: readonly number[] | undefined
  readonly missingLeft: boolean
  readonly gain: number
}

/** A tree while it grows: nodes are appended, children always in pairs. */
export class TreeBuilder {
  private readonly feature: number[] = []
  private readonly threshold: number[] = []
  private readonly left: number[] = []
  private readonly missingLeft: number[] = []
  private readonly value: number[] = []
  private readonly cover: number[] = []
  private readonly gain: number[] = []
  private categories: Record<string, readonly number[]> | undefined

  /** Appends a leaf and returns its index. */
  addLeaf(value: number, cover: number): number {
    this.feature.push(-1)
    this.threshold.push(0)
    this.left.push(0)
    this.missingLeft.push(0)
    this.value.push(value)
    this.cover.push(cover)
    this.gain.push(0)
    return this.feature.length - 1
  }

  /**
   * Makes the leaf `node` an inner node whose children are the next two leaves to be added; returns the left
   * one's index.
   */
  split(node: number, { feature, bin, leftBins, missingLeft, gain }: BinSplit, bins: FeatureBins): number {
    const left = this.feature.length
    this.feature[node] = feature
    this.left[node] = left
    this.missingLeft[node] = missingLeft ? 1 : 0
    this.value[node] = 0
    this.gain[node] = gain
    // After the last bin there is no cut: every value goes left, and only missing ones go right.
    if (leftBins === undefined) this.threshold[node] = bins.edges[bin] ?? Number.MAX_VALUE
    else {
      this.categories ??= {}
      this.categories[node] = leftBins.flatMap((leftBin) => codesOf(bins, leftBin)).sort((a, b) => a - b)
    }
    return left
  }

  setValue(node: number, value: number): void {
    this.value[node] = value
  }

  build(): Tree {
    const { feature, threshold, left, missingLeft, value, cover, gain, categories } = this
    return {
      feature,
      threshold,
      left,
      missingLeft,
      value,
      cover,
      gain,
      ...(categories !== undefined && { categories }),
    }
  }
}

/** The codes of a bin: one, or for a last bin that is shared all that follow. */
const codesOf = ({ edges, count }: FeatureBins, bin: number): number[] =>
  bin === count - 1 ? Array.from(edges.subarray(bin)) : [edges[bin]!]

/** 1 for each bin of the split's feature that goes left, the missing bin last. */
export const binsThatGoLeft = (
  { bins }: Pick<BinnedTable, 'bins'>,
  { feature, bin, leftBins, missingLeft }: BinSplit,
): Uint8Array => {
  const { count } = bins[feature]!
  const goesLeft = new Uint8Array(count + 1)
  if (leftBins === undefined) goesLeft.fill(1, 0, Math.min(bin + 1, count))
  else for (const leftBin of leftBins) goesLeft[leftBin] = 1
  goesLeft[count] = missingLeft ? 1 : 0
  return goesLeft
}
