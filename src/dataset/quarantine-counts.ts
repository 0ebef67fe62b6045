import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier } from '../disk/database.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { AmountRules } from '../transaction/amount-rules.ts'
import { LATEST_TIME_MS } from '../transaction/fields.ts'
import { QUARANTINE_REASONS, type QuarantineReason, reasonBit, whatOf } from './quarantine-reasons.ts'

/** Rows that were quarantined for one primary reason. */
export interface ReasonCount {
  readonly code: QuarantineReason
  readonly what: string
  readonly rows: number
  /** Those of them whose label can be read and says fraud. */
  readonly frauds: number
}

/** Rows of a UTC day: epoch ms of its start. */
export interface DayCount {
  readonly dayMs: number
  readonly rows: number
}

/** What the table `mapped` and the rejected rows amount to. */
export interface RowCounts {
  /** Rows of `mapped` with a reason. */
  readonly bad: number
  readonly outOfOrder: number
  readonly reasons: readonly ReasonCount[]
  readonly acceptedFrauds: number
  readonly lostFrauds: number
  readonly badByDay: readonly DayCount[]
}

/**
 * Finds repeated ids among the good rows of `mapped` and tells repetitions as they are, alike in all
 * `columns`, from corrections of a label, alike in all others, and from one id for different contents. The
 * first row takes the latest label over. Counting hashes settles the usual case, no repetition, without a
 * table of all ids.
 */
export const markRepeatedIds = async (
  connection: DuckDBConnection,
  columns: readonly string[],
): Promise<void> => {
  const reader = await connection.runAndReadAll(
    'SELECT count(*) = count(DISTINCT hash(transaction_id)) FROM mapped WHERE reasons = 0',
  )
  if (reader.getRows()[0]?.[0] === true) return
  const alikeIn = (names: readonly string[]): string =>
    names.map((name) => `later.${name} IS NOT DISTINCT FROM earliest.${name}`).join(' AND ')
  const others = columns.filter((name) => !LABEL_COLUMNS.includes(name))
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE repeated_rows AS
     SELECT later.source_row, first_row, ${alikeIn(columns)} AS is_alike, ${alikeIn(others)} AS is_labelled_again FROM mapped AS later JOIN (
       SELECT transaction_id, min(source_row) AS first_row FROM mapped WHERE reasons = 0
       GROUP BY transaction_id HAVING count(*) > 1) AS repeated USING (transaction_id)
     JOIN mapped AS earliest ON earliest.source_row = first_row
     WHERE later.reasons = 0 AND later.source_row > first_row`,
  )
  await connection.run(
    `UPDATE mapped SET reasons = CASE WHEN is_alike THEN ${reasonBit('transaction_id_repeated')}
       WHEN is_labelled_again THEN ${reasonBit('label_correction')} ELSE ${reasonBit('transaction_id_reused')} END
     FROM repeated_rows WHERE mapped.source_row = repeated_rows.source_row`,
  )
  await takeLatestLabels(connection)
}

/** What a row says of its label; `fraud_pattern` is part of it. */
const LABEL_COLUMNS: readonly string[] = ['is_fraud', 'labelled_at_ms', 'fraud_pattern']

/**
 * Gives first rows the latest label among themselves and the rows that correct it: by the time at which it
 * was known where rows say it, else by their places in the source. It is known since the first row that says
 * it without another one after. A row without a label says nothing.
 */
const takeLatestLabels = async (connection: DuckDBConnection): Promise<void> => {
  const columns = LABEL_COLUMNS.join(', ')
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE corrected_labels AS
     WITH said AS (
       SELECT first_row, source_row, ${columns} FROM mapped JOIN repeated_rows USING (source_row) WHERE is_labelled_again
       UNION ALL
       SELECT source_row, source_row, ${columns} FROM mapped
       WHERE source_row IN (SELECT first_row FROM repeated_rows WHERE is_labelled_again)
     ), placed AS (
       SELECT *, row_number() OVER (PARTITION BY first_row ORDER BY labelled_at_ms NULLS FIRST, source_row) AS place
       FROM said WHERE is_fraud IS NOT NULL
     ), latest AS (
       SELECT *, last_value(is_fraud) OVER (PARTITION BY first_row ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS label
       FROM placed
     ), since AS (
       SELECT *, coalesce(max(place) FILTER (is_fraud <> label) OVER (PARTITION BY first_row), 0) + 1 AS first_place FROM latest
     )
     SELECT first_row, ${columns} FROM since WHERE place = first_place`,
  )
  const taken = LABEL_COLUMNS.map((name) => `${name} = corrected_labels.${name}`)
  await connection.run(
    `UPDATE mapped SET ${taken.join(', ')} FROM corrected_labels WHERE mapped.source_row = corrected_labels.first_row`,
  )
}

/** Quarantined rows of `mapped`, and lines that are no rows, by primary reason. */
export const primaryReasons = async (
  connection: DuckDBConnection,
  amounts: AmountRules,
): Promise<readonly ReasonCount[]> => {
  const isFirst = QUARANTINE_REASONS.map(({ code }) => {
    const bit = reasonBit(code)
    return `reasons & ${2 * bit - 1} = ${bit}`
  })
  const counted = isFirst.flatMap((condition) => [
    `count(*) FILTER (${condition})`,
    `count(*) FILTER (${condition} AND is_fraud = 1)`,
  ])
  const reader = await connection.runAndReadAll(`SELECT ${counted.join(', ')} FROM mapped`)
  const row = reader.getRows()[0]!.map(Number)
  const malformed = await countRejected(connection)
  return QUARANTINE_REASONS.map(({ code }, index) => ({
    code,
    what: whatOf(code, amounts),
    rows: row[2 * index]! + (code === 'row_malformed' ? malformed : 0),
    frauds: row[2 * index + 1]!,
  })).filter(({ rows }) => rows > 0)
}

/** Counts accepted and quarantined rows by reason, by day and by label. */
export const countRows = async (connection: DuckDBConnection, amounts: AmountRules): Promise<RowCounts> => {
  const counted = [
    'count(*) FILTER (reasons <> 0)',
    'count(*) FILTER (reasons = 0 AND is_fraud = 1)',
    `count(*) FILTER (reasons <> 0 AND is_fraud = 1 AND reasons NOT IN (${reasonBit('transaction_id_repeated')}, ${reasonBit('label_correction')}))`,
  ]
  const reader = await connection.runAndReadAll(`SELECT ${counted.join(', ')} FROM mapped`)
  const [bad, acceptedFrauds, lostFrauds] = reader.getRows()[0]!.map(Number)
  const order = await connection.runAndReadAll(
    'SELECT count(*) FROM (SELECT event_time_ms < lag(event_time_ms) OVER () AS earlier FROM (SELECT event_time_ms FROM mapped WHERE reasons = 0)) WHERE earlier',
  )
  const days = await connection.runAndReadAll(
    `SELECT event_time_ms // ${DAY_MS} AS day, count(*) FROM mapped WHERE reasons <> 0 AND event_time_ms BETWEEN 0 AND ${LATEST_TIME_MS} GROUP BY day ORDER BY day`,
  )
  return {
    bad: bad!,
    outOfOrder: Number(order.getRows()[0]![0]),
    reasons: await primaryReasons(connection, amounts),
    acceptedFrauds: acceptedFrauds!,
    lostFrauds: lostFrauds!,
    badByDay: days.getRows().map(([day, rows]) => ({ dayMs: Number(day) * DAY_MS, rows: Number(rows) })),
  }
}

/** How many local times of a field or attribute a clock change makes happen twice, or never. */
export interface ClockChanges {
  readonly name: string
  readonly repeated: number
  readonly skipped: number
}

/** Column of `mapped` with the `clockChangeOf` a field or attribute. */
const clockColumn = (name: string): string => sqlIdentifier(`__clock_${name}`)

/** Those columns as SQL, each with a comma behind it. */
export const clockColumns = (clocks: readonly (readonly [name: string, sql: string])[]): string =>
  clocks.map(([name, sql]) => `${sql} AS ${clockColumn(name)}, `).join('')

/** Those that have any, in the order of `clocks`. */
export const countClockChanges = async (
  connection: DuckDBConnection,
  names: readonly string[],
): Promise<readonly ClockChanges[]> => {
  if (names.length === 0) return []
  const counted = names.map(
    (name) => `count_if(${clockColumn(name)} = 1), count_if(${clockColumn(name)} = 2)`,
  )
  const reader = await connection.runAndReadAll(`SELECT ${counted.join(', ')} FROM mapped`)
  const row = reader.getRows()[0]!.map(Number)
  return names
    .map((name, index) => ({ name, repeated: row[2 * index]!, skipped: row[2 * index + 1]! }))
    .filter(({ repeated, skipped }) => repeated + skipped > 0)
}

/** How many lines are no rows of the table at all. */
export const countRejected = async (connection: DuckDBConnection): Promise<number> => {
  const rejected = await connection.runAndReadAll('SELECT count(*) FROM rejected_rows')
  return Number(rejected.getRows()[0]![0])
}
