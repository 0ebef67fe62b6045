import { DAY_MS } from '../foundation/days.ts'
import { countOf, type DecidedRows, isKnownAt } from './decided-rows.ts'

/** What became known of the drawn rows of one day of decisions. */
export interface DayCount {
  /** Whole days since 1970. */
  readonly day: number
  /** With a label. */
  readonly rows: number
  readonly frauds: number
  /** Frauds that the scores of these rows announce, or for a plain share the rows themselves. */
  readonly expected: number
}

export interface DayCountOptions {
  readonly asOfMs: number
  /**
   * A day counts so many whole days after its end, with the labels known by then, whenever one looks: 2 by
   * default for what was flagged, 7 for the audit's rows.
   */
  readonly alertWaitDays?: number
  readonly auditWaitDays?: number
  /** A day of which less than this share of drawn rows has a label by then is left out. Default .9. */
  readonly leastAnswered?: number
}

/** Precision by day: alerts that were looked at, and the frauds among them. */
export const precisionByDay = (rows: DecidedRows, options: DayCountOptions): DayCount[] =>
  countsByDay(
    rows,
    (row) => (rows.flagged[row] === 1 ? 0 : -1),
    1,
    () => 1,
    options,
  )[0]!

/** Fraud rate by day of the rows that the random audit drew and nobody had flagged: what is missed. */
export const auditRateByDay = (rows: DecidedRows, options: DayCountOptions): DayCount[] =>
  countsByDay(
    rows,
    (row) => (rows.flagged[row] === 0 ? 0 : -1),
    1,
    () => 1,
    options,
  )[0]!

/**
 * Observed and expected frauds by day, in bands of the score: band i has scores from `edges[i - 1]`
 * (inclusive) to `edges[i]`, so that there is one band more than edges. Within a band, whether a row was
 * drawn must not depend on its score.
 */
export const calibrationByDay = (
  rows: DecidedRows,
  edges: readonly number[],
  options: DayCountOptions,
): DayCount[][] =>
  countsByDay(
    rows,
    (row) => edges.filter((edge) => rows.scores[row]! >= edge).length,
    edges.length + 1,
    (row) => rows.scores[row]!,
    options,
  )

/**
 * Fraud rate by day of all decisions, as far as it was known so many whole days after the day's end: less
 * than there was, and by the same measure every day, so that days compare.
 */
export const fraudRateByDay = (
  rows: DecidedRows,
  { asOfMs, fraudWaitDays }: { readonly asOfMs: number; readonly fraudWaitDays: number },
): DayCount[] => {
  const days = new Map<number, { rows: number; frauds: number }>()
  for (let row = 0; row < rows.labels.length; row++) {
    const day = Math.floor(rows.decidedAtMs[row]! / DAY_MS)
    const settledMs = (day + 1 + fraudWaitDays) * DAY_MS
    if (settledMs > asOfMs) continue
    const tally = days.get(day) ?? { rows: 0, frauds: 0 }
    days.set(day, tally)
    tally.rows += countOf(rows, row)
    if (rows.labels[row] === 1 && isKnownAt(rows, row, settledMs)) tally.frauds++
  }
  return [...days]
    .sort(([a], [b]) => a - b)
    .map(([day, { rows: all, frauds }]) => ({ day, rows: all, frauds, expected: all }))
}

/** By group, in order of days. `groupOf` gives -1 for a row of none. Rows that nobody drew do not count. */
const countsByDay = (
  rows: DecidedRows,
  groupOf: (row: number) => number,
  groups: number,
  expectedOf: (row: number) => number,
  options: DayCountOptions,
): DayCount[][] => {
  const { asOfMs, leastAnswered = 0.9 } = options
  const members = Array.from({ length: groups }, (): number[] => [])
  for (let row = 0; row < rows.labels.length; row++) {
    if (Number.isNaN(rows.propensities[row]!) || rows.decidedAtMs[row]! > asOfMs) continue
    const group = groupOf(row)
    if (group >= 0) members[group]!.push(row)
  }
  return members.map((list) => {
    const waitMs = waitOf(rows, list, options) * DAY_MS
    const days = new Map<number, Tally>()
    for (const row of list) {
      const day = Math.floor(rows.decidedAtMs[row]! / DAY_MS)
      const settledMs = (day + 1) * DAY_MS + waitMs
      if (settledMs > asOfMs) continue
      const tally = days.get(day) ?? { drawn: 0, rows: 0, frauds: 0, expected: 0 }
      days.set(day, tally)
      tally.drawn++
      if (!isKnownAt(rows, row, settledMs)) continue
      tally.rows++
      tally.frauds += rows.labels[row]!
      tally.expected += expectedOf(row)
    }
    return [...days]
      .filter(([, { drawn, rows: known }]) => known > 0 && known >= leastAnswered * drawn)
      .sort(([a], [b]) => a - b)
      .map(([day, { rows: known, frauds, expected }]) => ({ day, rows: known, frauds, expected }))
  })
}

/** A group with rows that only the audit drew waits for the audit; of blocked alerts it draws too. */
const waitOf = (rows: DecidedRows, members: readonly number[], options: DayCountOptions): number => {
  const { alertWaitDays = 2, auditWaitDays = 7 } = options
  const isAudited = (row: number): boolean => rows.flagged[row] === 0 || rows.propensities[row]! < 1
  return members.some(isAudited) ? auditWaitDays : alertWaitDays
}

interface Tally {
  drawn: number
  rows: number
  frauds: number
  expected: number
}
