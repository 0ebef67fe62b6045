import type { Look } from '../alerts/take-look.ts'
import { findDrift } from './drift-findings.ts'
import type { FindIn, Findings } from './find-in.ts'
import type { MonitorReport } from './monitor-report.ts'
import { PERFORMANCE, performanceFindings } from './performance-findings.ts'
import { DATA_QUALITY, qualityFindings } from './quality-findings.ts'
import { findScoreDrift } from './score-findings.ts'

/** A look that could not judge ends no alert. */
const judged = (kind: string, findings: Findings['findings']): Findings => ({
  kinds: findings.length > 0 ? [kind] : [],
  findings,
})

/** What a report is searched for, each in a file of its own. Another one is a line here. */
export const FINDERS: readonly FindIn[] = [
  findDrift,
  findScoreDrift,
  (report) => judged(PERFORMANCE, performanceFindings(report)),
  (report) => judged(DATA_QUALITY, qualityFindings(report)),
]

/** What a report says to the alerts: of its latest look, whatever those before it found. */
export const findingsOf = (report: MonitorReport, finders: readonly FindIn[] = FINDERS): Findings => {
  const all = finders.map((find) => find(report))
  return {
    kinds: [...new Set(all.flatMap(({ kinds }) => kinds))],
    findings: all.flatMap(({ findings }) => findings),
  }
}

/** Which of a model's looks these are, to the alerts. */
export const DAILY = 'daily'

/**
 * A report as a look that alerts take in. The day and the model are its name: whoever looks at the same day
 * again, a server and a command beside it, is heard once.
 */
export const lookOf = (report: MonitorReport, everyMs: number): Look => ({
  id: `${report.looks.at(-1)!.date} ${report.model.sha256.slice(0, 16)}`,
  model: report.model.name,
  monitor: DAILY,
  everyMs,
  ...findingsOf(report),
})
