import type { AlertBook } from '../../alerts/alert-book.ts'
import { type AlertState, isFiring, rankOf } from '../../alerts/alert-state.ts'
import { isUnderWay, patternText, plannedSilenceOf } from '../../alerts/planned-silence.ts'
import { HEARTBEAT } from '../../alerts/report-channels.ts'
import { formatDuration } from '../../foundation/duration.ts'
import { onOneLine, plainTable } from '../plain-table.ts'

/** A list for machines, and the same for people. */
interface Listing {
  readonly json: unknown
  readonly lines: readonly string[]
}

/** Every alert, the worst first, and what is on its way or could not be delivered. */
export const listOf = (book: AlertBook, nowMs: number): Listing => {
  const alerts = [...book.states.values()].toSorted(
    (a, b) => rankOf(b.severity) - rankOf(a.severity) || b.sinceMs - a.sinceMs,
  )
  const waiting = [...book.outbox.values()]
  const dead = [...book.dead.values()]
  const rows = alerts.map((alert) => [
    alert.status,
    alert.severity ?? '',
    timeOf(isFiring(alert) ? (alert.episode?.startedMs ?? alert.sinceMs) : alert.sinceMs),
    onOneLine(alert.key),
    [...notesOf(alert, book, nowMs), onOneLine(alert.summary, 100)].join('; '),
  ])
  return {
    json: {
      alerts,
      waiting,
      dead,
      disabled: Object.fromEntries(book.disabled),
      broken: Object.fromEntries(book.broken),
      planned: [...book.planned.values()],
      looks: [...book.monitors.values()],
    },
    lines: [
      ...(rows.length === 0 ? ['No alert yet.'] : plainTable([HEAD, ...rows])),
      ...waiting.map(
        ({ channel, attempts, notification, notBeforeMs, lastReason }) =>
          `waiting    ${notification.reason} of ${notification.dedupKey} for ${channel}: ${attempts} attempts, next ${timeOf(notBeforeMs)}${lastReason === undefined ? '' : `; ${onOneLine(lastReason, 200)}`}`,
      ),
      ...dead.map(
        ({ channel, notification, atMs, reason }) =>
          `UNDELIVERED ${notification.reason} of ${notification.dedupKey} for ${channel}, given up ${timeOf(atMs)}: ${onOneLine(reason, 200)}`,
      ),
      ...channelLines(book),
      ...silenceLines(book, nowMs),
      ...[...book.monitors.values()].map(
        ({ id, lastMs, everyMs }) =>
          `looks      ${onOneLine(id)}: last ${timeOf(lastMs)}, one each ${formatDuration(Math.round(everyMs))}`,
      ),
    ],
  }
}

const notesOf = (alert: AlertState, book: AlertBook, nowMs: number): readonly string[] => {
  const planned = plannedSilenceOf(alert, book.planned.values(), nowMs)
  return [
    ...(alert.acknowledged ? [`acknowledged by ${onOneLine(alert.acknowledged.by)}`] : []),
    ...(alert.silence && nowMs < alert.silence.untilMs
      ? [
          `silenced until ${timeOf(alert.silence.untilMs)} by ${onOneLine(alert.silence.by)}: ${onOneLine(alert.silence.reason)}`,
        ]
      : []),
    ...(planned === undefined
      ? []
      : [`silenced until ${timeOf(planned.untilMs)} as planned (${onOneLine(planned.id)})`]),
    ...(alert.isForgotten === true ? ['forgotten when the channels are told that it is over'] : []),
  ]
}

const channelLines = (book: AlertBook): readonly string[] => [
  ...[...book.broken].map(
    ([name, reason]) =>
      `BROKEN     ${name}${name === HEARTBEAT ? ': no signs of life are sent' : ': its messages wait'}; ${onOneLine(reason, 200)}`,
  ),
  ...[...book.disabled].map(
    ([channel, reason]) =>
      `switched off ${channel}: ${onOneLine(reason, 200)}. vigia alerts test --channel ${channel} switches it on`,
  ),
]

const silenceLines = (book: AlertBook, nowMs: number): readonly string[] =>
  [...book.planned.values()]
    .filter(({ untilMs }) => nowMs < untilMs)
    .map(
      (silence) =>
        `${isUnderWay(silence, nowMs) ? 'silent    ' : 'planned   '} ${onOneLine(silence.id)} ${onOneLine(patternText(silence))} from ${timeOf(silence.fromMs)} until ${timeOf(silence.untilMs)} by ${onOneLine(silence.by)}: ${onOneLine(silence.reason, 200)}`,
    )

/** Who did what, in order; of one alert where a key is given. */
export const historyOf = ({ audit }: AlertBook, key: string | undefined): Listing => {
  const records = audit.filter((record) => key === undefined || record.key === key)
  const rows = records.map(({ atMs, by, did, key: of = '', detail = '' }) => [
    timeOf(atMs),
    onOneLine(by),
    did,
    onOneLine(of),
    onOneLine(detail, 200),
  ])
  return { json: { records }, lines: rows.length === 0 ? ['Nothing has happened yet.'] : plainTable(rows) }
}

const HEAD = ['status', 'severity', 'since', 'key', 'what']

const timeOf = (ms: number): string => new Date(ms).toISOString()
