import type { Candidate } from './candidates.ts'

/** What a search can go by, and whether more of it is better. */
export const SCORING_DIRECTIONS = {
  roc_auc: 'more',
  average_precision: 'more',
  precision_at_k: 'more',
  expected_cost: 'less',
} as const satisfies Readonly<Record<string, 'more' | 'less'>>

export type Scoring = keyof typeof SCORING_DIRECTIONS

/** How one candidate did. */
export interface TriedCandidate {
  readonly settings: Candidate
  /** Scoring on each fold, in the order of the folds; null where it is not defined. */
  readonly folds: readonly (number | null)[]
  /** Mean over the folds; null when it is not defined on one of them. */
  readonly mean: number | null
  /** Standard deviation over the folds (n - 1); null as the mean, or with one fold. */
  readonly deviation: number | null
}

export interface SearchSummary {
  readonly scoring: Scoring
  /** In the order of the candidates. */
  readonly tried: readonly TriedCandidate[]
  /** Index into `tried`; null when no candidate has a mean. */
  readonly best: number | null
}

/**
 * Puts the results of all candidates together and chooses the best.
 *
 * Tie rule: of the candidates whose mean is within `tieTolerance` of the best mean, the first one; grids are
 * written with simple values first. `figures[c][f]` is the scoring of candidate c on fold f; NaN where it is
 * not defined.
 */
export const summariseSearch = (
  scoring: Scoring,
  candidates: readonly Candidate[],
  figures: readonly (readonly number[])[],
  tieTolerance = 0,
): SearchSummary => {
  const tried = candidates.map((settings, index) => summarise(settings, figures[index] ?? []))
  const sign = SCORING_DIRECTIONS[scoring] === 'more' ? 1 : -1
  const worth = tried.map(({ mean }) => (mean === null ? Number.NEGATIVE_INFINITY : sign * mean))
  const most = worth.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const best =
    most === Number.NEGATIVE_INFINITY ? -1 : worth.findIndex((value) => value >= most - tieTolerance)
  return { scoring, tried, best: best < 0 ? null : best }
}

const summarise = (settings: Candidate, figures: readonly number[]): TriedCandidate => {
  const folds = figures.map((figure) => (Number.isFinite(figure) ? figure : null))
  if (folds.length === 0 || folds.includes(null)) return { settings, folds, mean: null, deviation: null }
  const mean = figures.reduce((sum, figure) => sum + figure, 0) / figures.length
  const squares = figures.reduce((sum, figure) => sum + (figure - mean) ** 2, 0)
  const deviation = figures.length > 1 ? Math.sqrt(squares / (figures.length - 1)) : null
  return { settings, folds, mean, deviation }
}
