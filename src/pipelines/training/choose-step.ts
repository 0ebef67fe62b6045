import { withDatabase } from '../../dataset/database.ts'
import type { SplitReport } from '../../dataset/split/split-report.ts'
import { bestF1Threshold } from '../../evaluation/best-threshold.ts'
import { calibrate, chooseCalibration } from '../../learning/calibration.ts'
import type { Model } from '../../learning/model.ts'
import { createModelScorer } from '../../model/scorer.ts'
import type { Step } from '../steps/step.ts'
import { candidateFigures, SCORING_TITLES, type Scoring, scoringFigure } from './candidate-figures.ts'
import {
  categoricalFeatures,
  FEATURE_INPUTS,
  type FeatureRows,
  featureFiles,
  readFeatureRows,
} from './feature-rows.ts'
import { readJson, writeJson } from './json-file.ts'
import type { TrainingContext } from './training-context.ts'
import { type Candidate, type ChoiceOutcome, isTrained, type TrainingOutcome } from './training-outcome.ts'

/**
 * Trained models and validation rows -> `choice.json`: the calibration and the threshold of each model, and which is the best.
 *
 * Where validation has no frauds (or nothing else), training rows stand in, and the outcome says so.
 */
export const chooseStep = (context: TrainingContext): Step => ({
  name: 'choose',
  activity: 'choosing the best model',
  inputs: [...FEATURE_INPUTS, 'train'],
  settings: { evaluation: context.config.declared.evaluation },
  module: import.meta.url,
  run: async ({ input, output, reportProgress }) => {
    const { settings } = context.config
    const { featureNames, models } = await readJson<TrainingOutcome>(input('train', 'training.json'))
    const read = (part: string): Promise<FeatureRows> =>
      withDatabase(context.database, (connection) =>
        readFeatureRows(connection, featureFiles(input), part, featureNames, categoricalFeatures(context)),
      )
    const validation = await read('validation')
    const part = hasBothClasses(validation.labels) ? 'validation' : 'train'
    const rows = part === 'validation' ? validation : await read('train')
    const { windows } = await readJson<SplitReport>(input('split', 'split.json'))
    const figures = { k: settings.evaluation.top_k, firstDayMs: windows?.[part]?.fromMs ?? 0 }
    const candidates: Candidate[] = []
    const worth: number[] = []
    for (const { name, title, file } of models.filter(isTrained)) {
      reportProgress({
        activity: 'choosing the best model',
        done: candidates.length,
        total: models.length,
        unit: 'models',
      })
      const model = await readJson<Model>(input('train', file))
      const raw = new Float64Array(rows.table.rowCount)
      createModelScorer(model, { method: 'none' }).scoreMany(rows.table, raw)
      const { calibration, choice: calibrationChoice } =
        part === 'validation' ? chooseCalibration(rows.labels, raw) : NOT_CALIBRATED
      const scores = raw.map((probability) => calibrate(calibration, probability))
      const threshold = chooseThreshold(rows, scores, part, context)
      worth.push(scoringFigure(settings.evaluation.choose_by, rows, scores, settings))
      candidates.push({
        ...{ name, title, file, calibration, calibrationChoice },
        ...threshold,
        figures: candidateFigures(rows, scores, threshold.threshold, figures),
      })
    }
    const best = indexOfBest(worth, settings.evaluation.choose_by)
    const outcome: ChoiceOutcome = {
      schema: 1,
      best: candidates[best]!.name,
      chosenBy: `the best ${SCORING_TITLES[settings.evaluation.choose_by]} on ${PART_TITLES[part]}`,
      part,
      candidates,
      warnings: part === 'validation' ? [] : [ON_TRAINING],
    }
    await writeJson(output('choice.json'), outcome)
  },
})

const PART_TITLES = { validation: 'validation', train: 'training rows' } as const

const ON_TRAINING =
  'Validation holds no frauds, or nothing else: the threshold and the best model were chosen on training rows, which the models know, and nothing is calibrated. Make validation longer (split).'

/** On rows that a model has learnt from its probabilities look better than they are, so a calibration would mislead. */
const NOT_CALIBRATED = {
  calibration: { method: 'none' },
  choice: 'none: validation has nothing to calibrate on',
} as const

const hasBothClasses = (labels: Uint8Array): boolean => labels.includes(1) && labels.includes(0)

/** The first of the best; a figure that is not defined is the worst. */
const indexOfBest = (figures: readonly number[], scoring: Scoring): number => {
  const sign = scoring === 'expected_cost' ? -1 : 1
  const worth = figures.map((figure) => (Number.isNaN(figure) ? Number.NEGATIVE_INFINITY : sign * figure))
  return worth.indexOf(Math.max(...worth))
}

const chooseThreshold = (
  { labels }: FeatureRows,
  scores: Float64Array,
  part: keyof typeof PART_TITLES,
  { config }: TrainingContext,
): { threshold: number; thresholdChoice: string } => {
  const setting = config.settings.evaluation.threshold
  if (typeof setting === 'number') return { threshold: setting, thresholdChoice: 'set in the configuration' }
  // Both classes are there, or training would have refused the rows.
  const threshold = bestF1Threshold(labels, scores)?.threshold ?? 0.5
  return { threshold, thresholdChoice: `best F1 on ${PART_TITLES[part]}` }
}
