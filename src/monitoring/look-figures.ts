import type { DriftSeverity } from '../drift/severity.ts'
import type { MonitorReport } from './monitor-report.ts'

/** What one look measured, for metrics and the tracker: plain data, null where there is no number. */
export interface LookFigures {
  readonly model: string
  readonly version: string
  /** The latest day that was looked at: `2026-11-30`. */
  readonly date: string
  readonly severity: DriftSeverity
  /** The furthest series, and what it is held against; null without a limit. */
  readonly statistic: number | null
  readonly limit: number | null
  readonly changedFeatures: number
  /** Of that day. */
  readonly rows: number
  readonly historyDays: number
  /** Share of scores at or above the threshold, and what is usual. */
  readonly alertRate: number | null
  readonly usualAlertRate: number | null
}

export const figuresOf = ({ model, looks, severity, changedCount }: MonitorReport): LookFigures => {
  const { date, statistic, limit, rows, historyDays, score } = looks.at(-1)!
  return {
    model: model.name,
    version: model.version,
    date,
    severity,
    statistic: numberOrNull(statistic),
    limit: numberOrNull(limit),
    changedFeatures: changedCount,
    rows,
    historyDays,
    alertRate: numberOrNull(score.alertRate),
    usualAlertRate: numberOrNull(score.usualAlertRate),
  }
}

const numberOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null)
