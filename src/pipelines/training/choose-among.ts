import type { TrainingSettings } from '../../config/training-config.ts'
import { bestF1Threshold } from '../../evaluation/best-threshold.ts'
import { minCostThreshold } from '../../evaluation/cost.ts'
import type { Figure } from '../../evaluation/figure.ts'
import { allFiguresOf, figureNamed, keyOf } from '../../evaluation/figures.ts'
import { alertBudgetThreshold, precisionFloorThreshold } from '../../evaluation/threshold-rules.ts'
import { DAY_MS } from '../../foundation/days.ts'
import {
  type CalibrationChoice,
  calibrate,
  chooseCalibration,
} from '../../learning/calibration/calibration.ts'
import { costMatrix, judgeRows, type RowsToJudge, scoredRows } from './judge-rows.ts'
import type { Candidate, ChoiceOutcome, TrainedModel } from './training-outcome.ts'

/** A trained model and its raw probability of each row. */
export interface ScoredModel extends Pick<TrainedModel, 'name' | 'title' | 'file'> {
  readonly raw: Float64Array
}

/** The rows that models are compared on. */
export interface ChoiceRows extends RowsToJudge {
  /** Training rows where validation cannot serve. */
  readonly part: 'validation' | 'train'
  /** Where days begin to be counted; see `judgedRows`. */
  readonly firstDayMs: number
}

const PART_TITLES = { validation: 'validation', train: 'training rows' } as const

/** Whether `labels` can choose anything: there are frauds, and something else. */
export const hasBothClasses = (labels: Uint8Array): boolean => labels.includes(1) && labels.includes(0)

/**
 * Calibration and threshold of each model, and the best by `evaluation.choose_by`; the first of equals, and a
 * figure that is not defined is the worst. There is at least one model.
 */
export const chooseAmong = (
  models: readonly ScoredModel[],
  rows: ChoiceRows,
  settings: Pick<TrainingSettings, 'evaluation'>,
): ChoiceOutcome => {
  const figure = figureNamed(settings.evaluation.choose_by)
  const judged = judgeRows(rows, rows.firstDayMs)
  const candidates = models.map(({ raw, ...model }): Candidate => {
    const { calibration, choice } = chooseCalibrationOn(rows, raw, settings)
    const scores = raw.map((probability) => calibrate(calibration, probability))
    const threshold = chooseThreshold(rows, scores, settings)
    const figures = allFiguresOf(scoredRows(judged, scores, threshold.threshold, settings))
    return { ...model, calibration, calibrationChoice: choice, ...threshold, figures }
  })
  const values = candidates.map(({ figures }) => figures[keyOf(figure)])
  return {
    schema: 1,
    best: candidates[indexOfBest(values, figure)]!.name,
    chosenBy: `the best ${figure.title} on ${PART_TITLES[rows.part]}`,
    part: rows.part,
    candidates,
    warnings: rows.part === 'validation' ? [] : [ON_TRAINING],
  }
}

const ON_TRAINING =
  'Validation holds no frauds, or nothing else: the threshold and the best model were chosen on training rows, which the models know, and nothing is calibrated. Make validation longer (split).'

/**
 * On rows that a model has learnt from its probabilities look better than they are, so a calibration would
 * mislead.
 */
const chooseCalibrationOn = (
  { part, labels }: ChoiceRows,
  raw: Float64Array,
  { evaluation }: Pick<TrainingSettings, 'evaluation'>,
): CalibrationChoice =>
  part === 'validation'
    ? chooseCalibration(labels, raw, evaluation.calibration)
    : { calibration: { method: 'none' }, choice: 'none: validation has nothing to calibrate on' }

/** The first of the best; what is not defined is the worst. */
const indexOfBest = (values: readonly (number | null)[], { better }: Pick<Figure, 'better'>): number => {
  const sign = better === 'higher' ? 1 : -1
  const worth = values.map((value) => (value === null ? Number.NEGATIVE_INFINITY : sign * value))
  return worth.indexOf(Math.max(...worth))
}

type ChosenThreshold = Pick<Candidate, 'threshold' | 'thresholdChoice'>

const chooseThreshold = (
  rows: ChoiceRows,
  scores: Float64Array,
  settings: Pick<TrainingSettings, 'evaluation'>,
): ChosenThreshold => {
  const { threshold } = settings.evaluation
  if (typeof threshold === 'number') return { threshold, thresholdChoice: 'set in the configuration' }
  const { found, rule } = applyRule(threshold, rows, scores, settings)
  const on = `on ${PART_TITLES[rows.part]}`
  if (found !== null) return { threshold: found, thresholdChoice: `${rule} ${on}` }
  // Both classes are there, or training would have refused the rows; so there is a best F1.
  const fallback = bestF1Threshold(rows.labels, scores)?.threshold ?? 0.5
  return { threshold: fallback, thresholdChoice: `best F1 ${on}, as none gives ${rule}` }
}

const applyRule = (
  name: Exclude<TrainingSettings['evaluation']['threshold'], number>,
  { labels, amountsMinor, eventTimesMs }: ChoiceRows,
  scores: Float64Array,
  settings: Pick<TrainingSettings, 'evaluation'>,
): { readonly found: number | null; readonly rule: string } => {
  const { alert_budget, precision_floor } = settings.evaluation
  switch (name) {
    case 'best_f1':
      return { found: bestF1Threshold(labels, scores)?.threshold ?? null, rule: 'best F1' }
    case 'min_cost': {
      const costs = { matrix: costMatrix(settings), amountsMinor }
      return {
        found: minCostThreshold(labels, scores, costs)?.threshold ?? null,
        rule: 'least expected cost',
      }
    }
    case 'alert_budget': {
      const { alerts_per_day } = alert_budget
      const found = alertBudgetThreshold(labels, scores, daysOf(eventTimesMs), alerts_per_day)
      return { found, rule: `at most ${alerts_per_day} alerts a day` }
    }
    case 'min_precision': {
      const found = precisionFloorThreshold(labels, scores, precision_floor)
      return { found, rule: `the highest recall with a precision of at least ${precision_floor}` }
    }
  }
}

/** Days from the first row to the last, at least one. */
const daysOf = (timesMs: Float64Array): number => {
  const first = timesMs.reduce((least, timeMs) => Math.min(least, timeMs), Number.POSITIVE_INFINITY)
  const last = timesMs.reduce((most, timeMs) => Math.max(most, timeMs), Number.NEGATIVE_INFINITY)
  return Math.max(1, (last - first) / DAY_MS)
}
