import type { DriftEffect } from './effects.ts'
import type { FeatureTests } from './feature-tests.ts'
import type { DriftSeverity } from './severity.ts'

/** The series of a feature, segment or the score that is furthest from what was expected. */
export interface ChartVerdict {
  /** Such as `mean`, `share above q99`, `share of category 7`. */
  readonly series: string
  /** Normal score of how far it is off, on the jump chart or the smoothed one: the further of the two. */
  readonly z: number
  readonly chart: 'jump' | 'smoothed'
  /** What all series of a look exceed with the allowed probability. */
  readonly limit: number
  readonly isBeyond: boolean
}

/** One feature at a look. */
export interface FeatureDrift {
  readonly feature: string
  readonly kind: 'numeric' | 'categorical'
  /** Against the reference of training. They decide nothing. */
  readonly tests: FeatureTests
  /** Against the same weekday of the recent history, or against the reference where there is none. */
  readonly effect: DriftEffect
  /** Of the last seven days together, against the reference: no weekday is one for the other six. */
  readonly sinceTraining: DriftEffect
  /** Undefined without enough history, and where the day has no values of the feature. */
  readonly chart: ChartVerdict | undefined
  /** `none` where the chart is not beyond its limit, whatever the effect. */
  readonly severity: DriftSeverity
  /** In words: what the furthest series did. Empty without a chart. */
  readonly direction: string
}

/** The score, of all rows or of a segment, at a look. */
export interface ScoreDrift {
  /** Undefined: of all rows. */
  readonly segment: string | undefined
  readonly rows: number
  readonly effect: DriftEffect
  /** Share of scores at or above the threshold; NaN without a threshold or rows. */
  readonly alertRate: number
  /** Of the base that effects are against. */
  readonly usualAlertRate: number
  readonly chart: ChartVerdict | undefined
  readonly severity: DriftSeverity
  readonly direction: string
}

/** One look at a day. */
export interface DriftLook {
  readonly day: number
  readonly rows: number
  /**
   * What decided: the chart, or nothing yet, because the history is too short: then there are effects only.
   */
  readonly basis: 'chart' | 'effects only'
  /** Whether any series is beyond the limit: false alarms are counted by this. */
  readonly isRaised: boolean
  /** The largest chart value of all series; NaN without a chart. */
  readonly statistic: number
  readonly limit: number
  /** Days of history behind the limit; without one, of enough rows to count towards it. */
  readonly historyDays: number
  /** What was found, by effect. */
  readonly found: DriftSeverity
  /** What is told: `severe` needs confirmation by the days before. */
  readonly severity: DriftSeverity
  /** The verdict in sentences, the weightiest first. */
  readonly reasons: readonly string[]
  /** In the order of the reference. */
  readonly features: readonly FeatureDrift[]
  readonly score: ScoreDrift
  readonly segments: readonly ScoreDrift[]
}
