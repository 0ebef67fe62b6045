import { type DriftSeverity, worstOf } from '../drift/severity.ts'
import { DAY_MS, dateOf } from '../foundation/days.ts'
import { blocksRetraining, checkWindow, LEAST_HISTORY_DAYS } from '../quality/check-window.ts'
import type { DataFault, FaultKind } from '../quality/data-fault.ts'
import type { WindowSummary } from '../quality/window-summary.ts'
import { faultInWords } from './fault-in-words.ts'
import type { QualityDay, QualitySection } from './quality-section.ts'

/** Days that a day is held against. */
const HISTORY_DAYS = 56
/** So many days are judged at least, so that one is not judged otherwise where fewer are asked for. */
const LEAST_JUDGED = 7
/** Share of the median day's rows that the first day of a history has: events of long ago begin none. */
const BEGUN = 0.1

const REFUSED =
  'Rows that the server refused (unreadable fields, times ahead of the clock) are not in its log, and a repeated transaction_id is answered from its first decision: the counters of GET /metrics tell of them (vigia_errors_total, vigia_event_time_refused_total).'

/**
 * Judges days from `firstDay` to `lastDay` (both included), each by the eight weeks before it without those
 * that had faults. A fault of more than six weeks is what the feed is like now: then those days count too.
 *
 * @param summaries ascending
 * @param empty the summary of a day without rows: days that are missing between others are silent feeds
 */
export const qualityOf = (
  summaries: readonly WindowSummary[],
  firstDay: number,
  lastDay: number,
  empty: (day: number) => WindowSummary,
): QualitySection => {
  const days = wholeDays(summaries, lastDay, empty)
  const judged = new Map<number, { readonly faults: readonly DataFault[]; readonly historyDays: number }>()
  const from = Math.min(firstDay, lastDay - LEAST_JUDGED + 1) - HISTORY_DAYS
  days.forEach((today, at) => {
    if (dayOf(today) < from) return
    const before = days.slice(Math.max(0, at - HISTORY_DAYS), at)
    const clean = before.filter((day) => !blocksRetraining(judged.get(dayOf(day))?.faults ?? []))
    const history = clean.length >= LEAST_HISTORY_DAYS ? clean : before
    if (history.length < LEAST_HISTORY_DAYS) return
    judged.set(dayOf(today), { faults: checkWindow(history, today), historyDays: history.length })
  })
  const looked = days.filter((day) => dayOf(day) >= firstDay)
  const reported = looked.map((day) => reportedDay(day, judged.get(dayOf(day))?.faults ?? []))
  const latest = reported.at(-1)
  const verdict = judged.get(lastDay)
  return {
    basis: verdict === undefined ? 'short' : 'judged',
    historyDays: verdict?.historyDays ?? days.length - looked.length,
    days: reported,
    severity: latest?.severity ?? 'none',
    blockedDays: [...judged]
      .filter(([day, { faults }]) => day > lastDay - HISTORY_DAYS && blocksRetraining(faults))
      .map(([day]) => dateOf(day)),
    reasons: (latest?.faults ?? []).map(faultInWords),
    notes: [
      ...(verdict === undefined
        ? [`Data of a day are judged by the days before it in the log: ${LEAST_HISTORY_DAYS} at least.`]
        : []),
      REFUSED,
    ],
  }
}

const dayOf = ({ startMs }: WindowSummary): number => Math.floor(startMs / DAY_MS)

/** Every day from the first with a day's rows on. */
const wholeDays = (
  summaries: readonly WindowSummary[],
  lastDay: number,
  empty: (day: number) => WindowSummary,
): readonly WindowSummary[] => {
  const until = summaries.filter((day) => dayOf(day) <= lastDay)
  const sizes = until.map(({ rows }) => rows).sort((a, b) => a - b)
  const median = sizes[sizes.length >> 1] ?? 0
  const first = until.find(({ rows }) => rows >= BEGUN * median)
  if (first === undefined) return []
  const known = new Map(until.map((day) => [dayOf(day), day]))
  const from = dayOf(first)
  return Array.from({ length: lastDay - from + 1 }, (_, n) => known.get(from + n) ?? empty(from + n))
}

const reportedDay = ({ startMs, rows }: WindowSummary, faults: readonly DataFault[]): QualityDay => ({
  date: dateOf(startMs / DAY_MS),
  rows,
  faults,
  severity: worstOf(faults.map(severityOfFault)),
  blocksRetraining: blocksRetraining(faults),
})

/** Shares that rose by so much are severe and critical. */
const SEVERE_SHARE = 0.1
const CRITICAL_SHARE = 0.5
/** Hours of silence, and the share of the expected rows that is left, from which on the feed is down. */
const CRITICAL_HOURS = 12
const CRITICAL_VOLUME = 0.2

/** Kinds whose values are wrong for every row: scores of the day mean nothing. */
const ALWAYS_CRITICAL: readonly FaultKind[] = ['swapped_columns', 'unit']
const ALWAYS_SEVERE: readonly FaultKind[] = ['constant', 'truncated_decimals', 'shifted_clock']

/** How much a fault matters, by its kind and size. */
export const severityOfFault = ({ kind, effect }: DataFault): DriftSeverity => {
  if (ALWAYS_CRITICAL.includes(kind)) return 'critical'
  if (ALWAYS_SEVERE.includes(kind)) return 'severe'
  if (kind === 'volume_surge') return 'moderate'
  if (kind === 'volume_drop') return effect <= CRITICAL_VOLUME ? 'critical' : 'severe'
  if (kind === 'silent_hours') return effect >= CRITICAL_HOURS ? 'critical' : 'severe'
  if (effect >= CRITICAL_SHARE) return 'critical'
  return effect >= SEVERE_SHARE ? 'severe' : 'moderate'
}
