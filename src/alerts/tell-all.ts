import type { AlertAction, AlertNotification, AlertReason } from '../ports/alert-channel.ts'
import type { AlertBook, AlertEntry, AuditRecord, OutboxMessage } from './alert-book.ts'
import { type AlertContext, channelsFor } from './alert-context.ts'
import type { AlertState, OwedMessage } from './alert-state.ts'
import { afterTelling, isInhibited, owedBy } from './owed.ts'
import { plannedSilenceOf } from './planned-silence.ts'

/** An alert of this kind says that a channel takes nothing: it goes to the others. */
export const DELIVERY = 'delivery'

/**
 * What follows from alerts that have changed: every message that is owed now, to every channel that it goes
 * to, together with the alerts that owe it no longer. All of it is one entry, so that no crash comes between
 * a change and its messages.
 *
 * A process without channels, such as a command without the server's configuration, tells nobody and settles
 * nothing that is owed: who has channels does.
 *
 * @param changed alerts that are not as in `book`
 */
export const tellAll = (
  book: AlertBook,
  changed: readonly AlertState[],
  context: AlertContext,
  done: readonly AuditRecord[] = [],
): AlertEntry | undefined => {
  const all = new Map(book.states)
  for (const state of changed) all.set(state.key, state)
  const states = new Map(changed.map((state) => [state.key, state]))
  const outbox: OutboxMessage[] = []
  const audit = [...done]
  for (const state of context.channels.length === 0 ? [] : all.values()) {
    const isHeld =
      isInhibited(state, all.values(), context.rules) ||
      plannedSilenceOf(state, book.planned.values(), context.nowMs) !== undefined
    const owed = owedBy(state, context.rules, isHeld, context.nowMs)
    if (owed === undefined) continue
    const channels = receivers(state, owed, context)
    states.set(state.key, afterTelling(state, owed, channels, context.nowMs))
    const notification = notificationOf(state, owed, context)
    outbox.push(...channels.map((channel) => messageTo(channel, notification)))
    const detail = `${owed.severity}, to ${channels.join(', ') || 'no channel'}`
    audit.push({ atMs: context.nowMs, by: 'vigia', did: owed.reason, key: state.key, detail })
  }
  if (states.size === 0 && audit.length === 0) return undefined
  const forgotten = [...states.values()].flatMap(({ isForgotten, told, key }) =>
    isForgotten === true && told === undefined ? [key] : [],
  )
  for (const key of forgotten) states.delete(key)
  return {
    version: 1,
    states: [...states.values()],
    ...(forgotten.length > 0 && { forgotten }),
    outbox,
    audit,
  }
}

const receivers = (
  { told, kind, segment }: AlertState,
  { severity }: OwedMessage,
  context: AlertContext,
): readonly string[] => {
  const wanted = new Set([...channelsFor(context, { kind, severity }), ...(told?.channels ?? [])])
  // A channel that takes nothing is not told so by itself.
  if (kind === DELIVERY) wanted.delete(segment)
  return [...wanted]
}

const ACTIONS: Readonly<Record<AlertReason, AlertAction>> = {
  fired: 'trigger',
  escalated: 'update',
  eased: 'update',
  reminder: 'update',
  refreshed: 'update',
  acknowledged: 'acknowledge',
  resolved: 'resolve',
  test: 'trigger',
}

/** The message as channels get it. */
export const notificationOf = (
  state: AlertState,
  owed: OwedMessage,
  { nowMs, url }: Pick<AlertContext, 'nowMs' | 'url'>,
): AlertNotification => ({
  id: `${owed.episode}.${owed.reason === 'refreshed' ? 'refresh' : (state.told?.messages ?? 0)}`,
  dedupKey: state.key,
  episode: owed.episode,
  action: ACTIONS[owed.reason],
  reason: owed.reason,
  model: state.model,
  kind: state.kind,
  segment: state.segment,
  severity: owed.severity,
  ...(owed.previousSeverity !== undefined && { previousSeverity: owed.previousSeverity }),
  summary: state.summary,
  details: state.details,
  startedMs: owed.startedMs,
  atMs: nowMs,
  ...(owed.reason === 'acknowledged' && state.acknowledged && { by: state.acknowledged.by }),
  ...(url !== undefined && { url }),
  isTest: false,
})

const messageTo = (channel: string, notification: AlertNotification): OutboxMessage => ({
  id: `${notification.id}@${channel}`,
  channel,
  notification,
  attempts: 0,
  notBeforeMs: notification.atMs,
})
