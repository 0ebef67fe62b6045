import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { encodeDays } from '../drift/days-encoding.ts'
import { ProfileBook } from '../drift/profile-book.ts'
import { DAY_MS } from '../foundation/days.ts'
import type { ReferenceProfile } from '../model/reference-profile.ts'
import type { ModelScorer } from '../model/scorer.ts'
import { MOST_DAYS } from './kept-days.ts'
import { segmentOf } from './segment.ts'

/** Parquet files of the same rows in the same order, in the order of arrival. */
export interface FilesOfDays {
  readonly features: string
  /** Which part each row is in. */
  readonly split: string
  /** The rows as they came. */
  readonly prepared: string
}

export interface DaysOfRunOptions {
  readonly scorer: ModelScorer
  readonly reference: ReferenceProfile
  readonly threshold: number
  /**
   * From the first row on states fill: for as long as the longest window and the delay of labels, days are
   * like no later ones, and are left out.
   */
  readonly warmUpMs: number
  /** The latest days that are told of. Default `MOST_DAYS`, 130. */
  readonly mostDays?: number
  readonly signal: AbortSignal
}

/**
 * What the days of a run's data were like, as an artifact keeps them (`days.bin`): all of its rows, those
 * in no part too. Rows that the model has learnt from have no score, since it is too sure of them. The
 * first day and the last are left out, as they may be days in part.
 *
 * Memory: a chunk of rows, and the profiles.
 */
export const daysOfRun = async (
  connection: DuckDBConnection,
  files: FilesOfDays,
  { scorer, reference, threshold, warmUpMs, mostDays = MOST_DAYS, signal }: DaysOfRunOptions,
): Promise<Uint8Array> => {
  const book = new ProfileBook(reference, { features: scorer.featureNames, threshold })
  const { first, last } = await daysWithin(connection, files.features, warmUpMs, mostDays)
  for await (const rows of readChunks(connection, files, { names: scorer.featureNames, first, last })) {
    signal.throwIfAborted()
    const scores = new Float64Array(rows.rowCount)
    scorer.scoreMany({ names: scorer.featureNames, columns: rows.columns, rowCount: rows.rowCount }, scores)
    for (let row = 0; row < rows.rowCount; row++) if (rows.isLearnt[row] === 1) scores[row] = Number.NaN
    for (const [from, to] of runsOfDays(rows.days)) {
      const columns = rows.columns.map((column) => column.subarray(from, to))
      // Days are what history is looked at by: all of a day may stand in its first hour.
      book.addColumns(rows.days[from]! * 24, columns, scores.subarray(from, to))
      for (let row = from; row < to; row++) {
        const segment = segmentOf(rows.types[row] ?? undefined)
        if (segment !== undefined) book.addScore(rows.days[row]!, segment, scores[row]!)
      }
    }
  }
  return encodeDays(book.hoursWithRows().map((hour) => book.day(hour / 24)!))
}

interface Chunk {
  readonly rowCount: number
  readonly days: Int32Array
  /** 1 for a row that the model has learnt from. */
  readonly isLearnt: Uint8Array
  readonly types: readonly (string | null)[]
  readonly columns: readonly Float64Array[]
}

/** Days that are whole, and after the warm-up, the latest of them; none where `last` is before `first`. */
const daysWithin = async (
  connection: DuckDBConnection,
  features: string,
  warmUpMs: number,
  mostDays: number,
): Promise<{ readonly first: number; readonly last: number }> => {
  const result = await connection.runAndReadAll(
    `SELECT min(event_time_ms)::DOUBLE, max(event_time_ms)::DOUBLE FROM read_parquet(${sqlLiteral(features)})`,
  )
  const [least, most] = result.getRows()[0] as [number | null, number | null]
  const last = Math.floor((most ?? 0) / DAY_MS) - 1
  return { first: Math.max(Math.floor(((least ?? 0) + warmUpMs) / DAY_MS) + 1, last - mostDays + 1), last }
}

async function* readChunks(
  connection: DuckDBConnection,
  { features, split, prepared }: FilesOfDays,
  {
    names,
    first,
    last,
  }: { readonly names: readonly string[]; readonly first: number; readonly last: number },
): AsyncGenerator<Chunk> {
  const numbers = names.map((name) => `f.${sqlIdentifier(name)}::DOUBLE`)
  const result = await connection.stream(
    `SELECT p.transaction_type, f.event_time_ms::DOUBLE, coalesce(s.part = 'train', false)::DOUBLE, ${numbers.join(', ')}
     FROM read_parquet(${sqlLiteral(features)}) f
     POSITIONAL JOIN (SELECT part FROM read_parquet(${sqlLiteral(split)})) s
     POSITIONAL JOIN (SELECT transaction_type FROM read_parquet(${sqlLiteral(prepared)})) p
     WHERE f.event_time_ms >= ${first * DAY_MS} AND f.event_time_ms < ${(last + 1) * DAY_MS}`,
  )
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return
    const { rowCount } = chunk
    const numbersOf = (index: number) =>
      (chunk.getColumnVector(index) as unknown as { readonly items: Float64Array }).items.subarray(
        0,
        rowCount,
      )
    yield {
      rowCount,
      days: Int32Array.from(numbersOf(1), (timeMs) => Math.floor(timeMs / DAY_MS)),
      isLearnt: Uint8Array.from(numbersOf(2)),
      types: chunk.getColumnValues(0) as (string | null)[],
      columns: names.map((_, f) => numbersOf(3 + f)),
    }
  }
}

/** Rows that follow each other on one day: from the first to before the last. */
function* runsOfDays(days: Int32Array): Generator<readonly [number, number]> {
  for (let from = 0, row = 1; from < days.length; row++) {
    if (row < days.length && days[row] === days[from]) continue
    yield [from, row]
    from = row
  }
}
