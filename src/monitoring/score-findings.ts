import type { Finding } from '../alerts/alert-state.ts'
import type { ScoreDrift } from '../drift/drift-look.ts'
import { worstOf } from '../drift/severity.ts'
import { atMost } from './at-most.ts'
import type { Findings } from './find-in.ts'
import type { MonitorReport } from './monitor-report.ts'

/**
 * Scores that have moved, as alerts of the kind `score_drift`: one of all rows, which names the segments that
 * moved the same way with it, and one of each segment that all rows do not explain, since they did not move
 * or the other way.
 */
export const findScoreDrift = ({ looks }: MonitorReport): Findings => {
  const look = looks.at(-1)!
  if (look.basis === 'effects only') return { kinds: [], findings: [] }
  const { score } = look
  const moved = look.segments.filter((segment) => isMoved(segment, look))
  const isWhole = isMoved(score, look)
  const isExplained = ({ chart }: ScoreDrift): boolean =>
    isWhole && Math.sign(chart!.z) === Math.sign(score.chart!.z)
  return {
    kinds: ['score_drift'],
    findings: [
      ...(isWhole ? [findingOf(score, look, moved.filter(isExplained))] : []),
      ...moved.filter((segment) => !isExplained(segment)).map((segment) => findingOf(segment, look)),
    ],
  }
}

type Look = MonitorReport['looks'][number]

const isMoved = ({ chart, severity }: ScoreDrift, look: Look): boolean =>
  chart?.isBeyond === true && atMost(severity, look.severity) !== 'none'

const findingOf = (score: ScoreDrift, look: Look, within: readonly ScoreDrift[] = []): Finding => {
  const { chart, segment, direction } = score
  const severity = atMost(worstOf([score, ...within].map((each) => each.severity)), look.severity)
  const whose = segment === undefined ? 'Scores' : `Scores of ${segment}`
  return {
    kind: 'score_drift',
    segment: segment ?? '',
    severity,
    summary: `${whose} moved on ${look.date}: ${sharesOf(score)}`,
    details: [
      `${direction} (${Math.abs(chart!.z).toFixed(1)}, limit ${chart!.limit.toFixed(1)}).`,
      ...within.map((each) => `With them those of ${each.segment} (${each.severity}): ${sharesOf(each)}.`),
      'Hold the number of alerts against what analysts can review, before anybody changes the threshold.',
    ],
  }
}

const sharesOf = ({ alertRate, usualAlertRate, rows }: ScoreDrift): string =>
  `${percent(alertRate)} of ${rows} rows are alerts, where ${percent(usualAlertRate)} is usual`

const percent = (share: number): string =>
  Number.isNaN(share) ? 'an unknown share' : `${(100 * share).toFixed(2)} %`
