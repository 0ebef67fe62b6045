/**
 * Thrown by a run that has failed with little left to do. It is tried again until that is done, however often
 * it fails, and leaves what it has measured.
 */
export class AlmostDone extends Error {
  override readonly cause: Error
  /** What the audit keeps of it, beside the failure. */
  readonly figures: RunResult['figures']

  constructor(figures: RunResult['figures'], cause: Error) {
    super(cause.message)
    this.name = 'AlmostDone'
    this.figures = figures
    this.cause = cause
  }
}

/** What a run left, for the audit. */
export interface RunResult {
  /** What came of it, in a sentence. */
  readonly detail?: string
  /** What it measured, by name. */
  readonly figures?: Readonly<Record<string, string | number | null>>
}

/** Work that is done at the times of a cron expression, by one process of those that have it. */
export interface ScheduledJob {
  /** By which processes and their successors know it: `looks`. */
  readonly name: string
  /** As `cronSchedule` reads it. */
  readonly cron: string
  /** IANA name. */
  readonly timeZone: string
  /**
   * What becomes of the latest time that nobody was there for: `run_latest` (the default) runs it late,
   * `skip` waits for the next one. Of several the older ones are told and not run.
   */
  readonly missed?: 'run_latest' | 'skip'
  /**
   * How often a run may be begun for one time, where it failed, was killed, or was ended before it was done.
   * 1 by default: at most once, whatever happens. More only for work that does no harm twice.
   */
  readonly attempts?: number
  /**
   * How long until a run is begun again that has failed or was killed, milliseconds; by default at once. What
   * was ended with its process is begun again at once.
   *
   * @param attempt that has failed, from 1
   */
  readonly pauseMs?: (attempt: number) => number
  /**
   * @param scheduledForMs the time that it is for, epoch milliseconds; it may be later by now
   * @param signal aborted when the process closes, or another one has taken the run over
   */
  run(scheduledForMs: number, signal: AbortSignal): Promise<RunResult | undefined>
}
