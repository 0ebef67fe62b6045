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

/** As `FeatureSettings.unlabelled` has it. */
export type Unlabelled = 'genuine_after_delay' | undefined

/**
 * All known labels of `source` (SQL, a prepared dataset) as SQL: its columns, and `due`, epoch milliseconds.
 * By `genuine_after_delay` a transaction of which nothing is told by then has one more, genuine, which is due
 * at its time plus the delay; then `known` is what was delivered before (0: genuine; NULL: nothing).
 *
 * @param startMs where the clock stood before the first transaction; -Infinity when nothing came before
 */
export const labelSchedule = (
  source: string,
  delayMs: number,
  startMs = Number.NEGATIVE_INFINITY,
  unlabelled: Unlabelled = undefined,
): string => {
  const clocks = startMs === Number.NEGATIVE_INFINITY ? 'clock' : `clock, ${startMs}`
  const arrived = `(SELECT *, max(event_time_ms) OVER (ORDER BY arrival ROWS UNBOUNDED PRECEDING) AS clock FROM ${source})`
  const told = `SELECT *, greatest(coalesce(labelled_at_ms, event_time_ms + ${delayMs}), ${clocks})::DOUBLE AS due FROM ${arrived}`
  if (unlabelled === undefined) return `(${told} WHERE is_fraud IS NOT NULL)`
  // Of a label that is told after the delay only a fraud says anything new.
  const delayed = `SELECT *, greatest(event_time_ms + ${delayMs}, ${clocks})::DOUBLE AS delayed FROM (${told})`
  return `(SELECT * EXCLUDE (delayed), CASE WHEN due > delayed THEN 0 END AS known FROM (${delayed}) WHERE is_fraud = 1 OR (is_fraud = 0 AND due <= delayed)
   UNION ALL
   SELECT * EXCLUDE (delayed) REPLACE (0 AS is_fraud, delayed AS due), NULL AS known FROM (${delayed}) WHERE is_fraud IS NULL OR due > delayed)`
}
