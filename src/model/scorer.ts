import { logisticOfAll } from '../foundation/elementary/exponential.ts'
import { type Calibration, calibrateAll } from '../learning/calibration/calibration.ts'
import type { FeatureTable } from '../learning/feature-table.ts'
import type { LogisticRegressionModel } from '../learning/logistic-regression.ts'
import type { Model } from '../learning/model.ts'
import { standardise } from '../learning/standardisation.ts'
import {
  flattenTrees,
  marginOfTrees,
  marginWithCategories,
  probabilityOfMargin,
} from '../learning/trees/flat-trees.ts'
import { createMarginsOfRows } from '../learning/trees/margins-of-rows.ts'
import { createMissingReader } from '../learning/trees/missing-value.ts'
import type { TreeEnsembleModel } from '../learning/trees/tree-ensemble.ts'
import type { Artifact, RiskLevels } from './artifact.ts'

/** How risky a probability is, for people. */
export type RiskLevel = 'low' | 'medium' | 'high' | 'critical'

/** Turns feature vectors into calibrated probabilities. A call leaves a few numbers on the heap, no more. */
export interface ModelScorer {
  readonly featureNames: readonly string[]
  /**
   * What the model adds up for the vector `vector[at...]`, in the order of `featureNames`, before it becomes
   * a probability.
   */
  marginOne(vector: ArrayLike<number>, at?: number): number
  /** Calibrated probability of fraud of the vector `vector[at...]`, in [0, 1]. NaN is a missing value. */
  scoreOne(vector: ArrayLike<number>, at?: number): number
  /**
   * The same of every row, into `out`: bit for bit what `scoreOne` gives. Columns stand in the order of
   * `featureNames`.
   */
  scoreMany(table: FeatureTable, out: Float64Array): void
}

/** The one scorer of serving, batch and evaluation: probabilities and decisions. */
export interface Scorer extends ModelScorer {
  readonly threshold: number
  readonly riskLevels: RiskLevels
  /** A transaction is flagged from the threshold on. */
  isFlagged(probability: number): boolean
  riskLevel(probability: number): RiskLevel
}

/** Scores with a model that is in no artifact yet. */
export const createModelScorer = (model: Model, calibration: Calibration): ModelScorer =>
  model.kind === 'logistic_regression'
    ? linearScorer(model, calibration)
    : seeingMissing(model, treeScorer(model, calibration))

/** Scores with an artifact. */
export const createScorer = ({ manifest, model }: Artifact): Scorer => {
  const { threshold, riskLevels } = manifest
  return {
    ...createModelScorer(model, manifest.calibration),
    threshold,
    riskLevels,
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

/** The one row that `scoreOne` scores: nothing is scored meanwhile. */
const one = new Float64Array(1)

const linearScorer = (model: LogisticRegressionModel, calibration: Calibration): ModelScorer => {
  const { featureNames, means, scales, coefficients, intercept } = model
  const width = coefficients.length
  const marginOne = (vector: ArrayLike<number>, at = 0): number => {
    let margin = intercept
    for (let f = 0; f < width; f++)
      margin += coefficients[f]! * standardise(vector[at + f]!, means[f]!, scales[f]!)
    return margin
  }
  return {
    featureNames,
    marginOne,
    scoreOne: (vector, at) => {
      one[0] = marginOne(vector, at)
      probabilities('logistic', calibration, 1, one)
      return one[0]!
    },
    scoreMany: ({ columns, rowCount }, out) => {
      for (let row = 0; row < rowCount; row++) out[row] = intercept
      // Feature by feature adds to each row in the order in which `marginOne` adds.
      for (let f = 0; f < width; f++) {
        const column = columns[f]!
        for (let row = 0; row < rowCount; row++)
          out[row]! += coefficients[f]! * standardise(column[row]!, means[f]!, scales[f]!)
      }
      probabilities('logistic', calibration, rowCount, out)
    },
  }
}

const treeScorer = (model: TreeEnsembleModel, calibration: Calibration): ModelScorer => {
  const { featureNames, link } = model
  const trees = flattenTrees(model)
  const marginsOfRows = createMarginsOfRows(trees)
  // Chosen once: calls that the compiler does not inline put the number that they return on the heap, and it
  // inlines only so much.
  const marginOf = trees.categoryAt.length > 0 ? marginWithCategories : marginOfTrees
  return {
    featureNames,
    marginOne: (vector, at = 0) => marginOf(trees, vector, at),
    scoreOne: (vector, at = 0) => {
      one[0] = marginOf(trees, vector, at)
      probabilities(link, calibration, 1, one)
      return one[0]!
    },
    scoreMany: ({ columns, rowCount }, out) => {
      marginsOfRows(columns, rowCount, out)
      probabilities(link, calibration, rowCount, out)
    },
  }
}

/** The scorer of a model that takes other numbers than NaN for missing; `scorer` itself for all others. */
const seeingMissing = (model: TreeEnsembleModel, scorer: ModelScorer): ModelScorer => {
  const seen = createMissingReader(model)
  if (seen === undefined) return scorer
  return {
    featureNames: model.featureNames,
    marginOne: (vector, at = 0) => scorer.marginOne(seen.row(vector, at)),
    scoreOne: (vector, at = 0) => scorer.scoreOne(seen.row(vector, at)),
    scoreMany: (table, out) => scorer.scoreMany({ ...table, columns: seen.columns(table.columns) }, out),
  }
}

/** Margins in `out` become calibrated probabilities. */
const probabilities = (
  link: 'identity' | 'logistic',
  calibration: Calibration,
  rowCount: number,
  out: Float64Array,
): void => {
  if (link === 'logistic') logisticOfAll(out, rowCount)
  else for (let row = 0; row < rowCount; row++) out[row] = probabilityOfMargin(link, out[row]!)
  calibrateAll(calibration, out, rowCount)
}
