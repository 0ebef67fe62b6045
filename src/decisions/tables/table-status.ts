/** A table in service, for metrics and people. */
export interface TableStatus {
  readonly name: string
  /** The attributes that it gives. */
  readonly attributes: readonly string[]
  readonly rows: number
  /** Rows of its files that no transaction can find. */
  readonly unusableRows: number
  /** When the newest of its files was written, and when they were read; epoch milliseconds. */
  readonly changedAtMs: number
  readonly loadedAtMs: number
  /** Why it could not be read the last time, for people; empty when it could. */
  readonly failure: string
}

/** What came of looking at the files of a table. */
export type RefreshOutcome = 'unchanged' | 'replaced' | 'failed'
