import type { Correlations } from './correlation.ts'

/** A feature that is dropped because it is like one that is kept. */
export interface Likeness {
  readonly dropped: number
  readonly keptInstead: number
  /** |r| of the two. */
  readonly absolute: number
}

/**
 * Which features to drop so that no two of those kept correlate more than `maxCorrelation`.
 *
 * From the most relevant on, each feature is kept unless it correlates more than that with one kept before;
 * of several, it belongs to the most alike. Equal relevance: the earlier feature. Groups by chains (a like b,
 * b like c) are avoided on purpose: they would drop c for a, which it need not be like.
 */
export const findLikeFeatures = (
  { size, absolute }: Correlations,
  relevance: ArrayLike<number>,
  maxCorrelation: number,
): readonly Likeness[] => {
  const order = Array.from({ length: size }, (_, f) => f).sort(
    (a, b) => relevance[b]! - relevance[a]! || a - b,
  )
  const kept: number[] = []
  const like: Likeness[] = []
  for (const feature of order) {
    let most = { keptInstead: -1, absolute: maxCorrelation }
    for (const other of kept) {
      const value = absolute[feature * size + other]!
      if (value > most.absolute) most = { keptInstead: other, absolute: value }
    }
    if (most.keptInstead < 0) kept.push(feature)
    else like.push({ dropped: feature, ...most })
  }
  return like.sort((a, b) => a.dropped - b.dropped)
}
