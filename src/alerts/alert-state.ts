import type { AlertReason, AlertSeverity } from '../ports/alert-channel.ts'
import { ALERT_SEVERITIES } from '../ports/alert-channel.ts'
import type { AlertSubject } from './alert-key.ts'

/**
 * Where an alert is. `pending`: seen, not confirmed yet. `recovering`: it fires, and the last look was clean.
 */
export type AlertStatus = 'ok' | 'pending' | 'firing' | 'recovering'

/** What one look found; `none`: nothing. */
export type FoundSeverity = AlertSeverity | 'none'

/** One thing that a look found. */
export interface Finding {
  readonly kind: string
  readonly segment: string
  readonly severity: FoundSeverity
  readonly summary: string
  readonly details?: readonly string[]
}

/** Nobody wants to hear of it for a while. */
export interface Silence {
  readonly untilMs: number
  readonly reason: string
  readonly by: string
  readonly atMs: number
}

/** One alert over its whole life. Plain data: it is what the journal holds. */
export interface AlertState extends AlertSubject {
  readonly key: string
  readonly status: AlertStatus
  /** While it fires. */
  readonly severity?: AlertSeverity
  /** What the last looks found, the newest last; at most `RECENT_LOOKS`. */
  readonly recent: readonly FoundSeverity[]
  readonly summary: string
  readonly details: readonly string[]
  /** When the present status began, epoch milliseconds. */
  readonly sinceMs: number
  /** The running episode, or the last one; absent before the first. */
  readonly episode?: Episode
  /** What the channels were told last; absent: nothing that they still believe. */
  readonly told?: Told
  readonly acknowledged?: { readonly by: string; readonly atMs: number }
  readonly silence?: Silence
  /** Nobody needs it any more: it is removed as soon as the channels were told that it is over. */
  readonly isForgotten?: boolean
}

/** From firing to resolved. */
export interface Episode {
  readonly id: string
  readonly startedMs: number
}

/** What the channels believe of an episode. */
export interface Told {
  readonly episode: string
  readonly startedMs: number
  readonly severity: AlertSeverity
  readonly atMs: number
  readonly reminders: number
  readonly isAcknowledged: boolean
  /** Messages so far: the next one has this number. */
  readonly messages: number
  /** Names of the channels: they hear of the end too, wherever the route of a lesser severity leads. */
  readonly channels: readonly string[]
}

/** When an alert fires, recovers and is repeated. */
export interface AlertRules {
  /** Looks of at least this severity, out of so many last ones, that make it fire at it. */
  readonly confirm: Readonly<Record<AlertSeverity, { readonly looks: number; readonly of: number }>>
  /** Looks in a row below the severity after which it eases, and clean looks after which it is resolved. */
  readonly recoveryLooks: number
  /** First pause until a reminder; each is twice as long as the one before it, up to `longestReminderMs`. */
  readonly firstReminderMs: number
  readonly longestReminderMs: number
  /** Kinds that are held back while a kind fires for the same model. */
  readonly inhibit: Readonly<Record<string, readonly string[]>>
}

/** A message that is owed to the channels. */
export interface OwedMessage {
  readonly reason: AlertReason
  readonly severity: AlertSeverity
  readonly previousSeverity?: AlertSeverity
  readonly episode: string
  readonly startedMs: number
}

/** More looks than any rule may ask about. */
export const RECENT_LOOKS = 30

/** 0 for none, 3 for critical. */
export const rankOf = (severity: FoundSeverity | undefined): number =>
  severity === undefined || severity === 'none' ? 0 : ALERT_SEVERITIES.indexOf(severity) + 1

export const isFiring = ({ status }: AlertState): boolean => status === 'firing' || status === 'recovering'
