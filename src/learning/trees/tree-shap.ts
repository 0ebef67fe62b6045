import { gaussLegendre } from '../../foundation/gauss-legendre.ts'
import { childOf, flattenTrees } from './flat-trees.ts'
import type { TreeEnsembleModel } from './tree-ensemble.ts'

/** Splits a row's margin among its features. */
export interface TreeShap {
  /** The margin expected of a training row: base + Σ leaf · share of the training weight that reaches it. */
  readonly baseline: number
  /**
   * Adds each feature's Shapley value to `out`, in the order of the features: baseline + their sum is the
   * margin of `vector[at...]`. Allocates nothing.
   */
  addShapleyValues(vector: ArrayLike<number>, at: number, out: Float64Array): void
}

/**
 * Exact path-dependent tree SHAP (Lundberg et al. 2018): what a tree expects of a row of which some features
 * are not known is the mean of its leaves, weighted by how often training rows went each way at the unknown
 * ones.
 *
 * By Owen's multilinear extension (1972) a feature's Shapley value is the integral over t in [0, 1] of its
 * marginal contribution when every other feature is known with probability t. For one leaf that is (o - z) ·
 * leaf · Π (t · o_j + (1 - t) · z_j) over the other features j of its path, where o_j is 1 if the row passes
 * all their nodes and 0 if not, and z_j is the share of training rows that does. It is a polynomial of lower
 * degree than the path has features, so that Gauss-Legendre quadrature with half as many points is exact. All
 * its factors lie in (0, 1]: nothing cancels, however deep the tree.
 *
 * 1. Going down, the product at each quadrature point is kept, a factor exchanged where a feature is asked
 *    for again.
 * 2. Coming up, the products of all leaves below an edge are summed, and the edge's feature gets its share of
 *    them at once; what the same feature got for them further up is taken back.
 *
 * O(nodes · depth / 2) for each tree.
 */
export const createTreeShap = (model: TreeEnsembleModel): TreeShap => {
  const trees = flattenTrees(model)
  const cover = new Float64Array(trees.feature.length)
  model.trees.forEach((tree, t) => {
    cover.set(tree.cover, trees.roots[t]!)
  })
  const { roots, feature, threshold, left } = trees
  const shapes = model.trees.map(({ feature: asks, left: children }) => shapeOf(asks, children))
  const deepest = shapes.reduce((most, { depth }) => Math.max(most, depth), 0)
  const rules = shapes.map(({ features }) => ruleFor(Math.ceil(features / 2)))
  const mostPoints = rules.reduce((most, { points: { length } }) => Math.max(most, length), 1)
  /** By depth and point: the product of the path's factors, and the sum of leaf times product below. */
  const products = new Float64Array((deepest + 1) * mostPoints)
  const sums = new Float64Array((deepest + 1) * mostPoints)
  /**
   * By feature, on the path that is being walked: 1 while the row passes, and the share of training rows that
   * does.
   */
  const passes = new Float64Array(model.featureNames.length).fill(1)
  const shares = new Float64Array(model.featureNames.length).fill(1)
  let points: Float64Array = new Float64Array(0)
  let row: ArrayLike<number> = []
  let start = 0
  let values: Float64Array = new Float64Array(0)

  const visit = (node: number, depth: number): void => {
    const count = points.length
    const own = depth * mostPoints
    const f = feature[node]!
    if (f < 0) {
      for (let q = 0; q < count; q++) sums[own + q] = products[own + q]! * threshold[node]!
      return
    }
    for (let q = 0; q < count; q++) sums[own + q] = 0
    const taken = childOf(trees, node, row[start + f]!)
    // Covers that were rounded elsewhere need not add up to their parent's; the shares of two children must
    // add up to 1.
    const covered = cover[left[node]!]! + cover[left[node]! + 1]!
    const pass = passes[f]!
    const share = shares[f]!
    for (let child = left[node]!; child <= left[node]! + 1; child++) {
      const childPass = child === taken ? pass : 0
      const childShare = (share * cover[child]!) / covered
      const below = own + mostPoints
      for (let q = 0; q < count; q++) {
        const t = points[q]!
        const before = t * pass + (1 - t) * share
        products[below + q] = (products[own + q]! * (t * childPass + (1 - t) * childShare)) / before
      }
      passes[f] = childPass
      shares[f] = childShare
      visit(child, depth + 1)
      let known = 0
      let knownAbove = 0
      for (let q = 0; q < count; q++) {
        const t = points[q]!
        const sum = sums[below + q]!
        known += sum / (t * childPass + (1 - t) * childShare)
        knownAbove += sum / (t * pass + (1 - t) * share)
        sums[own + q]! += sum
      }
      // Where the feature was not asked for above, pass and share are 1.
      values[f]! += (childPass - childShare) * known - (pass - share) * knownAbove
    }
    passes[f] = pass
    shares[f] = share
  }

  return {
    baseline: model.trees.reduce((sum, tree) => sum + expectedLeaf(tree), model.base),
    addShapleyValues: (vector, at, out) => {
      row = vector
      start = at
      values = out
      for (let t = 0; t < roots.length; t++) {
        const rule = rules[t]!
        points = rule.points
        products.set(rule.weights)
        visit(roots[t]!, 0)
      }
    },
  }
}

/** Longest path of a tree in nodes, and the most different features on one. */
const shapeOf = (
  feature: readonly number[],
  left: readonly number[],
): { readonly depth: number; readonly features: number } => {
  let depth = 0
  let features = 0
  const onPath = new Map<number, number>()
  const visit = (node: number, nodesAbove: number): void => {
    const asks = feature[node]!
    if (asks < 0) {
      depth = Math.max(depth, nodesAbove)
      features = Math.max(features, onPath.size)
      return
    }
    const times = onPath.get(asks) ?? 0
    onPath.set(asks, times + 1)
    visit(left[node]!, nodesAbove + 1)
    visit(left[node]! + 1, nodesAbove + 1)
    if (times === 0) onPath.delete(asks)
    else onPath.set(asks, times)
  }
  visit(0, 0)
  return { depth, features }
}

const expectedLeaf = ({ feature, left, cover, value }: TreeEnsembleModel['trees'][number]): number => {
  // Children come after their parents.
  const shares = new Float64Array(feature.length)
  shares[0] = 1
  let expected = 0
  for (let node = 0; node < feature.length; node++) {
    if (feature[node]! < 0) expected += shares[node]! * value[node]!
    else {
      const children = [left[node]!, left[node]! + 1] as const
      const covered = cover[children[0]]! + cover[children[1]]!
      for (const child of children) shares[child] = (shares[node]! * cover[child]!) / covered
    }
  }
  return expected
}

const RULES = new Map<number, ReturnType<typeof gaussLegendre>>()

/** The rule with `count` points, at least one; computed once. */
const ruleFor = (count: number): ReturnType<typeof gaussLegendre> => {
  const known = RULES.get(count) ?? gaussLegendre(Math.max(1, count))
  RULES.set(count, known)
  return known
}
