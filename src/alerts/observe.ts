import { sha256 } from '../foundation/hash.ts'
import { ALERT_SEVERITIES, type AlertSeverity } from '../ports/alert-channel.ts'
import { type AlertSubject, dedupKeyOf } from './alert-key.ts'
import {
  type AlertRules,
  type AlertState,
  type Finding,
  type FoundSeverity,
  isFiring,
  RECENT_LOOKS,
  rankOf,
} from './alert-state.ts'

/** An alert of which nothing is known. */
export const unseen = (subject: AlertSubject, nowMs: number): AlertState => ({
  model: subject.model,
  kind: subject.kind,
  segment: subject.segment,
  key: dedupKeyOf(subject),
  status: 'ok',
  recent: [],
  summary: '',
  details: [],
  sinceMs: nowMs,
})

/** What is certain when it is seen once, and over when it is gone: a missing look, a channel that refuses. */
export const atOnce = (rules: AlertRules): AlertRules => {
  const once = { looks: 1, of: 1 }
  return { ...rules, confirm: { moderate: once, severe: once, critical: once }, recoveryLooks: 1 }
}

/**
 * An alert after one more look. Nothing is told here: `owedBy` says what the channels have to hear.
 *
 * - It fires at the worst severity that is confirmed: seen, at least so bad, in `looks` of the last `of`
 * looks.
 * - It eases to the worst of the last `recoveryLooks` looks when all of them were below its severity, and is
 *   resolved when all of them were clean. So what flaps goes on firing, and is told once.
 */
export const observe = (
  before: AlertState,
  finding: Pick<Finding, 'severity' | 'summary' | 'details'>,
  rules: AlertRules,
  nowMs: number,
): AlertState => {
  const looks = [...before.recent, finding.severity].slice(-RECENT_LOOKS)
  const severity = severityAfter(before, looks, rules)
  // What an episode was confirmed by does not confirm the next one.
  const recent = isFiring(before) && severity === undefined ? looks.slice(-1) : looks
  const status = statusOf(severity, finding.severity)
  const hasNews = finding.severity !== 'none'
  const { severity: _, acknowledged, episode, isForgotten, ...rest } = before
  const isNew = severity !== undefined && !isFiring(before)
  const isWorse = rankOf(severity) > rankOf(before.severity)
  const begun = isNew ? { id: episodeId(before.key, nowMs), startedMs: nowMs } : episode
  return {
    ...rest,
    status,
    recent,
    summary: hasNews ? finding.summary : before.summary,
    details: hasNews ? (finding.details ?? []) : before.details,
    sinceMs: status === before.status ? before.sinceMs : nowMs,
    // What is found again is needed again.
    ...(isForgotten === true && !hasNews && { isForgotten }),
    ...(severity !== undefined && { severity }),
    ...(begun !== undefined && { episode: begun }),
    // Whoever acknowledged it has not seen that it is worse.
    ...(acknowledged !== undefined && severity !== undefined && !isWorse && { acknowledged }),
  }
}

const severityAfter = (
  before: AlertState,
  recent: readonly FoundSeverity[],
  rules: AlertRules,
): AlertSeverity | undefined => {
  const confirmed = confirmedSeverity(recent, rules)
  if (!isFiring(before)) return confirmed
  if (rankOf(confirmed) > rankOf(before.severity)) return confirmed
  const last = recent.slice(-rules.recoveryLooks)
  const worst = Math.max(...last.map(rankOf))
  if (last.length < rules.recoveryLooks || worst >= rankOf(before.severity)) return before.severity
  return ALERT_SEVERITIES[worst - 1]
}

/** The worst severity that enough of the last looks reached, the last of them included. */
const confirmedSeverity = (
  recent: readonly FoundSeverity[],
  { confirm }: AlertRules,
): AlertSeverity | undefined =>
  ALERT_SEVERITIES.toReversed().find((severity) => {
    const { looks, of } = confirm[severity]
    const reached = (found: FoundSeverity): boolean => rankOf(found) >= rankOf(severity)
    return reached(recent.at(-1) ?? 'none') && recent.slice(-of).filter(reached).length >= looks
  })

const statusOf = (severity: AlertSeverity | undefined, found: FoundSeverity): AlertState['status'] => {
  if (severity !== undefined) return found === 'none' ? 'recovering' : 'firing'
  return found === 'none' ? 'ok' : 'pending'
}

/**
 * The same for whoever computes it again, so that a message that was lost with its process is not another.
 */
const episodeId = (key: string, startedMs: number): string => sha256(`${key} ${startedMs}`).slice(0, 24)
