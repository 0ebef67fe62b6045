import { DAY_MS } from '../foundation/days.ts'
import type { PlanRules } from './plan.ts'

/** When retraining waits, how long what is tried, and what ends it. All of it can be set. */
export interface RetrainingRules extends PlanRules {
  /** Looks in a row without a trigger after which the same one is another. */
  readonly quietLooks: number
  /** From the beginning of one triggered training to the next. */
  readonly cooldownMs: number
  /** Trainings that may begin within `budgetMs`, those that are scheduled too. */
  readonly budget: number
  readonly budgetMs: number
  /** Known frauds since the change that must be there to learn from, and others to compare on. */
  readonly leastFrauds: number
  readonly leastJudgedFrauds: number
  /** A day's labels are mature when this share of its frauds is known. */
  readonly matureShare: number
  /** After so many days all that will ever be known is known. */
  readonly horizonDays: number
  /** How far back a challenger learns. */
  readonly windowMs: number
  /** Longest half-life of a row's weight, where rows are weighed. */
  readonly halfLifeMs: number
  /** Rows that can be looked at each day. */
  readonly alertsPerDay: number
  /**
   * `apply`: a threshold that meets `alertsPerDay` goes in service when scores move; `propose`: it is told.
   */
  readonly threshold: 'propose' | 'apply'
  /** How far from `alertsPerDay` a threshold may be, as a part of it: then it meets it. */
  readonly budgetTolerance: number
  /** Greatest part of all decisions that a threshold to the budget may flag. */
  readonly mostFlagged: number
  /** Alerts of a threshold in service are counted over as many days as should have raised so many. */
  readonly leastExpectedAlerts: number
  /** How long a challenger scores beside, decides for `canaryShare` of the users, and is watched. */
  readonly shadowMs: number
  readonly canaryMs: number
  readonly canaryShare: number
  readonly watchMs: number
  /** Least and greatest part of the budget that a model in service may raise. */
  readonly alertRateLimits: readonly [least: number, greatest: number]
  /** Decisions below which rates of alerts say nothing. */
  readonly leastDecisions: number
  readonly resamples: number
  /** Failures of one step after which an episode ends. */
  readonly mostFailures: number
}

export const DEFAULT_RULES: RetrainingRules = {
  leastSeverity: 'severe',
  quietLooks: 3,
  cooldownMs: 7 * DAY_MS,
  budget: 4,
  budgetMs: 30 * DAY_MS,
  leastFrauds: 100,
  leastJudgedFrauds: 100,
  matureShare: 0.8,
  horizonDays: 90,
  windowMs: 180 * DAY_MS,
  halfLifeMs: 14 * DAY_MS,
  alertsPerDay: 100,
  threshold: 'propose',
  budgetTolerance: 0.1,
  mostFlagged: 0.2,
  leastExpectedAlerts: 50,
  shadowMs: 2 * DAY_MS,
  canaryMs: 3 * DAY_MS,
  canaryShare: 0.05,
  watchMs: 14 * DAY_MS,
  alertRateLimits: [0.5, 2],
  leastDecisions: 1000,
  resamples: 1000,
  mostFailures: 3,
}
