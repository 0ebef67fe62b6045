import { DAY_MS } from '../foundation/days.ts'
import type { RecordFigure } from './episode.ts'
import type { RetrainingRules } from './retraining-rules.ts'
import type { AdjustedTraffic } from './retraining-works.ts'

type Judging = Pick<
  RetrainingRules,
  'alertsPerDay' | 'alertRateLimits' | 'leastDecisions' | 'leastExpectedAlerts'
>

/** What service says of a threshold to the budget. */
export interface AlertsVerdict {
  /** Why it has to go; undefined: it may stay. */
  readonly against: string | undefined
  readonly figures: Readonly<Record<string, RecordFigure>>
}

/**
 * How many of the latest days alerts are counted over: as many as should have raised `leastExpectedAlerts`,
 * so that chance alone hardly halves or doubles them (of 50, once in 29,000 looks).
 */
export const countedMs = ({
  alertsPerDay,
  leastExpectedAlerts,
}: Pick<Judging, 'alertsPerDay' | 'leastExpectedAlerts'>): number =>
  Math.max(1, Math.ceil(leastExpectedAlerts / alertsPerDay)) * DAY_MS

/**
 * Whether a threshold that was to meet the budget raises more or fewer alerts than `alertRateLimits` allow,
 * and the one before it would come nearer: where both are beyond, to go back would make it worse.
 *
 * Too many are told before the time is over, since they are too many already; too few only after it.
 *
 * @param traffic of at most `countedMs` before now
 * @param servedForMs how long the threshold has been in service
 */
export const judgeAlerts = (
  { decisions, alerts, alertsBefore }: AdjustedTraffic,
  judging: Judging,
  servedForMs: number,
): AlertsVerdict => {
  const { alertsPerDay, alertRateLimits, leastDecisions } = judging
  const [least, greatest] = alertRateLimits
  const overMs = countedMs(judging)
  const expected = (alertsPerDay * overMs) / DAY_MS
  const figures = { decisions, alerts, alertsBefore, expected }
  if (decisions < leastDecisions) return { against: undefined, figures }
  const isTooMany = alerts > greatest * expected
  const isTooFew = servedForMs >= overMs && alerts < least * expected
  const isNearer = apart(alertsBefore, expected) < apart(alerts, expected)
  if (!(isTooMany || isTooFew) || !isNearer) return { against: undefined, figures }
  return {
    against: `it raised ${alerts} alerts where ${expected} were to be, and the threshold before would have raised ${alertsBefore}`,
    figures,
  }
}

/** How many times more or less; a count of none as half an alert, so that it is finite. */
const apart = (count: number, expected: number): number => {
  const ratio = Math.max(0.5, count) / expected
  return Math.max(ratio, 1 / ratio)
}
