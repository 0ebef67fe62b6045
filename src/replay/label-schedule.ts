/*
 * When a label is delivered: the one rule, for training's replay and for whoever plays a history to serving.
 *
 * The clock is the latest event time that has arrived. A label is due at `labelled_at`, or at its
 * transaction's time plus the delay; where the clock was past that when the transaction arrived, then at that
 * clock. It is delivered before the first later transaction at whose arrival the clock has reached it: those
 * due first first, equally due ones in the order of their transactions.
 */

/** The label of one transaction, as far as its delivery is concerned. */
export interface ScheduledLabel {
  /** Epoch milliseconds. */
  readonly dueMs: number
  /** Place of its transaction in the history, from 0. */
  readonly arrival: number
}

/**
 * Whether a label is delivered before the next transaction.
 *
 * @param clockMs latest event time, that of the next transaction included
 * @param arrived transactions before the next one
 */
export const isLabelDue = ({ dueMs, arrival }: ScheduledLabel, clockMs: number, arrived: number): boolean =>
  dueMs <= clockMs && arrival < arrived

/** Order of delivery of the rows of `labelSchedule`, as SQL. */
export const DELIVERY_ORDER = 'due, arrival'

/**
 * All known labels of `source` (SQL, a prepared dataset) as SQL: its columns, and `due`, epoch milliseconds.
 *
 * @param startMs where the clock stood before the first transaction; -Infinity when nothing came before
 */
export const labelSchedule = (
  source: string,
  delayMs: number,
  startMs = Number.NEGATIVE_INFINITY,
): string => {
  const clocks = startMs === Number.NEGATIVE_INFINITY ? 'clock' : `clock, ${startMs}`
  return `(SELECT *, greatest(coalesce(labelled_at_ms, event_time_ms + ${delayMs}), ${clocks})::DOUBLE AS due
   FROM (SELECT *, max(event_time_ms) OVER (ORDER BY arrival ROWS UNBOUNDED PRECEDING) AS clock FROM ${source})
   WHERE is_fraud IS NOT NULL)`
}
