import { DAY_MS } from '../foundation/days.ts'
import type { MonitorReport } from '../monitoring/monitor-report.ts'
import type { RetrainingFinding, RetrainingLook } from '../retraining/finding.ts'
import { feedFaultOf, findingOfFaults, shiftOf } from '../retraining/findings-of.ts'
import { conceptOfPerformance } from './concept-of-performance.ts'

/** A look without the name that its model is registered under, which no report knows. */
export type FoundByLook = Omit<RetrainingLook, 'model'>

/**
 * A report of `monitorLog` as a look of retraining: what it found of its latest day, and the days whose data
 * were broken. The look is named by that day, so that several looks on one day, of a server and of a command,
 * are one.
 *
 * Faults are those that the data themselves were judged by; where their history was too short for that, those
 * that features show. Labels count that are of this model's own decisions: right after a promotion those of
 * the model before it are still the most.
 */
export const lookOfReport = (report: MonitorReport): FoundByLook => {
  const { quality, performance, looks } = report
  const latest = looks.at(-1)!
  const judged = quality.basis === 'judged' ? quality.days.at(-1) : undefined
  const found: readonly (RetrainingFinding | undefined)[] = [
    judged === undefined ? feedFaultOf(latest) : findingOfFaults(dayOf(judged.date), judged.faults),
    shiftOf(latest),
    performance?.watched.model === `${report.model.name} ${report.model.version}`
      ? conceptOfPerformance(performance)
      : undefined,
  ]
  return {
    id: `daily ${latest.date}`,
    champion: keyOf(report.model.sha256),
    findings: found.filter((finding) => finding !== undefined),
    brokenDays: quality.blockedDays.map(dayOf),
  }
}

/** By which decisions in the log name a model (`LoadedModel.key`). */
export const keyOf = (sha256: string): string => sha256.slice(0, 16)

const dayOf = (date: string): number => Date.parse(date) / DAY_MS
