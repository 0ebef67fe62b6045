import { definedOrNull } from '../foundation/defined-or-null.ts'
import { type CalibrationBin, calibrationCurve } from './calibration-curve.ts'
import { checkScores } from './check-scores.ts'
import { type Confusion, confusionAt } from './confusion.ts'
import { type CostPoint, costCurve, hasCosts, NO_COSTS, type RowCosts } from './cost.ts'
import { type PrecisionRecallPoint, precisionRecallCurve, type RocPoint, rocCurve } from './curves.ts'
import type { ScoredRows } from './figure.ts'
import { allFiguresOf, type FigureValues, type PerfectValues, perfectFiguresOf } from './figures.ts'
import { type GainPoint, gainCurve } from './gain-curve.ts'
import { judgedRows, type NamedRows } from './judged-rows.ts'
import { type ScoreBin, scoreHistogram } from './score-histogram.ts'

/** Rows of one part of a split as they are read, with a model's scores. */
export interface RowsToEvaluate extends Omit<NamedRows, 'amountsMinor'> {
  /** Probability of fraud. */
  readonly scores: Float64Array
}

/** How finely curves are drawn. */
export interface CurveChoices {
  readonly curvePoints: number
  readonly histogramBins: number
}

/** How scored rows are judged. */
export interface EvaluationChoices extends CurveChoices {
  /** A row is flagged when its score is at least this. */
  readonly threshold: number
  /** Entities looked at a day. */
  readonly k: number
  /** Where days begin to be counted, each 24 hours: the start of the part, epoch milliseconds. */
  readonly firstDayMs: number
  /** Without them, or with all 0, no cost is told. */
  readonly costs?: RowCosts
}

/** Curves of scored rows: empty where what they need is not there. */
export interface Curves {
  readonly roc: readonly RocPoint[]
  readonly precisionRecall: readonly PrecisionRecallPoint[]
  readonly histogram: readonly ScoreBin[]
  /** At most ten bins of equal count. */
  readonly calibration: readonly CalibrationBin[]
  readonly gain: readonly GainPoint[]
  /** Mean cost of a row by threshold, in minor units; empty without a cost matrix. */
  readonly cost: readonly CostPoint[]
}

/**
 * What scores are worth on the rows of one part: every figure, null where it is not defined (no rows, one
 * class only), and the curves.
 */
export interface PartEvaluation extends FigureValues, PerfectValues, Curves {
  readonly rows: number
  readonly frauds: number
  /** Frauds per row: the average precision of a random model. */
  readonly fraudShare: number | null
  readonly confusion: Confusion
}

/**
 * Judges scored rows by every figure of `FIGURES`, and draws the curves. O(n log n).
 *
 * @throws EVALUATION_SCORE_INVALID, EVALUATION_LABEL_INVALID, EVALUATION_LENGTHS_DIFFER
 */
export const evaluate = (rows: RowsToEvaluate, choices: EvaluationChoices): PartEvaluation => {
  const { threshold, k, firstDayMs, costs } = choices
  const judged = judgedRows({ ...rows, ...costs }, firstDayMs)
  return evaluateScored(
    { ...judged, scores: rows.scores, threshold, k, costs: costs?.matrix ?? NO_COSTS },
    choices,
  )
}

/** The same of rows that are already prepared, as they are where several models are judged on them. */
export const evaluateScored = (rows: ScoredRows, choices: CurveChoices): PartEvaluation => {
  const { labels, scores, threshold } = rows
  checkScores(labels, scores)
  const confusion = confusionAt(labels, scores, threshold)
  const frauds = confusion.truePositive + confusion.falseNegative
  return {
    rows: labels.length,
    frauds,
    fraudShare: definedOrNull(frauds / labels.length),
    confusion,
    ...allFiguresOf(rows),
    ...perfectFiguresOf(rows),
    ...curvesOf(rows, choices),
  }
}

/** The figures alone: curves are for the report. */
export const withoutCurves = ({
  roc: _roc,
  precisionRecall: _precisionRecall,
  histogram: _histogram,
  calibration: _calibration,
  gain: _gain,
  cost: _cost,
  ...figures
}: PartEvaluation): Omit<PartEvaluation, keyof Curves> => figures

const curvesOf = (
  { labels, scores, costs: matrix, amountsMinor }: ScoredRows,
  { curvePoints, histogramBins }: CurveChoices,
): Curves => ({
  roc: rocCurve(labels, scores, curvePoints),
  precisionRecall: precisionRecallCurve(labels, scores, curvePoints),
  histogram: scoreHistogram(labels, scores, histogramBins),
  calibration: calibrationCurve(labels, scores),
  gain: gainCurve(labels, scores, curvePoints),
  cost: hasCosts(matrix) ? costCurve(labels, scores, { matrix, amountsMinor }, curvePoints) : [],
})
