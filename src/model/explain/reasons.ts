import type { Feature } from '../../features/feature.ts'
import type { FittedFeatures } from '../../features/fitted-features.ts'
import { categoryOf, tellFeature } from '../../features/tell-feature.ts'

/** Why a score is what it is: one feature and what its value did. Plain JSON. */
export interface Reason {
  readonly feature: string
  /**
   * The vocabulary entry of a categorical feature; null when missing, or a category that training did not
   * know.
   */
  readonly value: number | string | null
  /** What the feature adds to the margin, above what it adds on average; never 0. */
  readonly contribution: number
  readonly direction: 'raises' | 'lowers'
  /** Half a sentence: `amount is 9.4 times the user's mean of the last 7 days`. */
  readonly text: string
}

/** A vector and what each of its features contributed. */
export interface ExplainedVector {
  /** Holds the values from `at` (default 0) on. */
  readonly vector: ArrayLike<number>
  readonly at?: number
  /** One a feature: how far it moved the margin. */
  readonly contributions: ArrayLike<number>
  /** In the order of the vector. */
  readonly features: readonly Feature[]
  /** What codes and bands stand for. */
  readonly fitted: FittedFeatures
}

/** Contributions so small beside the largest are what is left of sums that cancel. */
const NEGLIGIBLE = 1e-9

/**
 * The `top` strongest reasons: first what raises the probability of fraud, strongest first; then what lowers
 * it, strongest first. Equal ones stand in the order of the features. Features that contributed nothing give
 * no reason, so there may be fewer.
 */
export const reasonsFor = (explained: ExplainedVector, top: number): Reason[] =>
  rankContributions(explained.contributions, top).map((column) => reasonOf(explained, column))

const reasonOf = (
  { vector, at = 0, contributions, features, fitted }: ExplainedVector,
  column: number,
): Reason => {
  const feature = features[column]!
  const value = vector[at + column]!
  const contribution = contributions[column]!
  return {
    feature: feature.name,
    value:
      feature.kind === 'categorical'
        ? categoryOf(feature, value, fitted)
        : Number.isNaN(value)
          ? null
          : value,
    contribution,
    direction: contribution > 0 ? 'raises' : 'lowers',
    text: tellFeature(feature, value, fitted),
  }
}

/**
 * Columns of the first `top` contributions in the order of reasons: a sorted list of `top` that each column
 * tries to enter.
 */
const rankContributions = (contributions: ArrayLike<number>, top: number): number[] => {
  let largest = 0
  for (let f = 0; f < contributions.length; f++) largest = Math.max(largest, Math.abs(contributions[f]!))
  const ranked: number[] = []
  for (let f = 0; f < contributions.length; f++) {
    const contribution = contributions[f]!
    if (!(Math.abs(contribution) > largest * NEGLIGIBLE)) continue
    let place = ranked.length
    while (place > 0 && comesBefore(contribution, contributions[ranked[place - 1]!]!)) place--
    if (place >= top) continue
    ranked.splice(place, 0, f)
    if (ranked.length > top) ranked.pop()
  }
  return ranked
}

const comesBefore = (a: number, b: number): boolean => (a > 0 === b > 0 ? Math.abs(a) > Math.abs(b) : a > 0)
