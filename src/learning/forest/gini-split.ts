import { type FeatureBins, middleOfGap } from '../trees/bins.ts'
import { freeValues } from '../trees/chance-of-sets.ts'

/** How splits of a forest are judged. */
export interface GiniSplitRules {
  /** Least weight of a leaf, before class weights. */
  readonly minLeafRows: number
  /** Fall of impurity that a split on a set owes for each value that is free to differ (`freeValues`). */
  readonly categoryPenalty: number
}

/** Weighted rows of a node by class: class weights are in it. */
export interface ClassWeights {
  readonly genuine: number
  readonly fraud: number
}

/** The best split of a node so far. `gain` is -1 when none was found. */
export interface GiniSplit {
  gain: number
  feature: number
  /** The last bin that goes left; of a categorical feature, how many of `order`. */
  bin: number
  leftBins: number[] | undefined
  missingLeft: boolean
  /** Weight of what goes left, before class weights. */
  leftFraud: number
  leftAll: number
}

/** Σ of squared class weights over their sum: the larger, the purer. */
const purity = (fraud: number, genuine: number): number =>
  (fraud * fraud + genuine * genuine) / (fraud + genuine)

/**
 * Judges every split of one feature by the fall of Gini impurity, and replaces `best` when one is better.
 *
 * `sums[at...]` holds weight of frauds and of all rows of each bin side by side, the missing bin last, before
 * class weights. Missing rows are tried on both sides; where there are none they would go with the heavier
 * child. Of equal cuts between filled bins the one in the middle of the gap is taken. Bins of a categorical
 * feature are first put in the order of their share of fraud, for which some prefix is the best of all
 * subsets (Breiman et al. 1984, 4.2.2); what such a set gains by chance is taken from its gain, and where
 * nothing is left it is no split.
 *
 * Returns false when the feature is constant in the node.
 */
export const findGiniSplit = (
  sums: Float64Array,
  at: number,
  feature: number,
  bins: FeatureBins,
  node: ClassWeights,
  factors: ClassWeights,
  { minLeafRows, categoryPenalty }: GiniSplitRules,
  order: number[],
  best: GiniSplit,
): boolean => {
  const { count } = bins
  order.length = 0
  for (let bin = 0; bin < count; bin++) if (sums[at + 2 * bin + 1]! > 0) order.push(bin)
  const missingAll = sums[at + 2 * count + 1]!
  if (order.length + (missingAll > 0 ? 1 : 0) < 2) return false
  const chance = bins.isCategorical
    ? categoryPenalty * noiseOf(node, factors) * orderByFraud(sums, at, order)
    : 0
  const missingFraud = sums[at + 2 * count]!
  const sides = missingAll > 0 ? 2 : 1
  const cuts = missingAll > 0 ? order.length : order.length - 1
  const before = purity(node.fraud, node.genuine) + chance
  // A cut of numbers that gains nothing may lead on to one that does; a set that does is chance.
  const least = chance > 0 ? 0 : -1
  let leftFraud = 0
  let leftAll = 0
  let taken = -1
  let missingLeft = false
  const all = node.fraud / factors.fraud + node.genuine / factors.genuine
  for (let i = 0; i < cuts; i++) {
    const bin = order[i]!
    leftFraud += sums[at + 2 * bin]!
    leftAll += sums[at + 2 * bin + 1]!
    for (let side = 0; side < sides; side++) {
      const fraudRows = side === 1 ? leftFraud + missingFraud : leftFraud
      const allRows = side === 1 ? leftAll + missingAll : leftAll
      if (allRows < minLeafRows || all - allRows < minLeafRows || all - allRows <= 0) continue
      const fraud = factors.fraud * fraudRows
      const genuine = factors.genuine * (allRows - fraudRows)
      const gain = purity(fraud, genuine) + purity(node.fraud - fraud, node.genuine - genuine) - before
      if (gain <= Math.max(best.gain, least)) continue
      best.gain = gain
      taken = i
      best.leftFraud = fraudRows
      best.leftAll = allRows
      missingLeft = sides === 2 ? side === 1 : 2 * allRows > all
    }
  }
  if (taken < 0) return true
  best.feature = feature
  best.missingLeft = missingLeft
  best.leftBins = bins.isCategorical ? order.slice(0, taken + 1) : undefined
  best.bin = bins.isCategorical ? taken : middleOfGap(bins, order[taken]!, order[taken + 1] ?? count)
  return true
}

/** Puts the bins in the order of their share of fraud; returns how many of them are free to differ. */
const orderByFraud = (sums: Float64Array, at: number, order: number[]): number => {
  let roots = 0
  let weight = 0
  for (const bin of order) {
    const all = sums[at + 2 * bin + 1]!
    roots += Math.sqrt(all)
    weight += all
  }
  const fraudShare = (bin: number): number => sums[at + 2 * bin]! / sums[at + 2 * bin + 1]!
  order.sort((a, b) => fraudShare(a) - fraudShare(b) || a - b)
  return freeValues(roots, weight)
}

/** Fall of impurity that one more value gains on average where it says nothing: twice the node's variance. */
const noiseOf = ({ fraud, genuine }: ClassWeights, factors: ClassWeights): number => {
  const all = fraud + genuine
  return (2 * fraud * genuine * (factors.fraud * genuine + factors.genuine * fraud)) / (all * all * all)
}
