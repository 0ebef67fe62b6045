import { withDatabase } from '../../dataset/database.ts'
import { bestF1Threshold } from '../../evaluation/best-threshold.ts'
import {
  fitLogisticRegression,
  type LogisticRegressionModel,
  scoreLogisticRegressionRows,
} from '../../learning/logistic-regression.ts'
import type { ReplayResult } from '../replay/replay.ts'
import type { Step } from '../steps/step.ts'
import { type FeatureRows, readFeatureRows } from './feature-rows.ts'
import { readJson, writeJson } from './json-file.ts'
import type { TrainingContext } from './training-context.ts'

/** From which probability a transaction is flagged, and how that was chosen. */
export interface Threshold {
  readonly threshold: number
  /** For people: `best F1 on validation`. */
  readonly choice: string
}

/** Training rows -> `model.json`; validation rows -> `threshold.json`. */
export const trainStep = ({ config, database }: TrainingContext): Step => ({
  name: 'train',
  activity: 'training the model',
  inputs: ['features', 'split'],
  settings: { models: config.declared.models, threshold: config.declared.evaluation.threshold },
  module: import.meta.url,
  run: async ({ input, output, signal, reportProgress }) => {
    const { featureNames } = await readJson<ReplayResult>(input('features', 'replay.json'))
    const read = (part: string): Promise<FeatureRows> =>
      withDatabase(database, (connection) =>
        readFeatureRows(
          connection,
          input('features', 'features.parquet'),
          input('split', 'split.parquet'),
          part,
          featureNames,
        ),
      )
    const training = await read('train')
    const { c, class_weight, max_iterations, tolerance } = config.settings.models.logistic_regression
    const model = fitLogisticRegression(training.table, training.labels, {
      c,
      classWeight: class_weight,
      maxIterations: max_iterations,
      tolerance,
      signal,
      onIteration: (iteration) =>
        reportProgress({ activity: 'training the model', done: iteration, unit: 'iterations' }),
    })
    await writeJson(output('model.json'), model)
    const validation = await read('validation')
    const chosen = chooseThreshold(model, validation, training, config.settings.evaluation.threshold)
    await writeJson(output('threshold.json'), chosen)
  },
})

/** A number is taken as it is; `best_f1` looks at validation, or at training where validation has no fraud. */
const chooseThreshold = (
  model: LogisticRegressionModel,
  validation: FeatureRows,
  training: FeatureRows,
  setting: number | 'best_f1',
): Threshold => {
  if (setting !== 'best_f1') return { threshold: setting, choice: 'set in the configuration' }
  for (const [name, rows] of [
    ['validation', validation],
    ['training', training],
  ] as const) {
    const scores = new Float64Array(rows.table.rowCount)
    scoreLogisticRegressionRows(model, rows.table, scores)
    const best = bestF1Threshold(rows.labels, scores)
    if (best !== null) return { threshold: best.threshold, choice: `best F1 on ${name}` }
  }
  // Training has frauds, or fitting would have refused it.
  return { threshold: 0.5, choice: 'no frauds to choose by' }
}
