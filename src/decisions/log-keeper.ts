/** Figures of what is kept of a log, for metrics. */
export interface KeepingStatus {
  /** First number that the log has, inclusive. */
  readonly firstSequence: number
  readonly snapshots: number
  /** When the latest was taken, epoch milliseconds; undefined: never. */
  readonly lastSnapshotAtMs: number | undefined
  /** Records that were removed since the start. */
  readonly removedRecords: number
}

/** Snapshots of the states beside the log, and the end of its old days. */
export interface LogKeeper {
  /** Whether a snapshot should be taken by now. */
  readonly isDue: boolean
  /**
   * Does what is due, after everything that is old was written to the archive. One call at a time; failures
   * are warned of.
   *
   * @returns whether files of the archive were removed
   */
  run(): Promise<boolean>
  status(): KeepingStatus
  /** Ends what is under way soon; the caller waits for it. */
  close(): void
}
