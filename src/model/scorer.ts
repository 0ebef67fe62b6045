import type { FeatureTable } from '../learning/feature-table.ts'
import { scoreLogisticRegression, scoreLogisticRegressionRows } from '../learning/logistic-regression.ts'
import type { Artifact, RiskLevels } from './artifact.ts'

/** How risky a probability is, for people. */
export type RiskLevel = 'low' | 'medium' | 'high' | 'critical'

/** Turns feature vectors into probabilities and decisions: the one scorer of serving, batch and evaluation. */
export interface Scorer {
  readonly featureNames: readonly string[]
  readonly threshold: number
  readonly riskLevels: RiskLevels
  /** Probability of fraud of the vector `vector[at...]`, in the order of `featureNames`. */
  scoreOne(vector: ArrayLike<number>, at?: number): number
  /** The same of every row, into `out`: bit for bit what `scoreOne` gives. */
  scoreMany(table: FeatureTable, out: Float64Array): void
  /** A transaction is flagged from the threshold on. */
  isFlagged(probability: number): boolean
  riskLevel(probability: number): RiskLevel
}

export const createScorer = ({ manifest, model }: Artifact): Scorer => {
  const { threshold, riskLevels } = manifest
  return {
    featureNames: model.featureNames,
    threshold,
    riskLevels,
    scoreOne: (vector, at) => scoreLogisticRegression(model, vector, at),
    scoreMany: (table, out) => scoreLogisticRegressionRows(model, table, out),
    isFlagged: (probability) => probability >= threshold,
    riskLevel: (probability) =>
      probability >= riskLevels.critical
        ? 'critical'
        : probability >= riskLevels.high
          ? 'high'
          : probability >= riskLevels.medium
            ? 'medium'
            : 'low',
  }
}
