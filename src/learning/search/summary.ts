import type { Combination } from './combinations.ts'

/** Which of two scores is better. */
export type Better = 'higher' | 'lower'

/** How one combination did. */
export interface TriedCombination {
  readonly settings: Combination
  /** Scoring on each fold, in the order of the folds; null where it is not defined. */
  readonly folds: readonly (number | null)[]
  /** Mean over the folds; null when it is not defined on one of them. */
  readonly mean: number | null
  /** Standard deviation over the folds (n - 1); null as the mean, or with one fold. */
  readonly deviation: number | null
}

export interface SearchSummary {
  /** In the order of the combinations. */
  readonly tried: readonly TriedCombination[]
  /** Index into `tried`; null when no combination has a mean. */
  readonly best: number | null
}

/**
 * Puts the results of all combinations together and chooses the best.
 *
 * Tie rule: of the combinations whose mean is within `tieTolerance` of the best mean, the first one; grids
 * are written with simple values first. `scores[c][f]` is the score of combination c on fold f; NaN where it
 * is not defined.
 */
export const summariseSearch = (
  better: Better,
  combinations: readonly Combination[],
  scores: readonly (readonly number[])[],
  tieTolerance = 0,
): SearchSummary => {
  const tried = combinations.map((settings, index) => summarise(settings, scores[index] ?? []))
  const sign = better === 'higher' ? 1 : -1
  const worth = tried.map(({ mean }) => (mean === null ? Number.NEGATIVE_INFINITY : sign * mean))
  const most = worth.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const best =
    most === Number.NEGATIVE_INFINITY ? -1 : worth.findIndex((value) => value >= most - tieTolerance)
  return { tried, best: best < 0 ? null : best }
}

const summarise = (settings: Combination, scores: readonly number[]): TriedCombination => {
  const folds = scores.map((score) => (Number.isFinite(score) ? score : null))
  if (folds.length === 0 || folds.includes(null)) return { settings, folds, mean: null, deviation: null }
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
  const squares = scores.reduce((sum, score) => sum + (score - mean) * (score - mean), 0)
  const deviation = scores.length > 1 ? Math.sqrt(squares / (scores.length - 1)) : null
  return { settings, folds, mean, deviation }
}
