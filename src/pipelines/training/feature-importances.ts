import { AVERAGE_PRECISION } from '../../evaluation/figures.ts'
import { createRandom, type Random } from '../../foundation/random.ts'
import type { Model } from '../../learning/model.ts'
import { gainShares, gainsOf } from '../../learning/selection/gain-importance.ts'
import { type LabelledRows, permutationImportance } from '../../learning/selection/permutation-importance.ts'
import { standardise } from '../../learning/standardisation.ts'
import { flattenTrees } from '../../learning/trees/flat-trees.ts'
import { createMarginsOfRows } from '../../learning/trees/margins-of-rows.ts'
import type { TreeEnsembleModel } from '../../learning/trees/tree-ensemble.ts'
import type { EvaluationReport } from './evaluation-report.ts'

type Importance = EvaluationReport['importance']

/**
 * Rows that features are shuffled on at most; more are sampled, because every feature costs a few times their
 * scoring.
 */
export const PERMUTATION_ROWS = 20_000

/** How features are shuffled. */
export interface ShufflingOptions {
  readonly seed: number
  /** Times that each feature is shuffled; 0: nothing is measured. */
  readonly repeats: number
  /** Default: 20,000. */
  readonly maxRows?: number
  readonly signal?: AbortSignal
  readonly onFeature?: (done: number, total: number) => void
}

/**
 * How much average precision falls when one feature's values are shuffled among the rows: mean and standard
 * deviation over the shuffles (`permutationImportance`), the largest first, equal ones by name. Empty when
 * the rows do not hold both classes. Rows are ranked by the model's margin, which no calibration has tied.
 *
 * Only what asks for the feature is computed again. A feature that the model never asks for has 0 without
 * being tried.
 */
export const importanceByShuffling = (
  model: Model,
  { table, labels }: LabelledRows,
  { seed, repeats, maxRows = PERMUTATION_ROWS, signal, onFeature }: ShufflingOptions,
): Importance['permutation'] => {
  const rows = sampleRows(
    table.rowCount,
    maxRows,
    createRandom(seed).fork('permutation importance').fork('rows'),
  )
  const sampled = Uint8Array.from(rows, (row) => labels[row]!)
  if (repeats === 0 || !sampled.includes(1) || !sampled.includes(0)) return []
  const columns = table.columns.map((column) => Float64Array.from(rows, (row) => column[row]!))
  const { margins, marginsBy } = createMarginParts(model, columns)
  const rescorer = (feature: number) => {
    const partOf = marginsBy(feature)
    if (partOf === undefined) return undefined
    const known = partOf(columns[feature]!)
    return (values: Float64Array): Float64Array => {
      const part = partOf(values)
      return margins.map((margin, row) => margin - known[row]! + part[row]!)
    }
  }
  const losses = permutationImportance(
    { table: { ...table, rowCount: rows.length, columns }, labels: sampled },
    {
      scores: margins,
      rescorer,
      metric: (truths, scores) => AVERAGE_PRECISION.of({ labels: truths, scores }),
      ...(signal && { signal }),
      ...(onFeature && { onFeature }),
    },
    { repeats, seed },
  )
  return table.names
    .map((feature, f) => ({ feature, drop: losses[f]!.loss, deviation: losses[f]!.deviation }))
    .sort((a, b) => b.drop - a.drop || byName(a, b))
}

const byName = (a: { readonly feature: string }, b: { readonly feature: string }): number =>
  a.feature < b.feature ? -1 : 1

/** The part of each row's margin that depends on one feature, from the feature's values. */
type MarginPart = (values: Float64Array) => Float64Array

/**
 * Margins of the rows, and by feature the part of them that depends on it; undefined where the model never
 * asks for it.
 */
const createMarginParts = (
  model: Model,
  columns: readonly Float64Array[],
): { readonly margins: Float64Array; readonly marginsBy: (feature: number) => MarginPart | undefined } => {
  const rowCount = columns[0]?.length ?? 0
  if (model.kind === 'logistic_regression') {
    const { means, scales, coefficients } = model
    const part = (f: number, values: Float64Array): Float64Array =>
      values.map((value) => coefficients[f]! * standardise(value, means[f]!, scales[f]!))
    const margins = new Float64Array(rowCount).fill(model.intercept)
    columns.forEach((column, f) => {
      part(f, column).forEach((value, row) => {
        margins[row]! += value
      })
    })
    const marginsBy = (f: number) =>
      coefficients[f] === 0 ? undefined : (values: Float64Array) => part(f, values)
    return { margins, marginsBy }
  }
  const marginsOf = (trees: TreeEnsembleModel['trees'], shown: readonly Float64Array[]): Float64Array => {
    const out = new Float64Array(rowCount)
    createMarginsOfRows(flattenTrees({ ...model, base: 0, trees }))(shown, rowCount, out)
    return out
  }
  return {
    margins: marginsOf(model.trees, columns),
    marginsBy: (f) => {
      const asking = model.trees.filter(({ feature }) => feature.includes(f))
      return asking.length === 0 ? undefined : (values) => marginsOf(asking, columns.with(f, values))
    },
  }
}

/**
 * Each feature's share of all that the model's splits lowered the training loss by, the largest first; empty
 * without trees.
 */
export const importanceByGain = (model: Model): Importance['gain'] => {
  if (model.kind === 'logistic_regression') return []
  const shares = gainShares(gainsOf(model))
  return model.featureNames
    .map((feature, f) => ({ feature, share: shares[f]! }))
    .sort((a, b) => b.share - a.share || byName(a, b))
}

/** Weight of each standardised feature, the largest first; empty for a model that is not linear. */
export const coefficientsOf = (model: Model): Importance['coefficients'] =>
  model.kind === 'logistic_regression'
    ? model.featureNames
        .map((feature, f) => ({ feature, weight: model.coefficients[f]! }))
        .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
    : []

/** All rows, or `count` of them, each set equally likely, ascending (Knuth's algorithm S). */
const sampleRows = (rows: number, count: number, random: Random): Uint32Array => {
  const chosen = new Uint32Array(Math.min(rows, count))
  let taken = 0
  for (let row = 0; taken < chosen.length; row++)
    if (rows - row <= chosen.length - taken || random.next() * (rows - row) < chosen.length - taken)
      chosen[taken++] = row
  return chosen
}
