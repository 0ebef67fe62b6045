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
   * How often a run may be begun for one time, where it was killed or ended before it was done. 1 by default:
   * at most once, whatever happens. More only for work that does no harm twice.
   */
  readonly attempts?: number
  /**
   * @param scheduledForMs the time that it is for, epoch milliseconds; it may be later by now
   * @param signal aborted when the process closes, or another one has taken the run over
   */
  run(scheduledForMs: number, signal: AbortSignal): Promise<RunResult | undefined>
}
