/**
 * Each feature's share of the summed gains; the shares sum to 1. All 0 when no split gained anything. Gains
 * are at least 0.
 */
export const importanceShares = (gains: readonly number[]): readonly number[] => {
  const total = gains.reduce((sum, gain) => sum + gain, 0)
  return gains.map((gain) => (total > 0 ? gain / total : 0))
}
