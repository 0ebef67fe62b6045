import type { TrainingSettings } from '../../config/training-config.ts'
import type { CostMatrix } from '../../evaluation/cost.ts'
import type { JudgedRows, ScoredRows } from '../../evaluation/figure.ts'
import { figureNamed, type ScoringName } from '../../evaluation/figures.ts'
import { judgedRows } from '../../evaluation/judged-rows.ts'
import type { FeatureRows } from '../../fitting/feature-rows.ts'

/** The costs of the configuration. */
export const costMatrix = ({ evaluation }: Pick<TrainingSettings, 'evaluation'>): CostMatrix => ({
  falseAlarm: evaluation.costs.false_alarm,
  review: evaluation.costs.review,
  missedFraud: evaluation.costs.missed_fraud,
  missedFraudAmountShare: evaluation.costs.missed_fraud_amount_share,
})

/** What judging needs of the rows of a part. */
export type RowsToJudge = Pick<FeatureRows, 'labels' | 'eventTimesMs' | 'userIds' | 'amountsMinor'>

/** The rows ready to judge many models on; users are looked at, and days begin at `firstDayMs`. */
export const judgeRows = ({ userIds, ...rows }: RowsToJudge, firstDayMs: number): JudgedRows =>
  judgedRows({ ...rows, entities: userIds }, firstDayMs)

/** Judged rows with a model's scores and threshold, and `evaluation` of the settings. */
export const scoredRows = (
  rows: JudgedRows,
  scores: Float64Array,
  threshold: number,
  settings: Pick<TrainingSettings, 'evaluation'>,
): ScoredRows => ({
  ...rows,
  scores,
  threshold,
  k: settings.evaluation.top_k,
  costs: costMatrix(settings),
})

/**
 * What a search compares: the figure of scores on rows whose first day is that of the first row, at the best
 * threshold where it needs one. NaN where it is not defined.
 */
export const searchScore = (
  scoring: ScoringName,
  rows: RowsToJudge,
  scores: Float64Array,
  settings: Pick<TrainingSettings, 'evaluation'>,
): number => {
  const firstDayMs = rows.eventTimesMs.reduce(
    (least, timeMs) => Math.min(least, timeMs),
    Number.POSITIVE_INFINITY,
  )
  const { of, atBestThreshold } = figureNamed(scoring)
  const scored = scoredRows(judgeRows(rows, firstDayMs), scores, Number.NaN, settings)
  return atBestThreshold === undefined ? of(scored) : atBestThreshold(scored)
}
