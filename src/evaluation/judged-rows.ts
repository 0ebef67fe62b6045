import { daysSince } from '../foundation/days.ts'
import { numbered } from '../foundation/numbered.ts'
import type { JudgedRows, ScoredRows } from './figure.ts'

/** Rows as they are read, one entry a row. */
export interface NamedRows {
  /** 1 fraud, 0 genuine. */
  readonly labels: Uint8Array
  readonly eventTimesMs: Float64Array
  /** Who is looked at each day. */
  readonly entities: readonly string[]
  /** Default: 0 for all rows. */
  readonly amountsMinor?: ArrayLike<number>
}

/**
 * The rows with days and entities as numbers: made once, to judge many models on. Days are 24 hours each and
 * begin at `firstDayMs`, the start of the part.
 */
export const judgedRows = (
  { labels, eventTimesMs, entities, amountsMinor = new Float64Array(labels.length) }: NamedRows,
  firstDayMs: number,
): JudgedRows => ({
  labels,
  days: daysSince(firstDayMs, eventTimesMs),
  entities: numbered(entities),
  amountsMinor,
})

/** The rows `at`, in this order, judged in the same way. */
export const someRows = (rows: ScoredRows, at: readonly number[]): ScoredRows => ({
  ...rows,
  labels: Uint8Array.from(at, (row) => rows.labels[row]!),
  days: Int32Array.from(at, (row) => rows.days[row]!),
  entities: Uint32Array.from(at, (row) => rows.entities[row]!),
  amountsMinor: Float64Array.from(at, (row) => rows.amountsMinor[row]!),
  scores: Float64Array.from(at, (row) => rows.scores[row]!),
})
