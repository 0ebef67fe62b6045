import { VigiaError } from '../../errors.ts'
import type { TrainingRows } from '../algorithm.ts'
import type { FeatureTable } from '../feature-table.ts'
import { takeRows } from '../search/take-rows.ts'
import { chiSquared } from './chi-squared.ts'
import { type ClassCounts, countByCode, countByFrequency } from './class-counts.ts'
import { gainShares } from './gain-importance.ts'
import { permutationImportance } from './permutation-importance.ts'
import type { FeatureScore, FeatureSelectionSettings } from './selected-features.ts'

/** A model that was fitted to be asked about its features. */
export interface AskedModel {
  /**
   * Summed gain of each feature's splits, in the table's order, at least 0; 0 only for a feature that the
   * model never looks at.
   */
  readonly gains: readonly number[]
  /** One probability a row. */
  score(table: FeatureTable): Float64Array
}

/** What the selection of features asks of others. */
export interface SelectionTools {
  /** Fits the model that `importance` and `permutation` ask. */
  readonly fit: (rows: TrainingRows) => AskedModel | Promise<AskedModel>
  /** Quality that `permutation` watches; more is better. */
  readonly metric: (labels: Uint8Array, scores: Float64Array) => number
  readonly seed: number
  readonly signal?: Pick<AbortSignal, 'aborted'>
  readonly onFeature?: (done: number, total: number) => void
}

/** A score and what belongs to it. */
export type Scored = Pick<FeatureScore, 'score' | 'deviation' | 'pValue'>

/**
 * Counts of the classes in each bin of feature `f`: codes where it has no order, else bins of equal
 * frequency.
 */
export const countFeature = (
  table: FeatureTable,
  labels: Uint8Array,
  f: number,
  bins: number,
): ClassCounts =>
  table.categorical?.includes(table.names[f]!)
    ? countByCode(table.columns[f]!, labels)
    : countByFrequency(table.columns[f]!, labels, bins)

/**
 * The score of each feature of `table`, in its order. `informationOf` gives a feature's mutual information
 * with the label.
 *
 * @throws LEARNING_ONE_CLASS when `permutation` would measure on frauds only, or on none; INTERRUPTED when
 * cancelled
 */
export const scoreFeatures = async (
  table: FeatureTable,
  labels: Uint8Array,
  settings: FeatureSelectionSettings,
  tools: SelectionTools,
  informationOf: (feature: number) => number,
): Promise<readonly Scored[]> => {
  switch (settings.score) {
    case 'none':
      return table.columns.map(() => scored(null))
    case 'mutual_information':
      return table.columns.map((_, f) => scored(informationOf(f)))
    case 'chi_squared':
      return table.columns.map((_, f) => {
        const { statistic, pValue } = chiSquared(countFeature(table, labels, f, settings.bins))
        return { ...scored(statistic), pValue }
      })
    case 'importance': {
      const model = await tools.fit({ table, labels })
      return gainShares(model.gains).map(scored)
    }
    case 'permutation':
      return permute(table, labels, settings, tools)
  }
}

const scored = (score: number | null): Scored => ({ score, deviation: null, pValue: null })

/** Rows come in arrival order, so the last ones are what the model would have met next. */
const permute = async (
  table: FeatureTable,
  labels: Uint8Array,
  { permutation }: FeatureSelectionSettings,
  { fit: train, metric, seed, signal, onFeature }: SelectionTools,
): Promise<readonly Scored[]> => {
  const rows = Int32Array.from(labels.keys())
  const learnt = Math.floor(labels.length * (1 - permutation.heldOut))
  const heldOut = takeRows(table, labels, rows.subarray(learnt))
  const frauds = heldOut.labels.reduce((sum, label) => sum + label, 0)
  if (frauds === 0 || frauds === heldOut.labels.length) {
    throw new VigiaError('LEARNING_ONE_CLASS', { frauds, rows: heldOut.labels.length })
  }
  const model = await train(takeRows(table, labels, rows.subarray(0, learnt)))
  const rescorer = (feature: number) => (values: Float64Array) =>
    model.score({ ...heldOut.table, columns: heldOut.table.columns.with(feature, values) })
  const importances = permutationImportance(
    heldOut,
    {
      scores: model.score(heldOut.table),
      rescorer: (feature) => (model.gains[feature]! > 0 ? rescorer(feature) : undefined),
      metric,
      ...(signal && { signal }),
      ...(onFeature && { onFeature }),
    },
    { repeats: permutation.repeats, seed },
  )
  return importances.map(({ loss, deviation }) => ({ score: loss, deviation, pValue: null }))
}
