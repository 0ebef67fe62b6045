import type { TrainingSettings } from '../../config/training-config.ts'
import { bestF1Threshold } from '../../evaluation/best-threshold.ts'
import { type CalibrationChoice, calibrate, chooseCalibration } from '../../learning/calibration.ts'
import {
  candidateFigures,
  type JudgedRows,
  SCORING_TITLES,
  type Scoring,
  scoringFigure,
} from './candidate-figures.ts'
import type { Candidate, ChoiceOutcome, TrainedModel } from './training-outcome.ts'

/** A trained model and its raw probability of each row. */
export interface ScoredModel extends Pick<TrainedModel, 'name' | 'title' | 'file'> {
  readonly raw: Float64Array
}

/** The rows that models are compared on. */
export interface ChoiceRows extends JudgedRows {
  /** Training rows where validation cannot serve. */
  readonly part: 'validation' | 'train'
  /** Where days begin to be counted; see `evaluate`. */
  readonly firstDayMs: number
}

const PART_TITLES = { validation: 'validation', train: 'training rows' } as const

/** Whether `labels` can choose anything: there are frauds, and something else. */
export const hasBothClasses = (labels: Uint8Array): boolean => labels.includes(1) && labels.includes(0)

/**
 * Calibration and threshold of each model, and the best by `evaluation.choose_by`; the first of equals, and a figure that is not
 * defined is the worst. There is at least one model.
 */
export const chooseAmong = (
  models: readonly ScoredModel[],
  rows: ChoiceRows,
  settings: Pick<TrainingSettings, 'evaluation'>,
): ChoiceOutcome => {
  const { choose_by, top_k } = settings.evaluation
  const candidates: Candidate[] = []
  const worth: number[] = []
  for (const { raw, ...model } of models) {
    const { calibration, choice } = chooseCalibrationOn(rows, raw, settings)
    const scores = raw.map((probability) => calibrate(calibration, probability))
    const threshold = chooseThreshold(rows, scores, settings)
    worth.push(scoringFigure(choose_by, rows, scores, settings))
    candidates.push({
      ...model,
      calibration,
      calibrationChoice: choice,
      ...threshold,
      figures: candidateFigures(rows, scores, threshold.threshold, { k: top_k, firstDayMs: rows.firstDayMs }),
    })
  }
  return {
    schema: 1,
    best: candidates[indexOfBest(worth, choose_by)]!.name,
    chosenBy: `the best ${SCORING_TITLES[choose_by]} on ${PART_TITLES[rows.part]}`,
    part: rows.part,
    candidates,
    warnings: rows.part === 'validation' ? [] : [ON_TRAINING],
  }
}

const ON_TRAINING =
  'Validation holds no frauds, or nothing else: the threshold and the best model were chosen on training rows, which the models know, and nothing is calibrated. Make validation longer (split).'

/** On rows that a model has learnt from its probabilities look better than they are, so a calibration would mislead. */
const chooseCalibrationOn = (
  { part, labels }: ChoiceRows,
  raw: Float64Array,
  { evaluation }: Pick<TrainingSettings, 'evaluation'>,
): CalibrationChoice =>
  part === 'validation'
    ? chooseCalibration(labels, raw, evaluation.calibration)
    : { calibration: { method: 'none' }, choice: 'none: validation has nothing to calibrate on' }

const indexOfBest = (figures: readonly number[], scoring: Scoring): number => {
  const sign = scoring === 'expected_cost' ? -1 : 1
  const worth = figures.map((figure) => (Number.isNaN(figure) ? Number.NEGATIVE_INFINITY : sign * figure))
  return worth.indexOf(Math.max(...worth))
}

const chooseThreshold = (
  { labels, part }: ChoiceRows,
  scores: Float64Array,
  { evaluation }: Pick<TrainingSettings, 'evaluation'>,
): Pick<Candidate, 'threshold' | 'thresholdChoice'> => {
  const { threshold } = evaluation
  if (typeof threshold === 'number') return { threshold, thresholdChoice: 'set in the configuration' }
  // Both classes are there, or training would have refused the rows.
  const best = bestF1Threshold(labels, scores)?.threshold ?? 0.5
  return { threshold: best, thresholdChoice: `best F1 on ${PART_TITLES[part]}` }
}
