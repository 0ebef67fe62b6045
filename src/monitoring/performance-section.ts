import type { DriftSeverity } from '../drift/severity.ts'
import type { CohortFigure } from '../performance/cohorts.ts'
import type { Origin } from '../performance/decided-rows.ts'
import type { Estimate } from '../performance/estimate.ts'
import type { ExpectedFigures } from '../performance/expected-figures.ts'
import type { OriginLabels } from '../performance/labels-by-origin.ts'
import type { FiguresBySegment } from '../performance/money-figures.ts'

/** Decisions of a stretch of days. */
export interface ReportedCohort {
  /** First and last day. */
  readonly from: string
  readonly to: string
  readonly rows: number
  readonly flagged: number
  /** Share of the frauds that is known by now, by stratum; NaN where no delay could be learnt. */
  readonly knownShare: { readonly flagged: number; readonly missed: number }
  readonly observed: Readonly<Record<CohortFigure, number>>
  /** Null while too little is known to say. */
  readonly projected: Readonly<Record<CohortFigure, Estimate>> | null
}

/** How soon frauds become known. */
export interface ReportedMaturity {
  /**
   * `learnt`: from frauds of the log. `short`: from them too, of a log that is younger than the slowest
   * labels: what becomes known later is in no projection. `assumed`: too few frauds are known; decisions are
   * mature after `labels.delay` of the model, and nothing is projected.
   */
  readonly basis: 'learnt' | 'short' | 'assumed'
  /** Days after which nothing more is expected: those of the oldest decision, at most 120. */
  readonly horizonDays: number
  /** From this age on decisions count as mature: nine tenths of the missed frauds are known. */
  readonly matureDays: number
  readonly flagged: StratumMaturity | null
  readonly missed: StratumMaturity | null
}

export interface StratumMaturity {
  readonly frauds: number
  /** Days until half and nine tenths are known. */
  readonly halfDays: number
  readonly mostDays: number
  /** By the end of d + 1 days. */
  readonly knownShare: readonly number[]
}

/** Mature decisions in a band of scores. */
export interface CalibrationBand {
  /** Inclusive. */
  readonly from: number
  readonly to: number
  readonly rows: number
  /** Mean score: the share of frauds that was announced. */
  readonly announced: number
  readonly observed: Estimate
}

/** One day of a rate that is watched. */
export interface ReportedRateDay {
  readonly date: string
  readonly rows: number
  readonly frauds: number
  /** Frauds that the baseline expects, and where it expects 95 % of days like it. */
  readonly expected: number
  readonly low: number
  readonly high: number
  /** Null on days that the baseline was learnt from. */
  readonly evidence: number | null
  readonly cusum: number | null
}

/** A rate that is watched. */
export interface ReportedRate {
  /** As in `WatchedRate`. */
  readonly name: string
  /** In words. */
  readonly title: string
  readonly weight: number
  /** Of its baseline: observed for each expected. */
  readonly usual: Estimate
  readonly baselineDays: number
  /** Observed for each that the baseline expects, on the last seven days; NaN without one. */
  readonly recent: number
  readonly recentFrauds: number
  readonly recentRows: number
  readonly evidence: number
  readonly cusum: number
  /** The latest 180 days at most. */
  readonly days: readonly ReportedRateDay[]
}

/** Tests on the decisions of all, or of one segment. */
export interface WatchSection {
  /** Empty: all. */
  readonly segment: string
  /** `learning`: every day that has settled is still part of the baseline. `short`: there is none yet. */
  readonly status: 'watched' | 'learning' | 'short'
  readonly isAlarm: boolean
  /** To be compared with `limit`, the days until a false alarm. */
  readonly evidence: number
  readonly limit: number
  readonly severity: DriftSeverity
  /** What it found, in words. */
  readonly reasons: readonly string[]
  readonly rates: readonly ReportedRate[]
}

/** How good the decisions of a log were, as far as labels tell by now. */
export interface PerformanceSection {
  /** Labels that were known before this day began, of decisions before it. */
  readonly asOf: string
  readonly decisions: number
  /** Labels by who told them; `toldGenuine`: besides, of decisions that nobody had flagged. */
  readonly labels: Readonly<Record<Origin, OriginLabels>> & { readonly toldGenuine: number }
  readonly maturity: ReportedMaturity
  /** Ascending: the latest 26 weeks and 28 days. */
  readonly weeks: readonly ReportedCohort[]
  readonly days: readonly ReportedCohort[]
  /** The last 28 days that are mature; null where none is. */
  readonly mature: {
    readonly from: string
    readonly to: string
    /** Of which amounts are added up; null where decisions have none. */
    readonly currency: string | null
    readonly figures: FiguresBySegment
  } | null
  readonly calibration: readonly CalibrationBand[]
  /** What the scores of the latest seven days announce, if they are right: it comes with its caveat. */
  readonly expected: ExpectedFigures
  /** The model whose decisions are watched, and since when it makes most of them. */
  readonly watched: { readonly model: string; readonly since: string }
  /** All first, then segments with enough frauds. */
  readonly watches: readonly WatchSection[]
  readonly severity: DriftSeverity
  readonly reasons: readonly string[]
  /** What was assumed, and what could not be said. */
  readonly notes: readonly string[]
}
