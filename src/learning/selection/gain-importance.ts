import type { Model } from '../model.ts'

/**
 * Summed gain of the splits of each feature, in the order of the model's features; all 0 without trees.
 *
 * A split without gain counts as the least number there is: its feature is barely looked at, not never. So 0
 * says that shuffling the feature cannot change a score, and the shares of the others stay what they are.
 */
export const gainsOf = (model: Model): readonly number[] => {
  const gains = model.featureNames.map(() => 0)
  if (model.kind === 'logistic_regression') return gains
  for (const { feature, gain } of model.trees)
    for (const [node, f] of feature.entries())
      if (f >= 0) gains[f]! += Math.max(gain[node]!, Number.MIN_VALUE)
  return gains
}

/**
 * Each feature's share of the summed gains; the shares sum to 1. All 0 when no split gained anything. Gains
 * are at least 0.
 */
export const gainShares = (gains: readonly number[]): readonly number[] => {
  const total = gains.reduce((sum, gain) => sum + gain, 0)
  return gains.map((gain) => (total > 0 ? gain / total : 0))
}
