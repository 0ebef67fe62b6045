import { logistic, logisticOfAll } from '../../foundation/elementary/exponential.ts'
import { log, log1p } from '../../foundation/elementary/logarithm.ts'
import { fitIsotonic } from './isotonic.ts'
import { fitPlatt } from './platt.ts'

/**
 * How raw probabilities become true ones, as plain data.
 *
 * platt: 1 / (1 + exp(-(slope * logit(raw) + intercept))), raw kept 2^-52 away from 0 and 1. isotonic: the
 * line through the points (x, y), both rising, constant outside of them; empty lists change nothing.
 */
export type Calibration =
  | { readonly method: 'none' }
  | { readonly method: 'platt'; readonly slope: number; readonly intercept: number }
  | { readonly method: 'isotonic'; readonly x: readonly number[]; readonly y: readonly number[] }

export type CalibrationMethod = Calibration['method']

/**
 * The calibrated probability of `raw`, in [0, 1]; NaN for NaN unless the calibration is a constant. Allocates
 * nothing.
 */
export const calibrate = (calibration: Calibration, raw: number): number => {
  if (calibration.method === 'none') return raw
  if (calibration.method === 'isotonic') return onLine(calibration.x, calibration.y, raw)
  return logistic(calibration.slope * logit(raw) + calibration.intercept)
}

/** `calibrate` of the first `count` values, in their place: a loop for each step (`logisticOfAll`). */
export const calibrateAll = (calibration: Calibration, values: Float64Array, count: number): void => {
  if (calibration.method === 'none') return
  if (calibration.method === 'isotonic') {
    for (let i = 0; i < count; i++) values[i] = onLine(calibration.x, calibration.y, values[i]!)
    return
  }
  const { slope, intercept } = calibration
  logitOfAll(values, count)
  for (let i = 0; i < count; i++) values[i] = slope * values[i]! + intercept
  logisticOfAll(values, count)
}

const logitOfAll = (values: Float64Array, count: number): void => {
  for (let i = 0; i < count; i++) {
    const inside = Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, values[i]!))
    values[i] = log(inside / (1 - inside))
  }
}

/**
 * Fits one method to what happened. `labels` are 1 for fraud and 0; `raw` are probabilities in [0, 1], none
 * NaN. Without rows nothing is calibrated. O(n log n).
 */
export const fitCalibration = (
  method: CalibrationMethod,
  labels: ArrayLike<number>,
  raw: Float64Array,
): Calibration => {
  if (method === 'none' || raw.length === 0) return { method: 'none' }
  return method === 'platt'
    ? { method, ...fitPlatt(labels, raw.map(logit)) }
    : { method, ...fitIsotonic(labels, raw) }
}

/** log(p / (1 - p)), with p kept 2^-52 away from 0 and 1. */
const logit = (probability: number): number => {
  const inside = Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, probability))
  return log(inside / (1 - inside))
}

const onLine = (x: readonly number[], y: readonly number[], raw: number): number => {
  const last = x.length - 1
  if (last < 0) return raw
  if (raw <= x[0]!) return y[0]!
  if (raw >= x[last]!) return y[last]!
  let below = 0
  let above = last
  while (above - below > 1) {
    const middle = (below + above) >> 1
    if (x[middle]! <= raw) below = middle
    else above = middle
  }
  const share = (raw - x[below]!) / (x[above]! - x[below]!)
  // Rounding may step over the upper end, and order would suffer.
  return Math.min(y[above]!, y[below]! + share * (y[above]! - y[below]!))
}

/** A calibration and why it was chosen, for people. */
export interface CalibrationChoice {
  readonly calibration: Calibration
  readonly choice: string
}

const FOLDS = 5
/** Below this, a fold's log loss hangs on a handful of frauds. */
const LEAST_FRAUDS = 30
const METHODS = ['none', 'platt', 'isotonic'] as const

/**
 * The calibration with the least log loss over five folds, fitted then on all rows; the simplest of equals
 * (none, platt, isotonic). With fewer than 30 rows of a class nothing is calibrated. `method` other than auto
 * is fitted without a comparison, where there are both classes. Folds deal out the rows of each class in
 * turn, so that no chance is in them. O(n log n).
 */
export const chooseCalibration = (
  labels: ArrayLike<number>,
  raw: Float64Array,
  method: 'auto' | CalibrationMethod = 'auto',
): CalibrationChoice => {
  let frauds = 0
  for (let row = 0; row < raw.length; row++) frauds += labels[row]!
  const rarer = Math.min(frauds, raw.length - frauds)
  if (method !== 'auto') {
    if (method !== 'none' && rarer === 0)
      return { calibration: { method: 'none' }, choice: `none: ${method} needs frauds and genuine rows` }
    return { calibration: fitCalibration(method, labels, raw), choice: `${method}, set in the configuration` }
  }
  if (rarer < LEAST_FRAUDS)
    return {
      calibration: { method: 'none' },
      choice: `none: ${rarer} ${frauds <= raw.length - frauds ? 'frauds' : 'genuine rows'} are too few to calibrate on (at least ${LEAST_FRAUDS})`,
    }
  const folds = foldsOf(labels, raw.length)
  let best: CalibrationMethod = 'none'
  let least = Number.POSITIVE_INFINITY
  for (const candidate of METHODS) {
    const loss = crossValidatedLoss(candidate, labels, raw, folds)
    if (loss < least) [best, least] = [candidate, loss]
  }
  return {
    calibration: fitCalibration(best, labels, raw),
    choice: `${best}, the lowest log loss over ${FOLDS} folds`,
  }
}

/** Deals out the rows of each class in turn. */
export const foldsOf = (labels: ArrayLike<number>, rows: number): Uint8Array => {
  const seen = [0, 0]
  return Uint8Array.from({ length: rows }, (_, row) => seen[labels[row]!]!++ % FOLDS)
}

/** Mean log loss of a method, on rows that it was not fitted to. */
export const crossValidatedLoss = (
  method: CalibrationMethod,
  labels: ArrayLike<number>,
  raw: Float64Array,
  folds: Uint8Array,
): number => {
  let loss = 0
  for (let fold = 0; fold < FOLDS; fold++) {
    const rest = raw.filter((_, row) => folds[row] !== fold)
    const restLabels = Uint8Array.from(labels).filter((_, row) => folds[row] !== fold)
    const calibration = fitCalibration(method, restLabels, rest)
    for (let row = 0; row < raw.length; row++)
      if (folds[row] === fold) loss += lossOfRow(calibration, labels[row]!, raw[row]!)
  }
  return loss / raw.length
}

/** Mean log loss of a calibration. */
export const calibratedLoss = (
  calibration: Calibration,
  labels: ArrayLike<number>,
  raw: Float64Array,
): number => {
  let loss = 0
  for (let row = 0; row < raw.length; row++) loss += lossOfRow(calibration, labels[row]!, raw[row]!)
  return loss / raw.length
}

const lossOfRow = (calibration: Calibration, label: number, raw: number): number => {
  const probability = Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, calibrate(calibration, raw)))
  return label === 1 ? -log(probability) : -log1p(-probability)
}
