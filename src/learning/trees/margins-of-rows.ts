import { childOf, type FlatTrees } from './flat-trees.ts'

/**
 * Rows that go through one tree before the next: their values and the tree stay in the processor's nearest
 * memory. A multiple of 4.
 */
const BLOCK_ROWS = 128

/**
 * Trees up to here are walked to their full depth by every row, which then needs no look at whether it has
 * arrived.
 */
const SHALLOW = 8

/** Computes the margins of rows given as columns, all `rowCount` long, into `out`. Allocates nothing. */
export type MarginsOfRows = (columns: readonly Float64Array[], rowCount: number, out: Float64Array) => void

/**
 * Margins of many rows at once: bit for bit what `marginOfTrees` gives for each, because each row adds the
 * leaves in the order of the trees.
 *
 * 1. Of a block of rows, the values that any tree asks for are copied next to each other, and beside them,
 *    for each node with categories, which way the row would go there: 0 or 1.
 * 2. One tree after the other, all rows of the block walk it, four side by side: a walk is a chain of loads
 *    that wait for each other, and four chains wait together. A step is computed and not branched on, since
 *    which way a row goes cannot be foretold.
 *
 * The one block is made here, so that a call makes nothing; calls must not overlap, and on one thread they
 * cannot.
 */
export const createMarginsOfRows = (trees: FlatTrees): MarginsOfRows => {
  const asked = [...new Set(trees.feature)].filter((feature) => feature >= 0).sort((a, b) => a - b)
  const categorical = [...trees.categoryAt.keys()].filter((node) => trees.categoryAt[node]! >= 0)
  const width = asked.length + categorical.length
  // A last block is filled up with rows that nobody asks for. Trees without splits still look at a value.
  const block = new Float64Array(BLOCK_ROWS * Math.max(1, width))
  const walks = layOutWalks(trees, asked, categorical)
  return (columns, rowCount, out) => {
    for (let start = 0; start < rowCount; start += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, rowCount - start)
      for (let f = 0; f < asked.length; f++) {
        const column = columns[asked[f]!]!
        for (let row = 0, at = f; row < rows; row++, at += width) block[at] = column[start + row]!
      }
      for (let i = 0; i < categorical.length; i++) {
        const node = categorical[i]!
        const column = columns[trees.feature[node]!]!
        const left = trees.left[node]!
        for (let row = 0, at = asked.length + i; row < rows; row++, at += width)
          block[at] = childOf(trees, node, column[start + row]!) - left
      }
      for (let row = 0; row < rows; row++) out[start + row] = trees.base
      for (let t = 0; t < trees.roots.length; t++) addTree(walks, t, block, width, out, start, rows)
    }
  }
}

/** Trees laid out so that a row that has reached its leaf stays there, whatever its values. */
interface Walks {
  readonly roots: Int32Array
  /** Place of what the node asks for among the values of a block's row; 0 at leaves, where any will do. */
  readonly place: Int32Array
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
}

const layOutWalks = (trees: FlatTrees, asked: readonly number[], categorical: readonly number[]): Walks => {
  const { roots, feature } = trees
  const placeOf = new Map(asked.map((asks, place) => [asks, place]))
  const isLeaf = (node: number): boolean => feature[node]! < 0
  const walks = {
    roots,
    place: feature.map((asks) => placeOf.get(asks) ?? 0),
    threshold: trees.threshold.map((threshold, node) => (isLeaf(node) ? Number.NaN : threshold)),
    left: trees.left.map((left, node) => (isLeaf(node) ? node : left)),
    missing: trees.missing.map((missing, node) => (isLeaf(node) ? 0 : missing)),
    value: trees.threshold,
    depth: new Int32Array(roots.length),
  }
  categorical.forEach((node, i) => {
    walks.place[node] = asked.length + i
    walks.threshold[node] = 0.5
  })
  const depths = new Int32Array(feature.length)
  roots.forEach((root, t) => {
    // Children come after their parents.
    for (let node = root; node < (roots[t + 1] ?? feature.length); node++) {
      walks.depth[t] = Math.max(walks.depth[t]!, depths[node]!)
      if (isLeaf(node)) continue
      depths[trees.left[node]!] = depths[node]! + 1
      depths[trees.left[node]! + 1] = depths[node]! + 1
    }
  })
  return walks
}

const addTree = (
  { roots, place, threshold, left, missing, value, depth }: Walks,
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
      const valueA = block[atA + place[a]!]!
      const valueB = block[atB + place[b]!]!
      const valueC = block[atC + place[c]!]!
      const valueD = block[atD + place[d]!]!
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
