import { type FeatureBins, middleOfGap } from '../trees/bins.ts'

/** How splits of boosting are judged. */
export interface GradientSplitRules {
  readonly l2: number
  readonly minChildWeight: number
  /** Gain that a split on a set owes for each value that is free to differ (`freeValues`). */
  readonly categoryPenalty: number
}

/**
 * The best split of one feature at one node, filled by `findGradientSplit`. Sums are in units of `scale`:
 * real = sum / scale. `gain` is negative infinity when no split is allowed.
 */
export interface GradientSplit {
  gain: number
  /** Numeric: the last bin that goes left. Categorical: how many of `order` go left. */
  bin: number
  missingLeft: boolean
  leftG: number
  leftH: number
}

/**
 * Sums over a node's rows, in units of the scale, and the bounds of its value where features are monotone.
 */
export interface NodeSums {
  readonly g: number
  readonly h: number
  readonly low: number
  readonly high: number
}

/**
 * Scans the histogram `sums[at...]` (gradient and Hessian of each bin, the missing bin last) of a numeric
 * feature.
 *
 * gain = GL² / (HL + l2) + GR² / (HR + l2) - G² / (H + l2), as XGBoost. Missing rows are tried on both sides;
 * where the node has none they go with the heavier child. Where bins between two that hold rows are empty,
 * the cut in the middle of the gap is taken: it is where the exact method, which sees values and no bins,
 * would cut. Ties keep the first.
 *
 * `direction` 1 or -1 lets the value of the children only rise or fall; 0 lets it do both.
 */
export const findNumericSplit = (
  sums: Float64Array,
  at: number,
  bins: FeatureBins,
  node: NodeSums,
  scale: number,
  rules: GradientSplitRules,
  direction: number,
  best: GradientSplit,
): void => {
  const { g, h } = node
  const { count } = bins
  const l2 = rules.l2 * scale
  const least = rules.minChildWeight * scale
  const missingG = sums[at + 2 * count]!
  const missingH = sums[at + 2 * count + 1]!
  const parentScore = (g * g) / (h + l2)
  let bestGain = 0
  let bestBin = -1
  let bestMissingLeft = false
  let bestG = 0
  let bestH = 0
  let leftG = 0
  let leftH = 0
  const sides = missingH > 0 ? 2 : 1
  // Where rows are missing, all values against them is a split too.
  const cuts = sides === 2 ? count : count - 1
  for (let bin = 0; bin < cuts; bin++) {
    const binH = sums[at + 2 * bin + 1]!
    // An empty bin parts nothing that the bin before did not.
    if (binH === 0) continue
    leftG += sums[at + 2 * bin]!
    leftH += binH
    for (let side = 0; side < sides; side++) {
      const lg = side === 1 ? leftG + missingG : leftG
      const lh = side === 1 ? leftH + missingH : leftH
      const rg = g - lg
      const rh = h - lh
      if (lh < least || rh < least || rh <= 0) continue
      let gain: number
      if (direction === 0 && node.low === Number.NEGATIVE_INFINITY && node.high === Number.POSITIVE_INFINITY)
        gain = (lg * lg) / (lh + l2) + (rg * rg) / (rh + l2) - parentScore
      else gain = boundedGain(lg, lh, rg, rh, node, l2, direction)
      if (gain > bestGain) {
        bestGain = gain
        bestBin = bin
        bestMissingLeft = side === 1
        bestG = lg
        bestH = lh
      }
    }
  }
  best.gain = Number.NEGATIVE_INFINITY
  if (bestBin < 0) return
  best.gain = bestGain / scale
  best.leftG = bestG
  best.leftH = bestH
  best.missingLeft = sides === 2 ? bestMissingLeft : bestH > h - bestH
  best.bin = middleOfGap(bins, bestBin, nextFilled(sums, at, count, bestBin))
}

/** The next bin that holds rows; `count` when none does. */
const nextFilled = (sums: Float64Array, at: number, count: number, bin: number): number => {
  let next = bin + 1
  while (next < count && sums[at + 2 * next + 1] === 0) next++
  return next
}

/**
 * Gain with the children's values held within the node's bounds; not a number above 0 when they go against
 * the direction.
 */
export const boundedGain = (
  lg: number,
  lh: number,
  rg: number,
  rh: number,
  { g, h, low, high }: NodeSums,
  l2: number,
  direction: number,
): number => {
  const within = (value: number): number => Math.min(high, Math.max(low, value))
  const left = within(-lg / (lh + l2))
  const right = within(-rg / (rh + l2))
  if (direction * (right - left) < 0) return 0
  const own = within(-g / (h + l2))
  const score = (sumG: number, sumH: number, value: number): number =>
    -(2 * sumG * value + (sumH + l2) * value * value)
  return score(lg, lh, left) + score(rg, rh, right) - score(g, h, own)
}
