/** What a transaction over a journal comes to. */
export interface JournalOutcome<Entry, Result> {
  /** Appended; on disk, not only in this process, before anybody sees the result. */
  readonly append?: Entry
  /** Put in place of everything that stood there: what is appended afterwards follows it. */
  readonly replace?: Entry
  /**
   * Lines for the history beside the journal, which is only ever appended to: what `replace` leaves out. They
   * are on the disk before it is; a process that is killed in between leaves them there, and so twice.
   */
  readonly history?: readonly object[]
  readonly result: Result
}

/**
 * An append-only list of entries that several processes share.
 *
 * Each transaction stands alone: nobody else's comes between what it sees and what it appends. An entry is
 * there whole or not at all, whenever a process is killed.
 */
export interface Journal<Entry> {
  /** For people. */
  readonly location: string
  /**
   * @param work is handed what this handle has not seen yet; `isAnew` where it begins from the first entry,
   * as after a `replace` of another process. Synchronous, and without effects: it is called once
   */
  transact<Result>(
    work: (unseen: readonly Entry[], isAnew: boolean) => JournalOutcome<Entry, Result>,
  ): Promise<Result>
}
