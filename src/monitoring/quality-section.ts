import type { DriftSeverity } from '../drift/severity.ts'
import type { DataFault } from '../quality/data-fault.ts'

/** What was found in the data of one day. */
export interface QualityDay {
  readonly date: string
  readonly rows: number
  /** Gravest kinds first. */
  readonly faults: readonly DataFault[]
  readonly severity: DriftSeverity
  /** What was found would be learnt, so no model must be trained on the rows of the day. */
  readonly blocksRetraining: boolean
}

/** Whether what came in was whole: fields, units, repeats, hours. */
export interface QualitySection {
  /** `short`: fewer than two weeks of days before, nothing is judged. */
  readonly basis: 'judged' | 'short'
  /** Days without faults that the latest day was held against, of the eight weeks before it. */
  readonly historyDays: number
  /** The days that are looked at, ascending; those on which nothing came at all too. */
  readonly days: readonly QualityDay[]
  /** Of the latest day. */
  readonly severity: DriftSeverity
  /** Days of the last eight weeks with faults that nothing must be learnt from, ascending. */
  readonly blockedDays: readonly string[]
  /** What it found on the latest day, in words. */
  readonly reasons: readonly string[]
  /** What the log cannot tell. */
  readonly notes: readonly string[]
}

/** Data that nobody judged, and why, in sentences. */
export const unjudgedQuality = (notes: readonly string[] = []): QualitySection => ({
  basis: 'short',
  historyDays: 0,
  days: [],
  severity: 'none',
  blockedDays: [],
  reasons: [],
  notes,
})
