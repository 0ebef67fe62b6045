import { type LoadedModel, pinnedSource } from '../decisions/loaded-model.ts'
import { DAY_MS } from '../foundation/days.ts'
import { calibrate } from '../learning/calibration/calibration.ts'
import { type Recalibration, recalibrate } from '../learning/calibration/recalibrate.ts'
import { createModelScorer } from '../model/scorer.ts'
import type { FlaggedTreatment } from '../performance/logged-events.ts'
import type { Episode, ThresholdProposal } from '../retraining/episode.ts'
import { matureDaysOf } from '../retraining/label-readiness.ts'
import type { RetrainingRules } from '../retraining/retraining-rules.ts'
import { daysOfThreshold, type ThresholdKept, thresholdToBudget } from '../retraining/threshold-to-budget.ts'
import type { ToldDecision } from './decisions-of-log.ts'
import type { EachOwnDecision } from './own-decisions.ts'
import { decidedRowsOf } from './served-figures.ts'

/** What a threshold is proposed from. */
export interface ThresholdOfService {
  readonly champion: LoadedModel
  /** Decisions of [fromMs, toMs) with what was told of them by `asOfMs`. */
  readonly told: (fromMs: number, toMs: number, asOfMs: number) => Promise<readonly ToldDecision[]>
  readonly eachOwn: EachOwnDecision
  /** As `labels.flagged` of training has it. */
  readonly flagged: FlaggedTreatment
}

/**
 * A threshold to the alert budget from what the champion itself has decided since its scores moved.
 *
 * Where enough labels of those decisions have matured, its probabilities are calibrated anew first; of what
 * nobody told, what was flagged says nothing and the rest is genuine. Else its calibration stays, and the
 * answer says why.
 */
export const proposeThreshold = async (
  service: ThresholdOfService,
  { changedMs, movedMs = changedMs, leftOutDays }: Episode,
  rules: RetrainingRules,
  nowMs: number,
): Promise<ThresholdProposal | ThresholdKept> => {
  const { champion, told } = service
  const sinceMs = movedMs ?? nowMs - rules.windowMs
  const own = (await told(sinceMs, nowMs, nowMs)).filter(({ decision }) => decision.model === champion.key)
  const days = daysOfThreshold({ sinceMs, leftOutDays }, nowMs)
  const dayOf = ({ decision }: ToldDecision): number => Math.floor(decision.transaction.eventTimeMs / DAY_MS)
  const counted = own.filter((row) => days.includes(dayOf(row)))
  const whole = own.filter((row) => !leftOutDays.includes(dayOf(row)))
  const { calibration, why, scoreOf } = await calibratedAnew(service, whole, sinceMs, rules, nowMs)
  const present = champion.scorer.threshold
  const scores = Float64Array.from(counted, scoreOf)
  const presentRescaled = calibration === null ? present : rescaled(counted, present, scores)
  const answer = thresholdToBudget({ scores, days: days.length, present: presentRescaled }, rules)
  if ('kept' in answer) return answer
  return {
    threshold: answer.threshold,
    present,
    alertsPerDay: answer.alertsPerDay,
    presentAlertsPerDay: answer.presentAlertsPerDay,
    rows: scores.length,
    days: days.length,
    champion: pinnedSource(champion),
    calibration,
    calibrationWhy: why,
    presentRescaled,
  }
}

/** Platt's numbers, or null; and the probability that a decision has with them. */
interface CalibratedAnew {
  readonly calibration: ThresholdProposal['calibration']
  readonly why: string
  readonly scoreOf: (row: ToldDecision) => number
}

const calibratedAnew = async (
  { champion, told, eachOwn, flagged }: ThresholdOfService,
  own: readonly ToldDecision[],
  sinceMs: number,
  rules: RetrainingRules,
  nowMs: number,
): Promise<CalibratedAnew> => {
  const asLogged = ({ decision }: ToldDecision): number => decision.probability
  const stays = (why: string): CalibratedAnew => ({ calibration: null, why, scoreOf: asLogged })
  const known = fraudsOf(own)
  const few = (frauds: number, which: string): CalibratedAnew =>
    stays(`it stays: ${frauds} of ${rules.leastFrauds} frauds since the change are ${which}`)
  if (known < rules.leastFrauds) return few(known, 'known')
  const matureDays = matureDaysOf(
    decidedRowsOf(await told(nowMs - rules.windowMs, nowMs, nowMs), flagged),
    nowMs,
    rules,
  )
  const matured = own.filter(
    ({ decision, isFraud }) =>
      decision.transaction.eventTimeMs < nowMs - matureDays * DAY_MS &&
      (isFraud !== null || !decision.isFlagged),
  )
  const frauds = fraudsOf(matured)
  if (frauds < rules.leastFrauds) return few(frauds, 'of days whose labels have matured')
  if (frauds === matured.length) return stays('it stays: all that is known since the change is fraud')
  const raw = await rawScores({ champion, eachOwn }, { fromMs: sinceMs, toMs: nowMs })
  const rawOf = ({ decision }: ToldDecision): number => raw.get(decision.transaction.transactionId)!
  const made: Recalibration = recalibrate(
    Uint8Array.from(matured, ({ isFraud }) => Number(isFraud === true)),
    Float64Array.from(matured, rawOf),
    champion.artifact.manifest.calibration,
  )
  const { calibration, why } = made
  if (calibration === null) return stays(why)
  const { slope, intercept } = calibration
  return { calibration: { slope, intercept }, why, scoreOf: (row) => calibrate(calibration, rawOf(row)) }
}

const fraudsOf = (rows: readonly ToldDecision[]): number =>
  rows.filter(({ isFraud }) => isFraud === true).length

/** Probabilities before calibration, by transaction; of the first decision on each. */
const rawScores = async (
  { champion, eachOwn }: Pick<ThresholdOfService, 'champion' | 'eachOwn'>,
  within: { readonly fromMs: number; readonly toMs: number },
): Promise<ReadonlyMap<string, number>> => {
  const scorer = createModelScorer(champion.artifact.model, { method: 'none' })
  const raw = new Map<string, number>()
  await eachOwn(champion, within, ({ transaction: { transactionId } }, features) => {
    if (!raw.has(transactionId)) raw.set(transactionId, scorer.scoreOne(features))
  })
  return raw
}

/** The lowest new score of what the present threshold flags; 1 where it flags nothing. */
const rescaled = (rows: readonly ToldDecision[], present: number, scores: Float64Array): number =>
  rows.reduce(
    (least, { decision }, row) => (decision.probability >= present ? Math.min(least, scores[row]!) : least),
    1,
  )
