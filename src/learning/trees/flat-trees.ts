import { logistic } from '../../foundation/elementary/exponential.ts'
import type { TreeEnsembleModel } from './tree-ensemble.ts'

/**
 * A tree ensemble for scoring: every node of every tree in one set of typed arrays.
 *
 * Node indexes are global. `feature` is -1 at leaves, and `threshold` there is the leaf's value, so that a
 * walk reads three arrays.
 */
export interface FlatTrees {
  readonly base: number
  readonly link: 'identity' | 'logistic'
  /** First node of each tree. */
  readonly roots: Int32Array
  readonly feature: Int32Array
  readonly threshold: Float64Array
  /** Left child; the right one is the next. */
  readonly left: Int32Array
  /** What a missing value adds to `left`: 0 or 1. */
  readonly missing: Uint8Array
  /**
   * Place of a node's categories in `categoryWords`, in words of 32 bits; -1 where the threshold decides.
   * Empty when no node has categories.
   */
  readonly categoryAt: Int32Array
  /** At each place: number of words, then the words; bit (code + 1) is set when the code goes left. */
  readonly categoryWords: Uint32Array
}

/** Lays out `model` for `marginOfTrees`. */
export const flattenTrees = (model: TreeEnsembleModel): FlatTrees => {
  const nodeCount = model.trees.reduce((sum, { feature }) => sum + feature.length, 0)
  const hasCategories = model.trees.some(({ categories }) => categories !== undefined)
  const flat = {
    base: model.base,
    link: model.link,
    roots: new Int32Array(model.trees.length),
    feature: new Int32Array(nodeCount),
    threshold: new Float64Array(nodeCount),
    left: new Int32Array(nodeCount),
    missing: new Uint8Array(nodeCount),
    categoryAt: new Int32Array(hasCategories ? nodeCount : 0).fill(-1),
  }
  const words: number[] = []
  let at = 0
  model.trees.forEach((tree, index) => {
    flat.roots[index] = at
    for (let node = 0; node < tree.feature.length; node++) {
      const feature = tree.feature[node]!
      flat.feature[at + node] = feature
      flat.threshold[at + node] = feature < 0 ? tree.value[node]! : tree.threshold[node]!
      flat.left[at + node] = feature < 0 ? 0 : at + tree.left[node]!
      flat.missing[at + node] = tree.missingLeft[node] === 1 ? 0 : 1
    }
    for (const [node, codes] of Object.entries(tree.categories ?? {})) {
      flat.categoryAt[at + Number(node)] = words.length
      words.push(...bitset(codes))
    }
    at += tree.feature.length
  })
  return { ...flat, categoryWords: Uint32Array.from(words) }
}

/** Number of words, then the words with bit (code + 1) set for each code. */
const bitset = (codes: readonly number[]): number[] => {
  const words = new Array<number>(Math.max(0, ...codes.map((code) => ((code + 1) >> 5) + 1))).fill(0)
  for (const code of codes) words[(code + 1) >> 5]! |= 1 << ((code + 1) & 31)
  return [words.length, ...words.map((word) => word >>> 0)]
}

/**
 * The margin of `vector[at...]`: base plus the leaf that the row reaches in each tree, in order. Allocates
 * nothing.
 */
export const marginOfTrees = (trees: FlatTrees, vector: ArrayLike<number>, at = 0): number => {
  const { roots, feature, threshold, left, missing, categoryAt } = trees
  if (categoryAt.length > 0) return marginWithCategories(trees, vector, at)
  let margin = trees.base
  for (let t = 0; t < roots.length; t++) {
    let node = roots[t]!
    for (let f = feature[node]!; f >= 0; f = feature[node]!) {
      const value = vector[at + f]!
      const bound = threshold[node]!
      node = left[node]! + (value < bound ? 0 : value >= bound ? 1 : missing[node]!)
    }
    margin += threshold[node]!
  }
  return margin
}

/**
 * `marginOfTrees` where some nodes have categories: a function of its own, small enough to be inlined with
 * all that it calls.
 */
export const marginWithCategories = (trees: FlatTrees, vector: ArrayLike<number>, at = 0): number => {
  let margin = trees.base
  for (let t = 0; t < trees.roots.length; t++) {
    let node = trees.roots[t]!
    while (trees.feature[node]! >= 0) node = childOf(trees, node, vector[at + trees.feature[node]!]!)
    margin += trees.threshold[node]!
  }
  return margin
}

/** The child of an inner node that a row with this value of the node's feature goes to. */
export const childOf = (trees: FlatTrees, node: number, value: number): number => {
  const left = trees.left[node]!
  if (Number.isNaN(value)) return left + trees.missing[node]!
  const place = trees.categoryAt.length === 0 ? -1 : trees.categoryAt[node]!
  if (place < 0) return value < trees.threshold[node]! ? left : left + 1
  return hasCategory(trees.categoryWords, place, value) ? left : left + 1
}

const hasCategory = (words: Uint32Array, place: number, value: number): boolean => {
  const bit = value + 1
  if (!(bit >= 0) || bit >= words[place]! * 32 || bit !== Math.floor(bit)) return false
  return (words[place + 1 + (bit >> 5)]! & (1 << (bit & 31))) !== 0
}

/**
 * The probability that belongs to a margin. A forest's sum of shares can leave [0, 1] by rounding only, and
 * is brought back.
 */
export const probabilityOfMargin = (link: 'identity' | 'logistic', margin: number): number =>
  link === 'logistic' ? logistic(margin) : Math.min(1, Math.max(0, margin))
