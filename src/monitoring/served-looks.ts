import type { ServedModel } from '../decisions/inference-pipeline.ts'
import type { LookFigures } from './look-figures.ts'

/** One look that was to be taken, as an auditor reads of it. */
export interface LookRun {
  readonly scheduledForMs: number
  /** From 1: a look that failed or was cut short is taken again. */
  readonly attempt: number
  /** The process. */
  readonly by: string
  readonly startedMs: number
  readonly endedMs: number | null
  readonly outcome: 'under way' | 'done' | 'failed' | 'stopped' | 'lost'
  /** What was found, or why not. */
  readonly detail: string
  /** When it is tried again, if no other look is due by then; null: it is not. */
  readonly againMs: number | null
}

/** What is known of looks without reading anything. */
export interface LooksStatus {
  /** The latest look that was done, by whatever process. */
  readonly latest?: { readonly figures: LookFigures; readonly endedMs: number; readonly durationMs: number }
  /** Looks that failed, since the start of this process. */
  readonly failures: number
  /** When the next one is due; undefined: never. */
  readonly nextMs: number | undefined
}

/** What a server tells of the looks that it takes. */
export interface ServedLooks {
  readonly status: () => LooksStatus
  /** The latest report, as JSON or as a page. @throws MONITORING_NO_REPORT */
  readonly readReport: (kind: 'json' | 'html') => Promise<string>
  /** Looks that were to be taken, the newest first. @throws SCHEDULE_JOURNAL_FAILED */
  readonly runs: () => Promise<readonly LookRun[]>
}

/** What looks need of the server that takes them. */
export interface LookedAtServer {
  readonly models: () => readonly ServedModel[]
  readonly warn: (code: string, details: Readonly<Record<string, unknown>>) => void
}

/** Looks of a server that has not started yet. */
export interface ScheduledLooks extends ServedLooks {
  /** Takes looks from now on. @returns ends it, the look under way too */
  readonly start: (server: LookedAtServer) => () => Promise<void>
}
