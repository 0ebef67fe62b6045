import type { AlertNotification } from '../ports/alert-channel.ts'
import type { AlertBook } from './alert-book.ts'
import type { AlertContext } from './alert-context.ts'
import { dedupKeyOf } from './alert-key.ts'
import { type AlertState, isFiring } from './alert-state.ts'
import { atOnce, observe, unseen } from './observe.ts'
import { DELIVERY } from './tell-all.ts'

/** A message that a channel does not get. */
interface Undelivered {
  readonly channel: string
  readonly notification: AlertNotification
  readonly reason: string
}

/**
 * The alert to the other channels that a message was not delivered; undefined where it fires already, where
 * nobody has the channel, and for a message that is itself about one: it makes no further alert.
 */
export const undelivered = (
  book: AlertBook,
  { channel, notification, reason }: Undelivered,
  { nowMs, rules, channels }: AlertContext,
): AlertState | undefined => {
  if (notification.kind === DELIVERY || !channels.includes(channel)) return undefined
  const subject = { model: notification.model, kind: DELIVERY, segment: channel }
  const before = book.states.get(dedupKeyOf(subject)) ?? unseen(subject, nowMs)
  if (isFiring(before)) return undefined
  const summary = `The channel ${channel} does not take alerts: ${reason}`
  const details = [`Not delivered: ${notification.dedupKey} (${notification.reason})`]
  return observe(before, { severity: 'severe', summary, details }, atOnce(rules), nowMs)
}
