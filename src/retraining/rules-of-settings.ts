import type { RetrainingSettings } from '../config/sections/retraining.ts'
import { DAY_MS } from '../foundation/days.ts'
import { parseDuration } from '../foundation/duration.ts'
import { DEFAULT_RULES, type RetrainingRules } from './retraining-rules.ts'

/** The rules that settings mean. */
export const rulesOfSettings = (settings: RetrainingSettings): RetrainingRules => ({
  ...DEFAULT_RULES,
  leastSeverity: settings.least_severity,
  cooldownMs: parseDuration(settings.cooldown),
  budget: settings.budget,
  leastFrauds: settings.least_frauds,
  leastJudgedFrauds: settings.least_judged_frauds,
  matureShare: settings.mature_share,
  horizonDays: Math.max(1, Math.ceil(parseDuration(settings.label_horizon) / DAY_MS)),
  windowMs: parseDuration(settings.window),
  halfLifeMs: parseDuration(settings.half_life),
  alertsPerDay: settings.alerts_per_day,
  threshold: settings.threshold,
  shadowMs: parseDuration(settings.shadow),
  canaryMs: parseDuration(settings.canary),
  canaryShare: settings.canary_share,
  watchMs: parseDuration(settings.watch),
  alertRateLimits: [settings.alert_rate_limits[0]!, settings.alert_rate_limits[1]!],
  leastDecisions: settings.least_decisions,
})
