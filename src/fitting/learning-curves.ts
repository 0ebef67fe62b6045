import { AVERAGE_PRECISION, LOG_LOSS } from '../evaluation/figures.ts'
import type { Model } from '../learning/model.ts'
import type { LabelledRows } from '../learning/selection/permutation-importance.ts'
import { flattenTrees, probabilityOfMargin } from '../learning/trees/flat-trees.ts'
import { createMarginsOfRows } from '../learning/trees/margins-of-rows.ts'
import type { TreeEnsembleModel } from '../learning/trees/tree-ensemble.ts'

/** A figure after each of some steps of a training. */
export interface LearningCurve {
  /** `validation.log_loss`. */
  readonly name: string
  /** Numbers of trees, ascending. */
  readonly steps: readonly number[]
  /** A value a step. */
  readonly values: readonly number[]
}

/** Enough for the eye: after how many trees a model is judged, and on how many rows of a part. */
const MOST_STEPS = 25
const MOST_ROWS = 20_000

/**
 * How a sum of trees became better (and then worse) with each tree: log loss on training and validation,
 * average precision on validation, after 1, 2, ... trees, in at most 25 steps, the last of which is the whole
 * model. Of more than 20,000 rows of a part every k-th is taken. Probabilities are not calibrated. A forest
 * of some of its trees is their mean. Empty for a logistic regression, which has no trees, and without trees;
 * a part without rows has no curve, one with a single class no average precision.
 */
export const learningCurves = (
  model: Model,
  training: LabelledRows,
  validation: LabelledRows,
): readonly LearningCurve[] => {
  if (model.kind === 'logistic_regression' || model.trees.length === 0) return []
  const steps = stepsOf(model.trees.length)
  return [
    ...curvesOn('train', model, thinned(training), steps).slice(0, 1),
    ...curvesOn('validation', model, thinned(validation), steps),
  ]
}

/** Numbers of trees, ascending; evenly spaced, and the last is `trees`. */
const stepsOf = (trees: number): number[] => {
  const count = Math.min(trees, MOST_STEPS)
  return Array.from({ length: count }, (_, i) => Math.round(((i + 1) * trees) / count))
}

const thinned = ({ table, labels }: LabelledRows): LabelledRows => {
  const stride = Math.ceil(table.rowCount / MOST_ROWS)
  if (stride <= 1) return { table, labels }
  const rowCount = Math.ceil(table.rowCount / stride)
  const columns = table.columns.map((column) =>
    Float64Array.from({ length: rowCount }, (_, row) => column[row * stride]!),
  )
  return {
    table: { ...table, rowCount, columns },
    labels: Uint8Array.from({ length: rowCount }, (_, row) => labels[row * stride]!),
  }
}

const curvesOn = (
  part: 'train' | 'validation',
  model: TreeEnsembleModel,
  { table, labels }: LabelledRows,
  steps: readonly number[],
): LearningCurve[] => {
  const { rowCount, columns } = table
  if (rowCount === 0) return []
  const margins = new Float64Array(rowCount).fill(model.base)
  const added = new Float64Array(rowCount)
  const losses: number[] = []
  const precisions: number[] = []
  let from = 0
  for (const to of steps) {
    const some = flattenTrees({ ...model, base: 0, trees: model.trees.slice(from, to) })
    createMarginsOfRows(some)(columns, rowCount, added)
    for (let row = 0; row < rowCount; row++) margins[row]! += added[row]!
    // Leaves of a forest are shares divided by the number of all trees.
    const scale = model.link === 'identity' ? model.trees.length / to : 1
    const scores = margins.map((margin) => probabilityOfMargin(model.link, margin * scale))
    losses.push(LOG_LOSS.of({ labels, scores }))
    precisions.push(AVERAGE_PRECISION.of({ labels, scores }))
    from = to
  }
  const isDefined = (values: readonly number[]) => values.every((value) => !Number.isNaN(value))
  return [
    { name: `${part}.${LOG_LOSS.name}`, steps, values: losses },
    { name: `${part}.${AVERAGE_PRECISION.name}`, steps, values: precisions },
  ].filter(({ values }) => isDefined(values))
}
