import { VigiaError } from '../errors.ts'
import type { AlertBook, AlertEntry, AuditRecord } from './alert-book.ts'
import type { AlertContext } from './alert-context.ts'
import { type AlertState, isFiring } from './alert-state.ts'
import { assertSilenceTimes, isoOf } from './silence-times.ts'
import { tellAll } from './tell-all.ts'

/** Who asks. */
export interface AlertPerson {
  readonly by: string
}

/**
 * Somebody has taken the alert on: no reminders until it is worse. Without effect where it is acknowledged
 * already.
 *
 * @throws ALERT_UNKNOWN, ALERT_NOT_FIRING
 */
export const acknowledge = (
  book: AlertBook,
  key: string,
  { by }: AlertPerson,
  context: AlertContext,
): AlertEntry | undefined => {
  const state = alertOf(book, key)
  if (!isFiring(state)) throw new VigiaError('ALERT_NOT_FIRING', { key, status: state.status })
  if (state.acknowledged !== undefined) return undefined
  const { nowMs: atMs } = context
  const after: AlertState = { ...state, acknowledged: { by, atMs } }
  return tellAll(book, [after], context, [record(context, by, 'acknowledged it', key)])
}

/** What a silence says. */
export interface SilenceRequest extends AlertPerson {
  readonly untilMs: number
  readonly reason: string
}

/**
 * Nothing is sent of the alert until then, but that it is over. A second silence takes the place of the
 * first.
 *
 * @throws ALERT_UNKNOWN, ALERT_SILENCE_INVALID when it ends in the past, lasts
 * longer than a year or has no reason
 */
export const silence = (
  book: AlertBook,
  key: string,
  { untilMs, reason, by }: SilenceRequest,
  context: AlertContext,
): AlertEntry | undefined => {
  const state = alertOf(book, key)
  const { nowMs: atMs } = context
  assertSilenceTimes(key, { untilMs, reason }, atMs)
  const after: AlertState = { ...state, silence: { untilMs, reason, by, atMs } }
  const detail = `until ${isoOf(untilMs)}: ${reason}`
  return tellAll(book, [after], context, [{ ...record(context, by, 'silenced it', key), detail }])
}

/** Ends a silence. Without effect where there is none. @throws ALERT_UNKNOWN */
export const unsilence = (
  book: AlertBook,
  key: string,
  { by }: AlertPerson,
  context: AlertContext,
): AlertEntry | undefined => {
  const { silence: before, ...after } = alertOf(book, key)
  if (before === undefined) return undefined
  return tellAll(book, [after], context, [record(context, by, 'ended its silence', key)])
}

/** A channel that its receiver had switched off gets messages again. Without effect where it is on. */
export const switchOn = (
  { disabled }: AlertBook,
  channel: string,
  { by }: AlertPerson,
  { nowMs }: AlertContext,
): AlertEntry | undefined =>
  disabled.has(channel)
    ? {
        version: 1,
        disabled: { [channel]: null },
        audit: [{ atMs: nowMs, by, did: 'switched on', detail: channel }],
      }
    : undefined

/** @throws ALERT_UNKNOWN */
export const alertOf = (book: AlertBook, key: string): AlertState => {
  const state = book.states.get(key)
  if (state !== undefined) return state
  const known = [...book.states.keys()].sort().slice(0, 10)
  throw new VigiaError('ALERT_UNKNOWN', { key, known: known.join(', ') || 'none' })
}

export const record = ({ nowMs }: AlertContext, by: string, did: string, key: string): AuditRecord => ({
  atMs: nowMs,
  by,
  did,
  key,
})
