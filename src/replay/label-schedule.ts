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

/**
 * Order of delivery of the rows of `labelSchedule`, as SQL: of the labels of one transaction, as they came to
 * be known.
 */
export const DELIVERY_ORDER = 'due, arrival, labelled_at_ms, turn'

/** As `FeatureSettings.unlabelled` has it. */
export type Unlabelled = 'genuine_after_delay' | undefined

export interface LabelScheduleOptions {
  readonly delayMs: number
  /** Where the clock stood before the first transaction; absent: nothing came before. */
  readonly startMs?: number | undefined
  readonly unlabelled?: Unlabelled
  /**
   * A relation (SQL) with all that was ever said of some transactions: transaction_id, is_fraud (missing
   * where it was taken back), known_at_ms, place. It takes the place of what `source` has of these.
   */
  readonly history?: string | undefined
}

/**
 * All known labels of `source` (SQL, a prepared dataset) as SQL: its columns, `due`, epoch milliseconds,
 * `turn`, which tells labels of one transaction apart that came to be known at once, and `known`: what was
 * delivered of it before (1, 0, NULL: nothing). By `genuine_after_delay` a transaction of which nothing is
 * told by then has one more, genuine, which is due at its time plus the delay.
 */
export const labelSchedule = (
  source: string,
  { delayMs, startMs = Number.NEGATIVE_INFINITY, unlabelled, history }: LabelScheduleOptions,
): string => {
  const clocks = startMs === Number.NEGATIVE_INFINITY ? 'clock' : `clock, ${startMs}`
  const arrived = `(SELECT *, max(event_time_ms) OVER (ORDER BY arrival ROWS UNBOUNDED PRECEDING) AS clock FROM ${source})`
  const due = (known: string): string => `greatest(${known}, ${clocks})::DOUBLE`
  const own = `SELECT *, ${due(`coalesce(labelled_at_ms, event_time_ms + ${delayMs})`)} AS due, 0 AS turn FROM ${arrived}`
  const delayed = `SELECT *, ${due(`event_time_ms + ${delayMs}`)} AS delayed FROM`
  if (history === undefined) {
    if (unlabelled === undefined)
      return `(SELECT *, NULL::TINYINT AS known FROM (${own}) WHERE is_fraud IS NOT NULL)`
    // Of a label that is told after the delay only a fraud says anything new.
    return `(SELECT * EXCLUDE (delayed), CASE WHEN due > delayed THEN 0 END AS known FROM (${delayed} (${own})) WHERE is_fraud = 1 OR (is_fraud = 0 AND due <= delayed)
     UNION ALL
     SELECT * EXCLUDE (delayed) REPLACE (0 AS is_fraud, delayed AS due), NULL AS known FROM (${delayed} (${own})) WHERE is_fraud IS NULL OR due > delayed)`
  }
  const told = `SELECT arrived.* REPLACE (said.is_fraud AS is_fraud, known_at_ms AS labelled_at_ms), ${due('known_at_ms')} AS due, place AS turn
     FROM ${arrived} AS arrived JOIN ${history} AS said USING (transaction_id)
     UNION ALL
     SELECT * FROM (${own}) ANTI JOIN ${history} USING (transaction_id) WHERE is_fraud IS NOT NULL`
  // What is told later than the delay corrects what the delay said, so all of it counts.
  const byItself = `SELECT * EXCLUDE (delayed) REPLACE (0 AS is_fraud), delayed AS due, -1 AS turn FROM (${delayed} ${arrived}) AS arrived
     WHERE NOT EXISTS (SELECT 1 FROM (${told}) AS early WHERE early.transaction_id = arrived.transaction_id AND early.due <= arrived.delayed)`
  const all = unlabelled === undefined ? told : `${told} UNION ALL ${byItself}`
  return `(SELECT *, lag(is_fraud) OVER (PARTITION BY transaction_id ORDER BY due, labelled_at_ms, turn) AS known FROM (${all}))`
}
