import { VigiaError } from '../errors.ts'
import { solveCholesky } from '../foundation/cholesky.ts'
import { exp, logistic } from '../foundation/elementary/exponential.ts'
import { log1p } from '../foundation/elementary/logarithm.ts'
import { checkTrainingRows } from './check-training-rows.ts'
import type { FeatureTable } from './feature-table.ts'
import { fitStandardisation, standardise } from './standardisation.ts'

/** How a logistic regression is fitted. */
export interface LogisticRegressionOptions {
  /**
   * Inverse of the regularisation: the loss is |w|² / 2 + c · Σ weight · log loss; the intercept is not
   * penalised.
   */
  readonly c: number
  readonly classWeight: 'none' | 'balanced'
  /** Newton steps at most. */
  readonly maxIterations: number
  /** Stop when no component of the gradient, per row, is larger. */
  readonly tolerance: number
  /** One weight a row, at least 0; a weight of 2 is the row twice. All 1 when absent. */
  readonly sampleWeights?: Float64Array
  readonly signal?: Pick<AbortSignal, 'aborted'>
  readonly onIteration?: (iteration: number, largestGradient: number) => void
}

/**
 * A fitted logistic regression, as plain data: probability = 1 / (1 + exp(-(intercept + Σ coefficient ·
 * (value - mean) / scale))). A missing value stands at its feature's mean.
 */
export interface LogisticRegressionModel {
  readonly kind: 'logistic_regression'
  readonly featureNames: readonly string[]
  readonly means: readonly number[]
  readonly scales: readonly number[]
  readonly coefficients: readonly number[]
  readonly intercept: number
  readonly iterations: number
  /** False when `maxIterations` ended the search before `tolerance` was met. */
  readonly converged: boolean
}

/** Up to here the Hessian is computed on all rows; above, on as many evenly spaced ones. */
const HESSIAN_ROWS = 65_536
/** Halvings of a step before it is taken as converged: 2^-30 of a step changes nothing. */
const MAX_HALVINGS = 30

/**
 * Fits by Newton's method: exact gradient, Cholesky on the Hessian, steps halved until the loss falls.
 *
 * 1. Rows are standardised, row after row (8 bytes a value).
 * 2. The gradient and the loss are sums over all rows in order.
 * 3. The Hessian is the exact one up to 65,536 rows; beyond, that of every k-th row, scaled up. It only
 *    shapes the step: where the search ends is where the exact gradient vanishes.
 *
 * Deterministic for the same rows in the same order on every machine and JavaScript engine.
 * With finite `c` the loss is strictly convex, so separable data converge too.
 *
 * @throws LEARNING_NO_ROWS, LEARNING_LABEL_INVALID (labels are 0 and 1), LEARNING_ONE_CLASS,
 * LEARNING_LENGTHS_DIFFER; INTERRUPTED when `signal` is aborted
 */
export const fitLogisticRegression = (
  table: FeatureTable,
  labels: ArrayLike<number>,
  options: LogisticRegressionOptions,
): LogisticRegressionModel => {
  checkTrainingRows(table, labels, options.sampleWeights)
  const { means, scales } = fitStandardisation(table, options.sampleWeights)
  const problem: Problem = {
    width: table.columns.length + 1,
    rows: standardiseRows(table, means, scales),
    rowCount: table.rowCount,
    labels,
    weights: rowWeights(labels, options),
    c: options.c,
  }
  const { weights, iterations, converged } = minimise(problem, options)
  return {
    kind: 'logistic_regression',
    featureNames: table.names,
    means,
    scales,
    coefficients: Array.from(weights.subarray(0, problem.width - 1)),
    intercept: weights[problem.width - 1]!,
    iterations,
    converged,
  }
}

/** Probability of fraud of one vector, `vector[at...]`, in the order of `featureNames`. */
export const scoreLogisticRegression = (
  model: LogisticRegressionModel,
  vector: ArrayLike<number>,
  at = 0,
): number => {
  const { means, scales, coefficients } = model
  let margin = model.intercept
  for (let f = 0; f < coefficients.length; f++) {
    margin += coefficients[f]! * standardise(vector[at + f]!, means[f]!, scales[f]!)
  }
  return logistic(margin)
}

/** `scoreLogisticRegression` of every row, into `out`: the same bits. */
export const scoreLogisticRegressionRows = (
  model: LogisticRegressionModel,
  table: FeatureTable,
  out: Float64Array,
): void => {
  const vector = new Float64Array(table.columns.length)
  for (let row = 0; row < table.rowCount; row++) {
    for (let f = 0; f < vector.length; f++) vector[f] = table.columns[f]![row]!
    out[row] = scoreLogisticRegression(model, vector)
  }
}

/** Standardised rows with a last column of ones for the intercept. */
interface Problem {
  readonly width: number
  readonly rows: Float64Array
  readonly rowCount: number
  readonly labels: ArrayLike<number>
  readonly weights: Float64Array
  readonly c: number
}

const minimise = (problem: Problem, options: LogisticRegressionOptions) => {
  const { width, rowCount } = problem
  let weights = new Float64Array(width)
  const gradient = new Float64Array(width)
  const hessian = new Float64Array(width * width)
  let loss = lossAndGradient(problem, weights, gradient)
  let iterations = 0
  let converged = false
  for (;;) {
    const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0) / rowCount
    options.onIteration?.(iterations, largest)
    converged = largest <= options.tolerance
    if (converged || iterations === options.maxIterations) break
    if (options.signal?.aborted)
      throw new VigiaError('INTERRUPTED', { activity: 'fitting a logistic regression' })
    iterations++
    hessianAt(problem, weights, hessian)
    const step = gradient.slice()
    // With the penalty on all but the intercept, and both classes present, the Hessian is positive definite.
    if (!solveCholesky(hessian, step)) break
    const next = takeStep(problem, weights, step, loss, gradient)
    // No shorter step lowers the loss: the sums have no more digits to give.
    if (next === undefined) {
      converged = true
      break
    }
    weights = next.weights
    loss = next.loss
  }
  return { weights, iterations, converged }
}

/** The longest of the step's halvings that lowers the loss; `gradient` becomes the one there. */
const takeStep = (
  problem: Problem,
  weights: Float64Array,
  step: Float64Array,
  loss: number,
  gradient: Float64Array,
): { weights: Float64Array<ArrayBuffer>; loss: number } | undefined => {
  for (let halving = 0, length = 1; halving <= MAX_HALVINGS; halving++, length /= 2) {
    const candidate = Float64Array.from(weights, (weight, i) => weight - length * step[i]!)
    const candidateLoss = lossAndGradient(problem, candidate, gradient)
    if (candidateLoss < loss) return { weights: candidate, loss: candidateLoss }
  }
  return undefined
}

const lossAndGradient = (problem: Problem, weights: Float64Array, gradient: Float64Array): number => {
  const { width, rows, rowCount, labels, c } = problem
  gradient.fill(0)
  let dataLoss = 0
  for (let row = 0, at = 0; row < rowCount; row++, at += width) {
    const margin = dot(weights, rows, at, width)
    const weight = problem.weights[row]!
    const label = labels[row]!
    // e^-|x| serves both log(1 + e^x), without overflow, and the probability.
    const decay = exp(-Math.abs(margin))
    const excess = label === 1 ? -margin : margin
    dataLoss += weight * (Math.max(excess, 0) + log1p(decay))
    const probability = margin >= 0 ? 1 / (1 + decay) : decay / (1 + decay)
    const residual = weight * (probability - label)
    for (let f = 0; f < width; f++) gradient[f]! += residual * rows[at + f]!
  }
  let penalty = 0
  for (let f = 0; f < width; f++) {
    const isIntercept = f === width - 1
    gradient[f] = c * gradient[f]! + (isIntercept ? 0 : weights[f]!)
    if (!isIntercept) penalty += weights[f]! * weights[f]!
  }
  return penalty / 2 + c * dataLoss
}

/** Four sums side by side: one alone would wait for each addition. The order of addition is fixed. */
const dot = (weights: Float64Array, rows: Float64Array, at: number, width: number): number => {
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  const even = width - (width % 4)
  for (let f = 0; f < even; f += 4) {
    a += weights[f]! * rows[at + f]!
    b += weights[f + 1]! * rows[at + f + 1]!
    c += weights[f + 2]! * rows[at + f + 2]!
    d += weights[f + 3]! * rows[at + f + 3]!
  }
  for (let f = even; f < width; f++) a += weights[f]! * rows[at + f]!
  return a + b + (c + d)
}

/**
 * Lower triangle of the Hessian of the loss. Four rows at a time: each element is then fetched once for four.
 */
const hessianAt = (problem: Problem, weights: Float64Array, hessian: Float64Array): void => {
  const { width, rows, rowCount, c } = problem
  const stride = Math.ceil(rowCount / HESSIAN_ROWS)
  hessian.fill(0)
  const curvature = (row: number): number => {
    if (row >= rowCount) return 0
    const probability = logistic(dot(weights, rows, row * width, width))
    return c * stride * problem.weights[row]! * probability * (1 - probability)
  }
  for (let row = 0; row < rowCount; row += 4 * stride) {
    const curvature0 = curvature(row)
    const curvature1 = curvature(row + stride)
    const curvature2 = curvature(row + 2 * stride)
    const curvature3 = curvature(row + 3 * stride)
    const at0 = row * width
    // Past the end any row does: it counts 0.
    const at1 = row + stride < rowCount ? at0 + stride * width : at0
    const at2 = row + 2 * stride < rowCount ? at0 + 2 * stride * width : at0
    const at3 = row + 3 * stride < rowCount ? at0 + 3 * stride * width : at0
    for (let i = 0; i < width; i++) {
      const scaled0 = curvature0 * rows[at0 + i]!
      const scaled1 = curvature1 * rows[at1 + i]!
      const scaled2 = curvature2 * rows[at2 + i]!
      const scaled3 = curvature3 * rows[at3 + i]!
      const to = i * width
      for (let j = 0; j <= i; j++) {
        hessian[to + j]! +=
          scaled0 * rows[at0 + j]! +
          scaled1 * rows[at1 + j]! +
          (scaled2 * rows[at2 + j]! + scaled3 * rows[at3 + j]!)
      }
    }
  }
  for (let f = 0; f < width - 1; f++) hessian[f * width + f]! += 1
}

/** Rows written in blocks: a block of rows stays in the cache while each column passes. */
const STANDARDISED_BLOCK = 256

const standardiseRows = (
  { columns, rowCount }: FeatureTable,
  means: readonly number[],
  scales: readonly number[],
): Float64Array => {
  const width = columns.length + 1
  const rows = new Float64Array(rowCount * width).fill(1)
  for (let from = 0; from < rowCount; from += STANDARDISED_BLOCK) {
    const to = Math.min(from + STANDARDISED_BLOCK, rowCount)
    for (let f = 0; f < columns.length; f++) {
      const column = columns[f]!
      const mean = means[f]!
      const scale = scales[f]!
      for (let row = from; row < to; row++) rows[row * width + f] = standardise(column[row]!, mean, scale)
    }
  }
  return rows
}

/** `balanced` weighs a class by rows / (2 · rows of the class), each row counted with its sample weight. */
const rowWeights = (
  labels: ArrayLike<number>,
  { classWeight, sampleWeights }: LogisticRegressionOptions,
): Float64Array => {
  const weights = sampleWeights?.slice() ?? new Float64Array(labels.length).fill(1)
  if (classWeight === 'none') return weights
  const sums: [number, number] = [0, 0]
  for (let row = 0; row < labels.length; row++) sums[labels[row] as 0 | 1] += weights[row]!
  const all = sums[0] + sums[1]
  const ofGenuine = all / (2 * sums[0])
  const ofFraud = all / (2 * sums[1])
  for (let row = 0; row < labels.length; row++) weights[row]! *= labels[row] === 1 ? ofFraud : ofGenuine
  return weights
}
