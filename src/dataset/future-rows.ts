import type { DuckDBConnection } from '@duckdb/node-api'
import { DAY_MS } from '../foundation/days.ts'
import { reasonBit } from './quarantine-reasons.ts'

/** Fewer rows have no bulk to judge by. */
const SMALLEST_BULK = 1000
/** Most rows that can be strays, as a share of all: more are a part of the data, however late. */
const LARGEST_STRAY_SHARE = 0.01
/** How many times the longest silence of the bulk a silence must last to end it. */
const SILENCES = 10

/** Rows of one UTC day, by its number since 1970. */
export interface RowsOfDay {
  readonly day: number
  readonly rows: number
}

/**
 * The first day after the bulk of the rows, when what comes from there on are strays: at most one row in a
 * hundred, behind a silence ten times as long as the longest before it. Undefined when nothing is, and for
 * fewer than a thousand rows. No clock is read, so a file is judged alike for ever.
 *
 * @param days those that have rows, ascending
 */
export const firstStrayDay = (days: readonly RowsOfDay[]): number | undefined => {
  const all = days.reduce((sum, { rows }) => sum + rows, 0)
  const mostStrays = Math.floor(all * LARGEST_STRAY_SHARE)
  let before = 0
  let longestSilence = 1
  for (const [i, { day, rows }] of days.entries()) {
    const silence = i === 0 ? 0 : day - days[i - 1]!.day
    const isAfterBulk = before >= SMALLEST_BULK && all - before <= mostStrays
    if (isAfterBulk && silence > SILENCES * longestSilence) return day
    longestSilence = Math.max(longestSilence, silence)
    before += rows
  }
  return undefined
}

/**
 * Marks the good rows of `mapped` whose time lies far after that of all others: a year that was mistyped, a
 * clock that was wrong. One of them would move the end of the data, and with it the split, and blind the
 * states of its user and merchant to all that follows.
 */
export const markFutureRows = async (connection: DuckDBConnection): Promise<void> => {
  const reader = await connection.runAndReadAll(
    `SELECT event_time_ms // ${DAY_MS} AS day, count(*) FROM mapped WHERE reasons = 0 GROUP BY day ORDER BY day`,
  )
  const first = firstStrayDay(
    reader.getRows().map(([day, rows]) => ({ day: Number(day), rows: Number(rows) })),
  )
  if (first === undefined) return
  await connection.run(
    `UPDATE mapped SET reasons = ${reasonBit('timestamp_in_future')} WHERE reasons = 0 AND event_time_ms >= ${first * DAY_MS}`,
  )
}
