import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlLiteral } from '../../disk/database.ts'
import { writeAtomically } from '../../disk/write-atomically.ts'
import { TOLD_LABELS } from './label-table.ts'

/** What the labels of a table mean for the transactions. */
export interface LabelHistoryCounts {
  /** Rows of the table whose transaction is in the source and can be used. */
  readonly matchedRows: number
  /** Rows of the table whose transaction is not. */
  readonly unmatchedRows: number
  /** Transactions that the table says something of. */
  readonly transactions: number
  /** Of these, the ones of which something else was said later. */
  readonly corrected: number
  /** Rows of the table that say it was known before the transaction. */
  readonly earlyRows: number
}

/**
 * Makes the history of labels of the good rows of `mapped` that `TOLD_LABELS` says something of: what the
 * source itself says of them first, then the table. In order of the time at which each was known (the
 * transaction's time plus `delayMs` where none is said), and of the place in the table. What the source says
 * without a time is never later than what the table says. The rows of `mapped`
 * get the last word, and the time since which it has been said without another one after.
 *
 * @param path Parquet to write: transaction_id, is_fraud (missing: it was taken back), known_at_ms, place
 */
export const applyLabelTable = async (
  connection: DuckDBConnection,
  delayMs: number,
  path: string | undefined,
): Promise<LabelHistoryCounts> => {
  const known = (alias: string, column: string): string =>
    `coalesce(${alias}.${column}, mapped.event_time_ms + ${delayMs})`
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE label_history AS
     SELECT mapped.source_row, transaction_id, told.is_fraud, ${known('told', 'known_at_ms')} AS known_at_ms, place
     FROM ${TOLD_LABELS} AS told JOIN mapped USING (transaction_id) WHERE reasons = 0
     UNION ALL
     SELECT source_row, transaction_id, is_fraud, coalesce(labelled_at_ms, least(event_time_ms + ${delayMs}, first_ms)), 0
     FROM mapped JOIN (SELECT transaction_id, min(known_at_ms) AS first_ms FROM ${TOLD_LABELS} GROUP BY transaction_id) USING (transaction_id)
     WHERE reasons = 0 AND is_fraud IS NOT NULL`,
  )
  const reader = await connection.runAndReadAll(
    `SELECT count(*) FILTER (place > 0), (SELECT count(*) FROM ${TOLD_LABELS}), count(DISTINCT transaction_id),
       (SELECT count(*) FROM (SELECT source_row FROM label_history GROUP BY source_row HAVING count(DISTINCT coalesce(is_fraud, 2)) > 1)),
       (SELECT count(*) FROM label_history JOIN mapped USING (source_row) WHERE place > 0 AND known_at_ms < event_time_ms)
     FROM label_history`,
  )
  const [matchedRows, toldRows, transactions, corrected, earlyRows] = reader.getRows()[0]!.map(Number)
  await takeLastWord(connection)
  if (path !== undefined)
    await writeAtomically(path, async (unfinished) => {
      await connection.run(
        `COPY (SELECT transaction_id, is_fraud, known_at_ms, place FROM label_history ORDER BY source_row, known_at_ms, place) TO ${sqlLiteral(unfinished)} (FORMAT parquet, COMPRESSION zstd)`,
      )
    })
  await connection.run('DROP TABLE label_history')
  return {
    matchedRows: matchedRows!,
    unmatchedRows: toldRows! - matchedRows!,
    transactions: transactions!,
    corrected: corrected!,
    earlyRows: earlyRows!,
  }
}

const takeLastWord = async (connection: DuckDBConnection): Promise<void> => {
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE corrected_labels AS
     WITH placed AS (
       SELECT *, row_number() OVER (PARTITION BY source_row ORDER BY known_at_ms, place) AS turn FROM label_history
     ), latest AS (
       SELECT *, last_value(is_fraud) OVER (PARTITION BY source_row ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last_word
       FROM placed
     ), since AS (
       SELECT *, coalesce(max(turn) FILTER (is_fraud IS DISTINCT FROM last_word) OVER (PARTITION BY source_row), 0) + 1 AS first_turn FROM latest
     )
     SELECT source_row, last_word, known_at_ms FROM since WHERE turn = first_turn`,
  )
  await connection.run(
    `UPDATE mapped SET is_fraud = last_word,
       labelled_at_ms = CASE WHEN last_word IS NOT NULL THEN known_at_ms END,
       fraud_pattern = CASE WHEN last_word = 1 THEN fraud_pattern END
     FROM corrected_labels WHERE mapped.source_row = corrected_labels.source_row`,
  )
}
