import { withDatabase } from '../../dataset/database.ts'
import type { SplitReport } from '../../dataset/split/split-report.ts'
import { evaluate, type PartEvaluation } from '../../evaluation/evaluate.ts'
import {
  type LogisticRegressionModel,
  scoreLogisticRegressionRows,
} from '../../learning/logistic-regression.ts'
import type { Step } from '../steps/step.ts'
import type { EvaluationReport } from './evaluation-report.ts'
import { readFeatureRows } from './feature-rows.ts'
import { readJson, writeJson } from './json-file.ts'
import type { Threshold } from './train-step.ts'
import type { TrainingContext } from './training-context.ts'

export type { EvaluationReport } from './evaluation-report.ts'

/** Model, threshold and the rows it has not seen -> `evaluation.json`: what it is worth. */
export const evaluateStep = ({ config, database }: TrainingContext): Step => ({
  name: 'evaluate',
  activity: 'evaluating the model',
  inputs: ['features', 'split', 'train'],
  settings: { evaluation: config.declared.evaluation, project: config.declared.project.name },
  module: import.meta.url,
  run: async ({ input, output }) => {
    const model = await readJson<LogisticRegressionModel>(input('train', 'model.json'))
    const { threshold, choice } = await readJson<Threshold>(input('train', 'threshold.json'))
    const split = await readJson<SplitReport>(input('split', 'split.json'))
    const { top_k, curve_points, histogram_bins } = config.settings.evaluation
    const judge = async (part: 'validation' | 'test'): Promise<PartEvaluation> => {
      const rows = await withDatabase(database, (connection) =>
        readFeatureRows(
          connection,
          input('features', 'features.parquet'),
          input('split', 'split.parquet'),
          part,
          model.featureNames,
        ),
      )
      const scores = new Float64Array(rows.table.rowCount)
      scoreLogisticRegressionRows(model, rows.table, scores)
      return evaluate(
        { labels: rows.labels, scores, eventTimesMs: rows.eventTimesMs, entities: rows.userIds },
        {
          threshold,
          k: top_k,
          firstDayMs: split.windows?.[part]?.fromMs ?? 0,
          curvePoints: curve_points,
          histogramBins: histogram_bins,
        },
      )
    }
    const report: EvaluationReport = {
      schema: 1,
      project: config.settings.project.name,
      model: 'Logistic regression',
      threshold,
      thresholdChoice: choice,
      daily: { entity: 'user', k: top_k },
      split: { method: split.method, parts: split.parts },
      parts: { validation: await judge('validation'), test: await judge('test') },
      coefficients: model.featureNames
        .map((feature, f) => ({ feature, weight: model.coefficients[f]! }))
        .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)),
      warnings: [
        ...split.warnings,
        ...split.parts.flatMap(fewFrauds),
        ...(model.converged ? [] : ['The logistic regression did not converge: raise max_iterations.']),
      ],
    }
    await writeJson(output('evaluation.json'), report)
  },
})

/** Below this, one fraud more or less changes every figure by several hundredths. */
const FEW_FRAUDS = 30

const fewFrauds = ({ part, frauds }: SplitReport['parts'][number]): string[] =>
  part !== 'none' && frauds > 0 && frauds < FEW_FRAUDS
    ? [
        `The ${part} part holds only ${frauds} frauds: its figures are uncertain. Have at least ${FEW_FRAUDS}.`,
      ]
    : []
