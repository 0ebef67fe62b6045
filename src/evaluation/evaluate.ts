import { averagePrecision } from './average-precision.ts'
import { type CalibrationBin, calibrationCurve, calibrationError } from './calibration-curve.ts'
import { checkScores } from './check-scores.ts'
import { type Confusion, confusionAt, f1Of, precisionOf, recallOf } from './confusion.ts'
import { type CostPoint, costCurve, expectedCost, hasCosts, type RowCosts } from './cost.ts'
import { type PrecisionRecallPoint, precisionRecallCurve, type RocPoint, rocCurve } from './curves.ts'
import { dailyPrecision, perfectDailyPrecision } from './daily-precision.ts'
import { type GainPoint, gainCurve } from './gain-curve.ts'
import { brierScore, logLoss } from './probability-loss.ts'
import { rocAuc } from './roc-auc.ts'
import { type ScoreBin, scoreHistogram } from './score-histogram.ts'

/** Scored rows of one part of a split, one entry a row. */
export interface ScoredRows {
  /** 1 fraud, 0 genuine. */
  readonly labels: Uint8Array
  /** Probability of fraud. */
  readonly scores: Float64Array
  readonly eventTimesMs: Float64Array
  /** Who is looked at in `dailyPrecision`, for instance user ids. */
  readonly entities: readonly string[]
}

/** How scored rows are judged. */
export interface EvaluationChoices {
  /** A row is flagged when its score is at least this. */
  readonly threshold: number
  /** Entities looked at a day. */
  readonly k: number
  /**
   * Where the days of `dailyPrecision` begin to be counted, each 24 hours: the start of the part, epoch
   * milliseconds.
   */
  readonly firstDayMs: number
  readonly curvePoints: number
  readonly histogramBins: number
  /** Without them, or with all 0, no cost is told. */
  readonly costs?: RowCosts
}

/**
 * What scores are worth on the rows of one part; a figure is null where it is not defined (no rows, one class
 * only).
 */
export interface PartEvaluation {
  readonly rows: number
  readonly frauds: number
  /** Frauds per row: the average precision of a random model. */
  readonly fraudShare: number | null
  readonly rocAuc: number | null
  readonly averagePrecision: number | null
  readonly precision: number | null
  readonly recall: number | null
  readonly f1: number | null
  readonly confusion: Confusion
  readonly dailyPrecision: number | null
  /** What a perfect model reaches in `dailyPrecision` on these rows. */
  readonly perfectDailyPrecision: number | null
  readonly logLoss: number | null
  readonly brierScore: number | null
  readonly roc: readonly RocPoint[]
  readonly precisionRecall: readonly PrecisionRecallPoint[]
  readonly histogram: readonly ScoreBin[]
  /** At most ten bins of equal count. */
  readonly calibration: readonly CalibrationBin[]
  /** Expected calibration error over `calibration`. */
  readonly calibrationError: number | null
  readonly gain: readonly GainPoint[]
  /** Mean cost of a row by threshold, in minor units; empty without a cost matrix. */
  readonly cost: readonly CostPoint[]
  /** Mean cost of a row at the threshold, in minor units; null without a cost matrix. */
  readonly expectedCost: number | null
}

/**
 * Judges scored rows: ranking, decisions at the threshold, daily precision, quality of the probabilities,
 * curves. O(n log n).
 *
 * @throws EVALUATION_SCORE_INVALID, EVALUATION_LABEL_INVALID, EVALUATION_LENGTHS_DIFFER
 */
export const evaluate = (rows: ScoredRows, choices: EvaluationChoices): PartEvaluation => {
  const { labels, scores } = rows
  checkScores(labels, scores)
  const confusion = confusionAt(labels, scores, choices.threshold)
  const frauds = confusion.truePositive + confusion.falseNegative
  const calibration = calibrationCurve(labels, scores, CALIBRATION_BINS)
  const costs = choices.costs !== undefined && hasCosts(choices.costs.matrix) ? choices.costs : undefined
  const ranked = {
    days: daysSince(choices.firstDayMs, rows.eventTimesMs),
    entities: numbered(rows.entities),
    labels,
  }
  return {
    rows: labels.length,
    frauds,
    fraudShare: defined(frauds / labels.length),
    rocAuc: defined(rocAuc(labels, scores)),
    averagePrecision: defined(averagePrecision(labels, scores)),
    precision: defined(precisionOf(confusion)),
    recall: defined(recallOf(confusion)),
    f1: defined(f1Of(confusion)),
    confusion,
    dailyPrecision: defined(dailyPrecision({ ...ranked, scores }, choices.k).mean),
    perfectDailyPrecision: defined(perfectDailyPrecision(ranked, choices.k)),
    logLoss: defined(logLoss(labels, scores)),
    brierScore: defined(brierScore(labels, scores)),
    roc: rocCurve(labels, scores, choices.curvePoints),
    precisionRecall: precisionRecallCurve(labels, scores, choices.curvePoints),
    histogram: scoreHistogram(labels, scores, choices.histogramBins),
    calibration,
    calibrationError: defined(calibrationError(calibration)),
    gain: gainCurve(labels, scores, choices.curvePoints),
    cost: costs === undefined ? [] : costCurve(labels, scores, costs, choices.curvePoints),
    expectedCost:
      costs === undefined ? null : defined(expectedCost(labels, scores, choices.threshold, costs)),
  }
}

const CALIBRATION_BINS = 10

const DAY_MS = 86_400_000

const defined = (value: number): number | null => (Number.isNaN(value) ? null : value)

const daysSince = (firstDayMs: number, eventTimesMs: Float64Array): Int32Array =>
  Int32Array.from(eventTimesMs, (timeMs) => Math.floor((timeMs - firstDayMs) / DAY_MS))

/** A small number for each name: equal names, equal numbers. */
const numbered = (names: readonly string[]): Uint32Array => {
  const numbers = new Map<string, number>()
  return Uint32Array.from(names, (name) => {
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return number
  })
}
