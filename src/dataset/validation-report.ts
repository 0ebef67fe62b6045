import type { ReadResult } from './read-source.ts'

export type Severity = 'info' | 'warning' | 'error'

/** A row that shows what a check found. */
export interface CheckExample {
  /** 1-based row in the source. */
  readonly sourceRow: number
  /** As text: untrusted, so escape it wherever it is shown. */
  readonly value: string
}

/** One question about the data and its answer. */
export interface ValidationCheck {
  /** Stable name: `missing.merchant_category`, `time.future`. */
  readonly id: string
  /** The question's subject in words. */
  readonly what: string
  /** How much a failure weighs. */
  readonly severity: Severity
  /** Setting that holds the threshold, or null where the contract itself is the threshold. */
  readonly setting: string | null
  /** What is allowed, for people: `at most 5 %`. */
  readonly allowed: string
  /** What was found; a share is a fraction of 1, an instant is ISO 8601. */
  readonly observed: number | string | null
  /** Rows concerned. */
  readonly rows: number
  /** Up to `validation.max_examples` rows, the first in the source first. */
  readonly examples: readonly CheckExample[]
  readonly passed: boolean
  /** What the figure alone does not say, for people: names, and what to do. Of the data: escape it. */
  readonly detail?: string
}

/** One column of the prepared dataset. */
export interface ColumnProfile {
  readonly name: string
  readonly type: string
  /** False when the source has nothing for it. */
  readonly mapped: boolean
  readonly missing: number
  readonly missingShare: number
  /** Distinct values; null where not counted (numbers and instants). */
  readonly distinct: number | null
}

/** One UTC day. */
export interface DayVolume {
  /** Epoch ms of its start. */
  readonly dayMs: number
  readonly accepted: number
  readonly quarantined: number
  readonly labelled: number
  readonly fraud: number
}

/** Amounts above 0 from `fromMinor` (inclusive) to `toMinor` (exclusive). */
export interface AmountBin {
  readonly fromMinor: number
  readonly toMinor: number
  readonly rows: number
}

/** What `vigia validate` found. The same data and settings give the same report, byte for byte. */
export interface ValidationReport {
  readonly version: 1
  /** Instant that counted as now, ISO 8601; null when there are no rows. */
  readonly asOf: string | null
  readonly firstEvent: string | null
  readonly lastEvent: string | null
  readonly read: ReadResult
  readonly columns: readonly ColumnProfile[]
  readonly days: readonly DayVolume[]
  readonly amounts: readonly AmountBin[]
  /** Rows that the histogram of amounts leaves out: those of 0, and refunds. */
  readonly zeroAmounts: number
  readonly refunds: number
  readonly checks: readonly ValidationCheck[]
  readonly failOn: Severity
  /** `failed` when a check of severity `failOn` or above failed. */
  readonly verdict: 'passed' | 'failed'
}
