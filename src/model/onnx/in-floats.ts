import type { Calibration } from '../../learning/calibration/calibration.ts'
import { floatAfter } from '../../learning/imported/float-threshold.ts'
import type { LogisticRegressionModel } from '../../learning/logistic-regression.ts'
import type { Model } from '../../learning/model.ts'
import type { Tree, TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'

/**
 * The model with every number a float of 32 bits, for runtimes that compute in those; undefined where its
 * numbers are beyond them.
 *
 * Law: a row of floats takes the same leaves as in the model itself. For a float x, `x < threshold` holds
 * exactly when x is below the least float that is not below the threshold. What leaves say, and the weights
 * of a logistic regression, are rounded.
 */
export const inFloats = (model: Model): Model | undefined =>
  model.kind === 'logistic_regression' ? linearInFloats(model) : treesInFloats(model)

/**
 * The calibration with every number a float. Points of an isotonic line that are one float become one, which
 * has the height of the last: a step that floats cannot show is taken at its place.
 */
export const calibrationInFloats = (calibration: Calibration): Calibration => {
  if (calibration.method === 'none') return calibration
  if (calibration.method === 'platt') {
    const { slope, intercept } = calibration
    return { method: 'platt', slope: Math.fround(slope), intercept: Math.fround(intercept) }
  }
  const heights = new Map<number, number>()
  calibration.x.forEach((x, at) => {
    heights.set(Math.fround(x), Math.fround(calibration.y[at]!))
  })
  return { method: 'isotonic', x: [...heights.keys()], y: [...heights.values()] }
}

const linearInFloats = (model: LogisticRegressionModel): LogisticRegressionModel | undefined => {
  const means = model.means.map(Math.fround)
  const scales = model.scales.map(Math.fround)
  const coefficients = model.coefficients.map(Math.fround)
  const intercept = Math.fround(model.intercept)
  const numbers = [...means, ...scales, ...coefficients, intercept]
  if (!numbers.every(Number.isFinite) || scales.includes(0)) return undefined
  return { ...model, means, scales, coefficients, intercept }
}

const treesInFloats = (model: TreeEnsembleModel): TreeEnsembleModel | undefined => {
  const base = Math.fround(model.base)
  const trees = model.trees.map(
    (tree): Tree => ({
      ...tree,
      threshold: tree.threshold.map(floatNotBelow),
      value: tree.value.map(Math.fround),
    }),
  )
  const fits = Number.isFinite(base) && trees.every(({ value }) => value.every(Number.isFinite))
  return fits ? { ...model, base, trees } : undefined
}

/** The least float that is not below the number; Infinity above the greatest. */
const floatNotBelow = (value: number): number => {
  const near = Math.fround(value)
  return near < value ? floatAfter(near) : near
}
