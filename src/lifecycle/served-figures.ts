import { reachesThreshold } from '../decisions/control-sample.ts'
import { DAY_MS } from '../foundation/days.ts'
import { numbered } from '../foundation/numbered.ts'
import { type DecidedRows, decidedRows } from '../performance/decided-rows.ts'
import { type FlaggedTreatment, propensityOf } from '../performance/logged-events.ts'
import type { ThresholdProposal } from '../retraining/episode.ts'
import type { AdjustedTraffic, ServedTraffic } from '../retraining/retraining-works.ts'
import type { ToldDecision } from './decisions-of-log.ts'

/**
 * Logged decisions as the performance engine reads them: the model's word counts as flagged, also where it
 * was let through, and the propensity is the chance by which the truth of a row became known.
 */
export const decidedRowsOf = (told: readonly ToldDecision[], flagged: FlaggedTreatment): DecidedRows =>
  decidedRows(
    told.map(({ decision, isFraud, toldMs, origin }) => ({
      decidedAtMs: decision.transaction.eventTimeMs,
      score: decision.probability,
      flagged: reachesThreshold(decision),
      amountMinor: Math.abs(decision.transaction.amountMinor),
      segment: decision.transaction.transactionType ?? '',
      label: isFraud === null ? null : isFraud ? 1 : 0,
      knownAtMs: isFraud === null ? null : toldMs,
      origin,
      propensity: propensityOf(decision, flagged),
    })),
  )

/** Two models, by the keys that log records have. */
export interface PairOfKeys {
  readonly champion: string
  readonly challenger: string
}

/**
 * What both models did with the decisions that one of them made and the other scored beside, in whichever of
 * the two places.
 *
 * Pairs are those that have matured: older than `matureMs` before `asOfMs`. Of those nobody told of, what
 * neither flagged is genuine; what one of them flagged was blocked or never looked at, and is left out,
 * unless it was let through: then it is genuine too. Alerts are those of the models' word.
 */
export const servedTraffic = (
  told: readonly ToldDecision[],
  keys: PairOfKeys,
  { asOfMs, matureMs }: { readonly asOfMs: number; readonly matureMs: number },
): ServedTraffic => {
  const both = told.flatMap((row): readonly JudgedPair[] => {
    const { decision } = row
    const { shadow } = decision
    if (shadow === undefined) return []
    const own = { probability: decision.probability, isFlagged: reachesThreshold(decision) }
    if (decision.model === keys.champion && shadow.model === keys.challenger)
      return [{ row, champion: own, challenger: shadow }]
    if (decision.model === keys.challenger && shadow.model === keys.champion)
      return [{ row, champion: shadow, challenger: own }]
    return []
  })
  const judged = both.filter(({ row, champion, challenger }) => {
    if (row.decision.transaction.eventTimeMs >= asOfMs - matureMs) return false
    if (row.isFraud !== null || row.decision.controlSample?.drawn === 'let_through') return true
    return !champion.isFlagged && !challenger.isFlagged
  })
  let [firstMs, lastMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { row } of both) {
    firstMs = Math.min(firstMs, row.decision.transaction.eventTimeMs)
    lastMs = Math.max(lastMs, row.decision.transaction.eventTimeMs)
  }
  const alertsOf = (which: 'champion' | 'challenger'): number =>
    both.filter((each) => each[which].isFlagged).length
  return {
    decisions: both.length,
    days: Math.max(1 / 24, (lastMs - firstMs) / DAY_MS),
    championAlerts: alertsOf('champion'),
    challengerAlerts: alertsOf('challenger'),
    pairs: judged.length === 0 ? undefined : pairsOf(judged),
  }
}

interface JudgedPair {
  readonly row: ToldDecision
  readonly champion: Scored
  readonly challenger: Scored
}

interface Scored {
  readonly probability: number
  readonly isFlagged: boolean
}

const pairsOf = (judged: readonly JudgedPair[]): ServedTraffic['pairs'] => ({
  labels: Uint8Array.from(judged, ({ row }) => Number(row.isFraud === true)),
  users: numbered(judged.map(({ row: { decision } }) => userOf(decision.transaction))),
  days: Int32Array.from(judged, ({ row }) => Math.floor(row.decision.transaction.eventTimeMs / DAY_MS)),
  amountsMinor: judged.map(({ row }) => Math.abs(row.decision.transaction.amountMinor)),
  champion: Float64Array.from(judged, ({ champion }) => champion.probability),
  challenger: Float64Array.from(judged, ({ challenger }) => challenger.probability),
})

/** Each transaction is its own user where the bank knows none. */
const userOf = ({
  userId,
  transactionId,
}: {
  readonly userId?: string | undefined
  readonly transactionId: string
}): string => userId ?? transactionId

/**
 * What a champion with another threshold decided, and what it would have by the threshold before: counted by
 * probabilities, whatever was let through.
 *
 * @param key of that champion
 */
export const adjustedTraffic = (
  told: readonly ToldDecision[],
  key: string,
  { threshold, presentRescaled }: Pick<ThresholdProposal, 'threshold' | 'presentRescaled'>,
): AdjustedTraffic => {
  const scores = told.flatMap(({ decision }) => (decision.model === key ? [decision.probability] : []))
  const reaching = (least: number): number => scores.filter((score) => score >= least).length
  return { decisions: scores.length, alerts: reaching(threshold), alertsBefore: reaching(presentRescaled) }
}
