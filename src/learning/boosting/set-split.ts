import type { FeatureBins } from '../trees/bins.ts'
import { freeValues } from '../trees/chance-of-sets.ts'
import { boundedGain, type GradientSplit, type GradientSplitRules, type NodeSums } from './gradient-split.ts'

/**
 * The best split of a categorical feature at one node, as `findNumericSplit` of a numeric one: its bins are
 * put in the order of their values -G / (H + l2), for which some prefix is the best of all subsets (Fisher
 * 1958), and `order` is filled with them. Missing rows are tried on both sides.
 *
 * That order is made from the answers, so a set gains by chance, the more so the more values there are. Gain
 * is therefore what is left beyond `categoryPenalty` for each value that is free to differ (`freeValues`);
 * where nothing is left there is no split.
 */
export const findSetSplit = (
  sums: Float64Array,
  at: number,
  { count }: FeatureBins,
  node: NodeSums,
  scale: number,
  rules: GradientSplitRules,
  order: number[],
  best: GradientSplit,
): void => {
  const { g, h } = node
  const l2 = rules.l2 * scale
  const least = rules.minChildWeight * scale
  const chance = fillOrder(sums, at, count, l2, order) * rules.categoryPenalty * scale
  const missingG = sums[at + 2 * count]!
  const missingH = sums[at + 2 * count + 1]!
  const sides = missingH > 0 ? 2 : 1
  const isFree = node.low === Number.NEGATIVE_INFINITY && node.high === Number.POSITIVE_INFINITY
  const parentScore = (g * g) / (h + l2)
  best.gain = Number.NEGATIVE_INFINITY
  let leftG = 0
  let leftH = 0
  let bestGain = chance
  for (let taken = 1; taken < order.length; taken++) {
    leftG += sums[at + 2 * order[taken - 1]!]!
    leftH += sums[at + 2 * order[taken - 1]! + 1]!
    for (let side = 0; side < sides; side++) {
      const lg = side === 1 ? leftG + missingG : leftG
      const lh = side === 1 ? leftH + missingH : leftH
      const rg = g - lg
      const rh = h - lh
      if (lh < least || rh < least || rh <= 0) continue
      const gain = isFree
        ? (lg * lg) / (lh + l2) + (rg * rg) / (rh + l2) - parentScore
        : boundedGain(lg, lh, rg, rh, node, l2, 0)
      if (gain <= bestGain) continue
      bestGain = gain
      best.gain = (gain - chance) / scale
      best.bin = taken
      best.missingLeft = sides === 2 ? side === 1 : lh > rh
      best.leftG = lg
      best.leftH = lh
    }
  }
}

/** Fills `order` with the bins that hold rows; returns how many of their values are free to differ. */
const fillOrder = (sums: Float64Array, at: number, count: number, l2: number, order: number[]): number => {
  let roots = 0
  let weight = 0
  order.length = 0
  for (let bin = 0; bin < count; bin++) {
    const h = sums[at + 2 * bin + 1]!
    if (h <= 0) continue
    order.push(bin)
    weight += h
    // Whole, so that no order of bins changes the sum.
    roots += Math.round(Math.sqrt(h))
  }
  const leafValue = (bin: number): number => -sums[at + 2 * bin]! / (sums[at + 2 * bin + 1]! + l2)
  order.sort((a, b) => leafValue(a) - leafValue(b) || a - b)
  return freeValues(roots, weight)
}
