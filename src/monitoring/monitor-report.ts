import type { DriftLook } from '../drift/drift-look.ts'
import type { DriftSeverity } from '../drift/severity.ts'
import type { DayOfFeature } from './over-time.ts'
import type { PerformanceSection } from './performance-section.ts'
import type { QualitySection } from './quality-section.ts'

/** Transactions of the latest day that show what has changed. */
export interface ChangedRow {
  readonly feature: string
  readonly transactionId: string
  /** Number of the decision in the log. */
  readonly sequence: number
  /** What the value says, in words. */
  readonly text: string
  /** Calibrated probability of fraud, in [0, 1]. */
  readonly probability: number
}

/** A feature beyond its limit at the latest look. */
export interface ChangedFeature {
  readonly feature: string
  /** Its share in what moves the scores; null where the artifact does not say. */
  readonly importance: number | null
  /** What codes stand for, by code; empty for numbers. */
  readonly categories: Readonly<Record<string, string>>
  readonly overTime: readonly DayOfFeature[]
  readonly examples: readonly ChangedRow[]
}

/** One day of the history or of the looks. */
export interface ReportedDay {
  readonly date: string
  readonly rows: number
  /** Share of scores at or above the threshold; null where nothing was scored. */
  readonly alertRate: number | null
  /** `training`: of the model's artifact. `history`: of the log, before the looks. */
  readonly part: 'training' | 'history' | 'looked at'
}

/** What `vigia monitor` found: what its page, its text and its JSON show. */
export interface MonitorReport {
  readonly schema: 1
  readonly model: {
    readonly name: string
    readonly version: string
    readonly sha256: string
    readonly threshold: number
  }
  /** Folders of logs. */
  readonly source: readonly string[]
  readonly rows: number
  /** Decisions in no day: on transactions of too long ago, and by models without all features of this one. */
  readonly left: { readonly tooOld: number; readonly unreadable: number }
  /** The day that goes on and is not looked at. */
  readonly unfinished: { readonly date: string; readonly rows: number } | null
  /** Ascending. */
  readonly days: readonly ReportedDay[]
  /** Ascending; `date` of each. */
  readonly looks: readonly (DriftLook & { readonly date: string })[]
  /** How good the decisions were; null where no day of decisions is over. */
  readonly performance: PerformanceSection | null
  /** Whether what came in was whole. */
  readonly quality: QualitySection
  /** The worst of the latest look at drift, of performance and of quality. */
  readonly severity: DriftSeverity
  /** Beyond their limit at the latest look, those furthest first; ten at most. */
  readonly changed: readonly ChangedFeature[]
  /** How many are beyond it. */
  readonly changedCount: number
  /** What to do about it, the most urgent first. */
  readonly advice: readonly string[]
}

/** The report as JSON: what is no number (nothing to measure) is null. */
export const monitorJson = (report: MonitorReport): string =>
  `${JSON.stringify(report, (_key, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? null : value), 2)}\n`
