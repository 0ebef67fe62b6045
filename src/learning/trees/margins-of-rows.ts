import type { FlatTrees } from './flat-trees.ts'
import { childOf } from './flat-trees.ts'

/** Rows that go through one tree before the next: their values and the tree stay in the processor's nearest memory. */
const BLOCK_ROWS = 128

/** Computes the margins of rows given as columns, all `rowCount` long, into `out`. Allocates nothing. */
export type MarginsOfRows = (columns: readonly Float64Array[], rowCount: number, out: Float64Array) => void

/**
 * Margins of many rows of `width` features at once: bit for bit what `marginOfTrees` gives for each, because each row adds the leaves
 * in the order of the trees.
 *
 * 1. A block of rows is copied next to each other.
 * 2. One tree after the other, all rows of the block walk it.
 *
 * The one block is made here, so that a call makes nothing; calls must not overlap, and on one thread they cannot.
 */
export const createMarginsOfRows = (trees: FlatTrees, width: number): MarginsOfRows => {
  const block = new Float64Array(BLOCK_ROWS * width)
  const addTree = trees.categoryAt.length > 0 ? addTreeWithCategories : addTreeOfNumbers
  return (columns, rowCount, out) => {
    for (let start = 0; start < rowCount; start += BLOCK_ROWS) {
      const end = Math.min(start + BLOCK_ROWS, rowCount)
      for (let f = 0; f < width; f++) {
        const column = columns[f]!
        for (let row = start, at = f; row < end; row++, at += width) block[at] = column[row]!
      }
      for (let row = start; row < end; row++) out[row] = trees.base
      for (let t = 0; t < trees.roots.length; t++) addTree(trees, t, block, width, out, start, end)
    }
  }
}

const addTreeOfNumbers = (
  { roots, feature, threshold, left, missing }: FlatTrees,
  tree: number,
  block: Float64Array,
  width: number,
  out: Float64Array,
  start: number,
  end: number,
): void => {
  const root = roots[tree]!
  for (let row = start, at = 0; row < end; row++, at += width) {
    let node = root
    for (let f = feature[node]!; f >= 0; f = feature[node]!) {
      const value = block[at + f]!
      const bound = threshold[node]!
      node = left[node]! + (value < bound ? 0 : value >= bound ? 1 : missing[node]!)
    }
    out[row]! += threshold[node]!
  }
}

const addTreeWithCategories = (
  trees: FlatTrees,
  tree: number,
  block: Float64Array,
  width: number,
  out: Float64Array,
  start: number,
  end: number,
): void => {
  const { roots, feature, threshold } = trees
  for (let row = start, at = 0; row < end; row++, at += width) {
    let node = roots[tree]!
    for (let f = feature[node]!; f >= 0; f = feature[node]!) node = childOf(trees, node, block[at + f]!)
    out[row]! += threshold[node]!
  }
}
