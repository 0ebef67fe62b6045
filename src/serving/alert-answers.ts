import type { AlertBook, AuditRecord, DeadLetter, MonitorState, OutboxMessage } from '../alerts/alert-book.ts'
import { type AlertState, isFiring, rankOf } from '../alerts/alert-state.ts'
import { isUnderWay, type PlannedSilence, plannedSilenceOf } from '../alerts/planned-silence.ts'
import type { ServedAlerts, ServedChannel } from '../alerts/served-alerts.ts'
import { MISSED_LOOKS } from '../alerts/take-look.ts'
import { adviceFor } from '../alerts/what-to-do.ts'

/** What the API says of alerts: plain JSON, names in snake_case, instants as ISO text. */

export type AlertsAnswer = ReturnType<typeof alertsAnswer>
export type AlertAnswer = AlertsAnswer['alerts'][number]

export const alertsAnswer = (book: AlertBook, { channels, heartbeat }: Served, nowMs: number) => ({
  at: isoOf(nowMs),
  alerts: [...book.states.values()]
    .toSorted((a, b) => rankOf(b.severity) - rankOf(a.severity) || b.sinceMs - a.sinceMs)
    .map((state) => alertAnswer(state, book, nowMs)),
  waiting: [...book.outbox.values()].map((message) => waitingAnswer(message, nowMs)),
  dead_letters: [...book.dead.values()].map(letterAnswer),
  silences: [...book.planned.values()]
    .filter(({ untilMs }) => nowMs < untilMs)
    .map((silence) => silenceAnswer(silence, nowMs)),
  channels: channels.map((channel) => channelAnswer(channel, book)),
  looks: [...book.monitors.values()].map((monitor) => lookAnswer(monitor, nowMs)),
  heartbeat: heartbeat
    ? { broken: heartbeat.broken ?? null, last_at: instant(heartbeat.lastMs() || undefined) }
    : null,
})

type Served = Pick<ServedAlerts, 'channels' | 'heartbeat'>

/** The latest first. @param key undefined: of all alerts */
export const historyAnswer = ({ audit }: AlertBook, key: string | undefined, limit: number) => ({
  records: audit
    .filter((record) => key === undefined || record.key === key)
    .slice(-limit)
    .reverse()
    .map(recordAnswer),
})

export const recordAnswer = ({ atMs, by, did, key, detail }: AuditRecord) => ({
  at: isoOf(atMs),
  by,
  did,
  key: key ?? null,
  detail: detail ?? null,
})

const alertAnswer = (state: AlertState, book: AlertBook, nowMs: number) => {
  const { key, model, kind, segment, status, severity, summary, details, told, acknowledged } = state
  return {
    key,
    model,
    kind,
    segment,
    status,
    severity: severity ?? null,
    summary,
    details,
    advice: adviceFor(kind),
    since: isoOf(isFiring(state) ? (state.episode?.startedMs ?? state.sinceMs) : state.sinceMs),
    acknowledged: acknowledged ? { by: acknowledged.by, at: isoOf(acknowledged.atMs) } : null,
    silence: silenceOf(state, book, nowMs),
    told: told
      ? { at: isoOf(told.atMs), severity: told.severity, channels: told.channels, messages: told.messages }
      : null,
  }
}

/** Of its own silence and the planned one that which ends last. */
const silenceOf = (state: AlertState, book: AlertBook, nowMs: number) => {
  const planned = plannedSilenceOf(state, book.planned.values(), nowMs)
  const own = state.silence !== undefined && nowMs < state.silence.untilMs ? state.silence : undefined
  const last = planned !== undefined && planned.untilMs > (own?.untilMs ?? 0) ? planned : own
  return last
    ? { until: isoOf(last.untilMs), reason: last.reason, by: last.by, planned: 'id' in last ? last.id : null }
    : null
}

const waitingAnswer = (message: OutboxMessage, nowMs: number) => ({
  id: message.id,
  channel: message.channel,
  key: message.notification.dedupKey,
  reason: message.notification.reason,
  severity: message.notification.severity,
  created_at: isoOf(message.notification.atMs),
  attempts: message.attempts,
  next_at: isoOf(message.notBeforeMs),
  is_under_way: message.claim !== undefined && nowMs < message.claim.untilMs,
  last_failure: message.lastReason ?? null,
})

const letterAnswer = ({ id, channel, notification, attempts, reason, atMs }: DeadLetter) => ({
  id,
  channel,
  key: notification.dedupKey,
  reason: notification.reason,
  severity: notification.severity,
  attempts,
  failure: reason,
  at: isoOf(atMs),
})

const silenceAnswer = (silence: PlannedSilence, nowMs: number) => ({
  id: silence.id,
  model: silence.model,
  kind: silence.kind,
  segment: silence.segment,
  from: isoOf(silence.fromMs),
  until: isoOf(silence.untilMs),
  reason: silence.reason,
  by: silence.by,
  is_under_way: isUnderWay(silence, nowMs),
})

const channelAnswer = ({ name, kind, broken }: ServedChannel, book: AlertBook) => {
  const disabled = book.disabled.get(name)
  const isOf = ({ channel }: { readonly channel: string }): boolean => channel === name
  return {
    name,
    kind,
    state: broken !== undefined ? 'broken' : disabled !== undefined ? 'switched_off' : 'working',
    failure: broken ?? disabled ?? null,
    waiting: [...book.outbox.values()].filter(isOf).length,
    dead_letters: [...book.dead.values()].filter(isOf).length,
    last_delivery_at: instant(book.delivered.get(name)),
  }
}

const lookAnswer = ({ model, monitor, lastMs, everyMs }: MonitorState, nowMs: number) => ({
  model,
  monitor,
  last_at: isoOf(lastMs),
  every_s: everyMs / 1000,
  is_missed: nowMs - lastMs >= MISSED_LOOKS * everyMs,
})

const isoOf = (ms: number): string => new Date(ms).toISOString()

const instant = (ms: number | undefined): string | null => (ms === undefined ? null : isoOf(ms))
