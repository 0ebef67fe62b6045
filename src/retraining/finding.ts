import type { DriftSeverity } from '../drift/severity.ts'

/** One thing that a look at a model found, as far as it says whether to train again. */
export type RetrainingFinding = DataFaultFound | ShiftFound | ConceptFound | ScheduleFound | RequestFound

/** Data that are broken: what is trained on them learns the fault. */
export interface DataFaultFound {
  readonly kind: 'data_fault'
  /** Such as `unit of amount`. */
  readonly faults: readonly string[]
  /** Whole days since 1970 whose rows are broken. */
  readonly days: readonly number[]
}

/** What comes in has changed. */
export interface ShiftFound {
  readonly kind: 'covariate_shift'
  readonly severity: DriftSeverity
  /** Whether scores moved with it, of all rows or of a segment. */
  readonly movedScores: boolean
  /** Since when, epoch milliseconds. */
  readonly sinceMs: number
  /** What changed, in words. */
  readonly what: string
}

/** What is fraud among transactions that look the same has changed: labels say so. */
export interface ConceptFound {
  readonly kind: 'concept_drift'
  readonly severity: DriftSeverity
  readonly sinceMs: number
  readonly what: string
}

/** It is time: nothing was found. */
export interface ScheduleFound {
  readonly kind: 'schedule'
  /** When it was due, epoch milliseconds. */
  readonly dueMs: number
}

/** Somebody asks for it. */
export interface RequestFound {
  readonly kind: 'request'
  /** Of its own, so that a request that is told twice is one. */
  readonly id: string
  readonly by: string
  readonly why: string
  /**
   * Labels of decisions since then are waited for, epoch milliseconds; null: of no decisions in particular.
   */
  readonly sinceMs: number | null
}

/** What an episode of retraining begins with. A data fault begins none that trains. */
export type TriggerKind = RetrainingFinding['kind']

/** All that one look at a model found. */
export interface RetrainingLook {
  /** A look that is told twice, as after a crash, counts once: `daily 2026-11-30`. */
  readonly id: string
  /** Registered name. */
  readonly model: string
  /** What decided: another champion has other triggers. A version, or the SHA-256 of an artifact. */
  readonly champion: string
  readonly findings: readonly RetrainingFinding[]
  /**
   * Whole days since 1970 whose data were broken, lately or on the day itself: nothing is learnt from them,
   * whatever it is trained for. Left out: nobody looked at the data.
   */
  readonly brokenDays?: readonly number[]
}
