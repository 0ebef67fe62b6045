import type { Model } from '../../learning/model.ts'
import { standardise } from '../../learning/standardisation.ts'
import { createMissingReader } from '../../learning/trees/missing-value.ts'
import { createTreeShap } from '../../learning/trees/tree-shap.ts'

/** Says how much each feature of a row moved its margin. */
export interface Explainer {
  /** The margin of a row of which nothing is known. */
  readonly baseline: number
  /**
   * Writes each feature's contribution to the margin of `vector[at...]` into `out`, in the order of the
   * model's features. Baseline and contributions sum to the margin, before the link and calibration:
   * log-odds, or for a forest the probability. Allocates nothing.
   */
  explainOne(vector: ArrayLike<number>, at: number, out: Float64Array): void
}

/**
 * Exact Shapley values: of trees by tree SHAP, of a logistic regression coefficient · standardised value, for
 * which a missing value, which stands at its mean, contributes nothing.
 */
export const createExplainer = (model: Model): Explainer => {
  if (model.kind === 'logistic_regression') {
    const { means, scales, coefficients, intercept } = model
    return {
      baseline: intercept,
      explainOne: (vector, at, out) => {
        for (let f = 0; f < coefficients.length; f++)
          out[f] = coefficients[f]! * standardise(vector[at + f]!, means[f]!, scales[f]!)
      },
    }
  }
  const { baseline, addShapleyValues } = createTreeShap(model)
  const seen = createMissingReader(model)
  return {
    baseline,
    explainOne: (vector, at, out) => {
      out.fill(0)
      if (seen === undefined) addShapleyValues(vector, at, out)
      else addShapleyValues(seen.row(vector, at), 0, out)
    },
  }
}
