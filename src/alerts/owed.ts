import { powerOfTwo } from '../foundation/elementary/whole-powers.ts'
import {
  type AlertRules,
  type AlertState,
  isFiring,
  type OwedMessage,
  rankOf,
  type Told,
} from './alert-state.ts'

/**
 * What the channels have to hear of an alert: the difference between what is and what they were told.
 *
 * Therefore a look that changes nothing sends nothing; what fires and is resolved during a silence is never
 * told; what still fires when a silence or an inhibition ends is told then, once. The end of what was told is
 * never held back: an incident would stay open.
 *
 * @param isHeld whether another alert of the model, or a planned silence, holds this one back
 */
export const owedBy = (
  state: AlertState,
  rules: AlertRules,
  isHeld: boolean,
  nowMs: number,
): OwedMessage | undefined => {
  const { told, episode, severity } = state
  const isSameEpisode = told !== undefined && told.episode === episode?.id
  if (told !== undefined && !(isSameEpisode && isFiring(state)))
    return {
      reason: 'resolved',
      severity: told.severity,
      episode: told.episode,
      startedMs: told.startedMs,
    }
  if (!isFiring(state) || severity === undefined || episode === undefined) return undefined
  if (isHeld || isSilenced(state, nowMs)) return undefined
  const message = { severity, episode: episode.id, startedMs: episode.startedMs }
  if (told === undefined) return { ...message, reason: 'fired' }
  if (severity !== told.severity)
    return {
      ...message,
      reason: rankOf(severity) > rankOf(told.severity) ? 'escalated' : 'eased',
      previousSeverity: told.severity,
    }
  if (state.acknowledged !== undefined)
    return told.isAcknowledged ? undefined : { ...message, reason: 'acknowledged' }
  // While it recovers, nobody need be reminded.
  return state.status === 'firing' && nowMs >= reminderDueMs(told, rules)
    ? { ...message, reason: 'reminder' }
    : undefined
}

/** The alert once the message is on its way to `channels`. */
export const afterTelling = (
  state: AlertState,
  message: OwedMessage,
  channels: readonly string[],
  nowMs: number,
): AlertState => {
  const { told: before, ...rest } = state
  if (message.reason === 'resolved') return rest
  const isReminder = message.reason === 'reminder'
  const told: Told = {
    episode: message.episode,
    startedMs: message.startedMs,
    severity: message.severity,
    atMs: nowMs,
    reminders: isReminder ? (before?.reminders ?? 0) + 1 : 0,
    isAcknowledged: message.reason === 'acknowledged',
    messages: (before?.messages ?? 0) + 1,
    channels,
  }
  return { ...rest, told }
}

export const isSilenced = ({ silence }: AlertState, nowMs: number): boolean =>
  silence !== undefined && nowMs < silence.untilMs

/** Whether an alert of the same model fires that holds this one back (`rules.inhibit`). */
export const isInhibited = (
  state: AlertState,
  all: Iterable<AlertState>,
  { inhibit }: AlertRules,
): boolean => {
  for (const other of all)
    if (other.model === state.model && isFiring(other) && inhibit[other.kind]?.includes(state.kind) === true)
      return true
  return false
}

/** When the next reminder is due, epoch milliseconds. */
const reminderDueMs = (
  { atMs, reminders }: Told,
  { firstReminderMs, longestReminderMs }: AlertRules,
): number => atMs + Math.min(longestReminderMs, firstReminderMs * powerOfTwo(Math.min(reminders, 20)))
