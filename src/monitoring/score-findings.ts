import type { Finding } from '../alerts/alert-state.ts'
import type { ScoreDrift } from '../drift/drift-look.ts'
import { atMost } from './at-most.ts'
import type { Findings } from './find-in.ts'
import type { MonitorReport } from './monitor-report.ts'

/** Scores that have moved, of all rows and of each segment, as alerts of the kind `score_drift`. */
export const findScoreDrift = ({ looks }: MonitorReport): Findings => {
  const look = looks.at(-1)!
  if (look.basis === 'effects only') return { kinds: [], findings: [] }
  return {
    kinds: ['score_drift'],
    findings: [look.score, ...look.segments].flatMap((score) => findingOf(score, look)),
  }
}

const findingOf = (
  { chart, severity: found, segment, rows, alertRate, usualAlertRate, direction }: ScoreDrift,
  look: MonitorReport['looks'][number],
): readonly Finding[] => {
  const severity = atMost(found, look.severity)
  if (chart?.isBeyond !== true || severity === 'none') return []
  const whose = segment === undefined ? 'Scores' : `Scores of ${segment}`
  return [
    {
      kind: 'score_drift',
      segment: segment ?? '',
      severity,
      summary: `${whose} moved on ${look.date}: ${percent(alertRate)} of ${rows} rows are alerts, where ${percent(usualAlertRate)} is usual`,
      details: [
        `${direction} (${Math.abs(chart.z).toFixed(1)}, limit ${chart.limit.toFixed(1)}).`,
        'Hold the number of alerts against what analysts can review, before anybody changes the threshold.',
      ],
    },
  ]
}

const percent = (share: number): string =>
  Number.isNaN(share) ? 'an unknown share' : `${(100 * share).toFixed(2)} %`
