import { DAY_MS } from '../foundation/days.ts'
import { type DecidedRows, isKnownAt, ORIGINS, type Origin, UNKNOWN } from '../performance/decided-rows.ts'

/**
 * What is known of a row, and why:
 *
 * - an origin: somebody told its label
 * - `censored`: flagged and old enough, and nobody told: it was blocked, or never looked at. To call it
 *   genuine would teach that what the champion blocks is harmless
 * - `silent`: it passed, not flagged or let through by the control sample, and is old enough: no customer
 *   complained
 * - `young`: its label may still come
 */
export const ROW_MARKS = [...ORIGINS, 'censored', 'silent', 'young'] as const
export type RowMark = (typeof ROW_MARKS)[number]

/** How many rows have each mark, and how many of the known frauds the champion itself had flagged. */
export interface CensoredCounts extends Readonly<Record<RowMark, number>> {
  readonly frauds: number
  readonly flaggedFrauds: number
}

/**
 * The mark of each row, as an index into `ROW_MARKS`.
 *
 * @param matureDays age in days at which a label that will come has come, as a rule
 */
export const markRows = (rows: DecidedRows, asOfMs: number, matureDays: number): Uint8Array =>
  Uint8Array.from(rows.labels, (_, row) => ROW_MARKS.indexOf(markOf(rows, row, asOfMs, matureDays)))

/** Counts of the marks of the rows decided within [fromMs, toMs). */
export const censoredCounts = (
  rows: DecidedRows,
  marks: Uint8Array,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): CensoredCounts => {
  const counts = new Map<RowMark, number>(ROW_MARKS.map((mark) => [mark, 0]))
  let [frauds, flaggedFrauds] = [0, 0]
  for (let row = 0; row < marks.length; row++) {
    const at = rows.decidedAtMs[row]!
    if (at < fromMs || at >= toMs) continue
    const mark = ROW_MARKS[marks[row]!]!
    counts.set(mark, counts.get(mark)! + 1)
    if (!isOrigin(mark) || rows.labels[row] !== 1) continue
    frauds++
    flaggedFrauds += rows.flagged[row]!
  }
  return { ...(Object.fromEntries(counts) as Record<RowMark, number>), frauds, flaggedFrauds }
}

const isOrigin = (mark: RowMark): mark is Origin => (ORIGINS as readonly string[]).includes(mark)

const markOf = (rows: DecidedRows, row: number, asOfMs: number, matureDays: number): RowMark => {
  if (rows.labels[row] !== UNKNOWN && isKnownAt(rows, row, asOfMs)) return ORIGINS[rows.origins[row]!]!
  if (asOfMs - rows.decidedAtMs[row]! < matureDays * DAY_MS) return 'young'
  // A chance below 1 is that of the control sample: where alerts are reviewed, theirs is 1.
  const isLetThrough = rows.propensities[row]! < 1
  return rows.flagged[row] === 1 && !isLetThrough ? 'censored' : 'silent'
}
