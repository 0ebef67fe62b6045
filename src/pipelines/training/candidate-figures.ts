import type { TrainingSettings } from '../../config/training-config.ts'
import { averagePrecision } from '../../evaluation/average-precision.ts'
import { confusionAt, precisionOf, recallOf } from '../../evaluation/confusion.ts'
import { type CostMatrix, expectedCost, hasCosts, minCostThreshold } from '../../evaluation/cost.ts'
import { dailyPrecision } from '../../evaluation/daily-precision.ts'
import { logLoss } from '../../evaluation/probability-loss.ts'
import { rocAuc } from '../../evaluation/roc-auc.ts'
import type { CandidateFigures } from './evaluation-report.ts'
import type { FeatureRows } from './feature-rows.ts'

const DAY_MS = 86_400_000

/** How candidates are compared. */
export interface FigureChoices {
  /** Users looked at a day. */
  readonly k: number
  /** Where days begin to be counted; see `evaluate`. */
  readonly firstDayMs: number
  readonly costs: CostMatrix
}

/** The costs of the configuration. */
export const costMatrix = ({ evaluation }: Pick<TrainingSettings, 'evaluation'>): CostMatrix => ({
  falseAlarm: evaluation.costs.false_alarm,
  review: evaluation.costs.review,
  missedFraud: evaluation.costs.missed_fraud,
  missedFraudAmountShare: evaluation.costs.missed_fraud_amount_share,
})

/** Rows that scores are judged on. */
export type JudgedRows = Pick<FeatureRows, 'labels' | 'eventTimesMs' | 'userIds' | 'amountsMinor'>

/** Precision among the first `k` users of each day; NaN without rows. */
export const precisionAtK = (
  { labels, eventTimesMs, userIds }: JudgedRows,
  scores: Float64Array,
  { k, firstDayMs }: Omit<FigureChoices, 'costs'>,
): number => {
  const days = Int32Array.from(eventTimesMs, (timeMs) => Math.floor((timeMs - firstDayMs) / DAY_MS))
  return dailyPrecision({ days, entities: numbered(userIds), labels, scores }, k).mean
}

/**
 * What one candidate's probabilities and threshold are worth on `rows`; null where a figure is not defined.
 */
export const candidateFigures = (
  rows: JudgedRows,
  scores: Float64Array,
  threshold: number,
  choices: FigureChoices,
): CandidateFigures => {
  const { costs } = choices
  const { labels, amountsMinor } = rows
  const confusion = confusionAt(rows.labels, scores, threshold)
  return {
    rocAuc: defined(rocAuc(rows.labels, scores)),
    averagePrecision: defined(averagePrecision(rows.labels, scores)),
    precision: defined(precisionOf(confusion)),
    recall: defined(recallOf(confusion)),
    dailyPrecision: defined(precisionAtK(rows, scores, choices)),
    logLoss: defined(logLoss(rows.labels, scores)),
    expectedCost: hasCosts(costs)
      ? defined(expectedCost(labels, scores, threshold, { matrix: costs, amountsMinor }))
      : null,
  }
}

/** What `search.scoring` and `evaluation.choose_by` go by; NaN where it is not defined. */
export type Scoring = 'roc_auc' | 'average_precision' | 'precision_at_k' | 'expected_cost'

/** For people. */
export const SCORING_TITLES = {
  roc_auc: 'ROC-AUC',
  average_precision: 'average precision',
  precision_at_k: 'precision at k',
  expected_cost: 'expected cost',
} as const satisfies Readonly<Record<Scoring, string>>

/**
 * One figure of probabilities on rows whose first day is that of the first row; costs are those at the
 * cheapest threshold.
 */
export const scoringFigure = (
  scoring: Scoring,
  rows: JudgedRows,
  scores: Float64Array,
  settings: Pick<TrainingSettings, 'evaluation'>,
): number => {
  const { evaluation } = settings
  const firstDayMs = rows.eventTimesMs.reduce(
    (least, timeMs) => Math.min(least, timeMs),
    Number.POSITIVE_INFINITY,
  )
  if (scoring === 'roc_auc') return rocAuc(rows.labels, scores)
  if (scoring === 'average_precision') return averagePrecision(rows.labels, scores)
  if (scoring === 'expected_cost') {
    const costs = { matrix: costMatrix(settings), amountsMinor: rows.amountsMinor }
    return minCostThreshold(rows.labels, scores, costs)?.cost ?? Number.NaN
  }
  return precisionAtK(rows, scores, { k: evaluation.top_k, firstDayMs })
}

const defined = (value: number): number | null => (Number.isNaN(value) ? null : value)

/** A small number for each name: equal names, equal numbers. */
const numbered = (names: readonly string[]): Uint32Array => {
  const numbers = new Map<string, number>()
  return Uint32Array.from(names, (name) => {
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return number
  })
}
