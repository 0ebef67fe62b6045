import { nearestCountThreshold } from '../evaluation/threshold-rules.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { RetrainingRules } from './retraining-rules.ts'

/** Scores of whole days by one model, and the threshold that it has. */
export interface ScoredDays {
  readonly scores: Float64Array
  /** How many whole days they are of. */
  readonly days: number
  readonly present: number
}

/** A threshold that meets the alert budget on these days. */
export interface BudgetThreshold {
  readonly threshold: number
  readonly alertsPerDay: number
  /** What the present threshold raises a day on the same rows. */
  readonly presentAlertsPerDay: number
}

/** Days that a threshold is made from at most: a week has each weekday once. */
const MOST_DAYS = 7

/**
 * The latest whole days, as days since 1970, UTC, ascending: at most seven, since scores moved, and none
 * whose data were broken. Days before the change say nothing of it.
 */
export const daysOfThreshold = (
  { sinceMs, leftOutDays }: { readonly sinceMs: number; readonly leftOutDays: readonly number[] },
  nowMs: number,
): readonly number[] => {
  const last = Math.floor(nowMs / DAY_MS) - 1
  const first = Math.ceil(sinceMs / DAY_MS)
  const days: number[] = []
  for (let day = last; day >= first && days.length < MOST_DAYS; day--)
    if (!leftOutDays.includes(day)) days.unshift(day)
  return days
}

/** Why the present threshold stays, in words. */
export interface ThresholdKept {
  readonly kept: string
}

/**
 * The threshold whose number of alerts is nearest to the budget; of two as near the higher one. It stays as
 * it is where the present one meets the budget already, where decisions are too few, where the budget is more
 * than `mostFlagged` of them, and where no threshold comes within `budgetTolerance` of it: scores that are
 * equal are flagged together or not at all.
 *
 * Chance: the budget of one day is met the next day within a standard deviation of about the square root of
 * 2 / alertsPerDay, since each of the two days has its own; of more days the first part is less.
 */
export const thresholdToBudget = (
  { scores, days, present }: ScoredDays,
  rules: Pick<RetrainingRules, 'alertsPerDay' | 'budgetTolerance' | 'mostFlagged' | 'leastDecisions'>,
): BudgetThreshold | ThresholdKept => {
  const { alertsPerDay, budgetTolerance, mostFlagged, leastDecisions } = rules
  const rows = scores.length
  if (rows < leastDecisions || days === 0)
    return { kept: `${rows} decisions of ${days} whole days are too few: ${leastDecisions} are needed` }
  const wanted = alertsPerDay * days
  if (wanted > mostFlagged * rows)
    return {
      kept: `${alertsPerDay} alerts of ${(rows / days).toFixed(0)} decisions a day are more than ${100 * mostFlagged} % of them`,
    }
  const isMet = (alerts: number): boolean => Math.abs(alerts - wanted) <= budgetTolerance * wanted
  const presentAlerts = scores.filter((score) => score >= present).length
  const perDay = (alerts: number): string => (alerts / days).toFixed(1)
  if (isMet(presentAlerts))
    return { kept: `the present one, ${present}, raises ${perDay(presentAlerts)} alerts a day already` }
  const { threshold, count } = nearestCountThreshold(scores, wanted)
  if (!isMet(count))
    return {
      kept: `no threshold raises about ${alertsPerDay} alerts a day, since too many scores are equal: the nearest, ${threshold}, raises ${perDay(count)}`,
    }
  return {
    threshold,
    alertsPerDay: count / days,
    presentAlertsPerDay: presentAlerts / days,
  }
}
