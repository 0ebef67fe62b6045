import type { Finding } from '../alerts/alert-state.ts'
import type { MonitorReport } from './monitor-report.ts'

/** What one part of a look says to the alerts. */
export interface Findings {
  /**
   * What was looked at: an alert of these kinds that is not among the findings was found clean. None where
   * the look could not judge, so that it ends no alert either.
   */
  readonly kinds: readonly string[]
  readonly findings: readonly Finding[]
}

/** Finds what it knows of in a report. */
export type FindIn = (report: MonitorReport) => Findings
