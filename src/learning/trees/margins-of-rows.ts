import { childOf, type FlatTrees } from './flat-trees.ts'

/** Rows that go through one tree before the next: their values and the tree stay in the processor's nearest memory. A multiple of 4. */
const BLOCK_ROWS = 128

/** Trees up to here are walked to their full depth by every row, which then needs no look at whether it has arrived. */
const SHALLOW = 8

/** Computes the margins of rows given as columns, all `rowCount` long, into `out`. Allocates nothing. */
export type MarginsOfRows = (columns: readonly Float64Array[], rowCount: number, out: Float64Array) => void

/**
 * Margins of many rows of `width` features at once: bit for bit what `marginOfTrees` gives for each, because each row adds the leaves
 * in the order of the trees.
 *
 * 1. A block of rows is copied next to each other.
 * 2. One tree after the other, all rows of the block walk it, four side by side: a walk is a chain of loads that wait for each other,
 *    and four chains wait together. A step is computed and not branched on, since which way a row goes cannot be foretold.
 *
 * The one block is made here, so that a call makes nothing; calls must not overlap, and on one thread they cannot.
 */
export const createMarginsOfRows = (trees: FlatTrees, width: number): MarginsOfRows => {
  // A last block is filled up with rows that nobody asks for.
  const block = new Float64Array(BLOCK_ROWS * width)
  const walks = layOutWalks(trees)
  return (columns, rowCount, out) => {
    for (let start = 0; start < rowCount; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, rowCount - start)
      for (let f = 0; f < width; f++) {
        const column = columns[f]!
        for (let row = 0, at = f; row < rows; row++, at += width) block[at] = column[start + row]!
      }
      for (let row = 0; row < rows; row++) out[start + row] = trees.base
      for (let t = 0; t < trees.roots.length; t++) {
        if (walks.hasCategories[t] === 1) addTreeWithCategories(trees, t, block, width, out, start, rows)
        else addTree(walks, t, block, width, out, start, rows)
      }
    }
  }
}

/** Trees laid out so that a row that has reached its leaf stays there, whatever its values. */
interface Walks {
  readonly roots: Int32Array
  /** 0 at leaves, any feature will do. */
  readonly feature: Int32Array
  /** Not a number at leaves: no value is at least that. */
  readonly threshold: Float64Array
  /** The node itself at leaves. */
  readonly left: Int32Array
  /** What a missing value adds to `left`; 0 at leaves. */
  readonly missing: Uint8Array
  /** What leaves add. */
  readonly value: Float64Array
  /** Steps from the root to the lowest leaf, by tree. */
  readonly depth: Int32Array
  readonly hasCategories: Uint8Array
}

const layOutWalks = (trees: FlatTrees): Walks => {
  const { roots, categoryAt } = trees
  const nodes = trees.feature.length
  const walks = {
    roots,
    feature: trees.feature.map((feature) => Math.max(0, feature)),
    threshold: trees.threshold.map((threshold, node) => (trees.feature[node]! < 0 ? Number.NaN : threshold)),
    left: trees.left.map((left, node) => (trees.feature[node]! < 0 ? node : left)),
    missing: trees.missing.map((missing, node) => (trees.feature[node]! < 0 ? 0 : missing)),
    value: trees.threshold,
    depth: new Int32Array(roots.length),
    hasCategories: new Uint8Array(roots.length),
  }
  const depths = new Int32Array(nodes)
  roots.forEach((root, t) => {
    const end = roots[t + 1] ?? nodes
    // Children come after their parents.
    for (let node = root; node < end; node++) {
      walks.depth[t] = Math.max(walks.depth[t]!, depths[node]!)
      if (categoryAt.length > 0 && categoryAt[node]! >= 0) walks.hasCategories[t] = 1
      if (trees.feature[node]! < 0) continue
      depths[trees.left[node]!] = depths[node]! + 1
      depths[trees.left[node]! + 1] = depths[node]! + 1
    }
  })
  return walks
}

const addTree = (
  { roots, feature, threshold, left, missing, value, depth }: Walks,
  tree: number,
  block: Float64Array,
  width: number,
  out: Float64Array,
  start: number,
  rows: number,
): void => {
  const root = roots[tree]!
  const steps = depth[tree]!
  for (let row = 0; row < rows; row += 4) {
    const atA = row * width
    const atB = atA + width
    const atC = atB + width
    const atD = atC + width
    let a = root
    let b = root
    let c = root
    let d = root
    for (let step = 0; step < steps; step++) {
      const before = a + b + c + d
      const valueA = block[atA + feature[a]!]!
      const valueB = block[atB + feature[b]!]!
      const valueC = block[atC + feature[c]!]!
      const valueD = block[atD + feature[d]!]!
      const boundA = threshold[a]!
      const boundB = threshold[b]!
      const boundC = threshold[c]!
      const boundD = threshold[d]!
      // Not below is at least, or missing: then it is up to `missing`.
      a = left[a]! + (Number(valueA >= boundA) | (Number(!(valueA < boundA)) & missing[a]!))
      b = left[b]! + (Number(valueB >= boundB) | (Number(!(valueB < boundB)) & missing[b]!))
      c = left[c]! + (Number(valueC >= boundC) | (Number(!(valueC < boundC)) & missing[c]!))
      d = left[d]! + (Number(valueD >= boundD) | (Number(!(valueD < boundD)) & missing[d]!))
      // A step leads to a greater index, or the row has arrived.
      if (steps > SHALLOW && a + b + c + d === before) break
    }
    out[start + row]! += value[a]!
    if (row + 1 < rows) out[start + row + 1]! += value[b]!
    if (row + 2 < rows) out[start + row + 2]! += value[c]!
    if (row + 3 < rows) out[start + row + 3]! += value[d]!
  }
}

const addTreeWithCategories = (
  trees: FlatTrees,
  tree: number,
  block: Float64Array,
  width: number,
  out: Float64Array,
  start: number,
  rows: number,
): void => {
  const { roots, feature, threshold } = trees
  for (let row = 0, at = 0; row < rows; row++, at += width) {
    let node = roots[tree]!
    for (let f = feature[node]!; f >= 0; f = feature[node]!) node = childOf(trees, node, block[at + f]!)
    out[start + row]! += threshold[node]!
  }
}
