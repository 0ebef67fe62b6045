import { powerOfTwo } from '../foundation/elementary/whole-powers.ts'
import type { AlertDelivery } from '../ports/alert-channel.ts'
import type { AlertBook, AlertEntry, DeadLetter, OutboxMessage } from './alert-book.ts'
import type { AlertContext, RetryRules } from './alert-context.ts'
import { type AlertState, isFiring } from './alert-state.ts'
import { undelivered } from './delivery-alert.ts'
import { atOnce, observe } from './observe.ts'
import { DELIVERY, tellAll } from './tell-all.ts'

/** Who sends, and for how long an attempt may be under way. */
export interface Claimant {
  readonly by: string
  readonly claimMs: number
  /** Whether whoever made a claim is known to have ended: nobody waits for it. */
  readonly isGone: (by: string) => boolean
}

/**
 * The next messages to be sent, at most one for each of `wanted`, so that a channel gets them one by one and
 * those of an alert in their order. They are marked as under way, and counted, before they are sent: who is
 * killed after that sends them again, under the same id.
 */
export const claimDue = (
  book: AlertBook,
  { by, claimMs, isGone }: Claimant,
  context: AlertContext,
  wanted: readonly string[] = context.channels,
): { readonly entry: AlertEntry | undefined; readonly claimed: readonly OutboxMessage[] } => {
  const { nowMs } = context
  const claimed: OutboxMessage[] = []
  const hopeless: [OutboxMessage, string][] = []
  const busyChannels = new Set<string>()
  const passedKeys = new Set<string>()
  for (const message of book.outbox.values()) {
    const { channel, claim, notBeforeMs, notification } = message
    const reason = whyHopeless(book, message, context)
    if (reason !== undefined) {
      hopeless.push([message, reason])
      continue
    }
    const line = `${channel} ${notification.dedupKey}`
    const isUnderWay = claim !== undefined && nowMs < claim.untilMs && !isGone(claim.by)
    if (isUnderWay) busyChannels.add(channel)
    // Another process may have the channel: a server whose configuration this one was not given.
    const isKnown = wanted.includes(channel) && context.broken?.has(channel) !== true
    const isDue = isKnown && !isUnderWay && nowMs >= notBeforeMs
    const mayGo = isDue && !passedKeys.has(line) && !busyChannels.has(channel)
    passedKeys.add(line)
    if (!mayGo) continue
    busyChannels.add(channel)
    claimed.push({ ...message, attempts: message.attempts + 1, claim: { by, untilMs: nowMs + claimMs } })
  }
  const given = giveUp(book, hopeless, context)
  if (claimed.length === 0) return { entry: given, claimed }
  const outbox = [...(given?.outbox ?? []), ...claimed]
  return { entry: { version: 1, ...given, outbox }, claimed }
}

const whyHopeless = (
  { disabled }: AlertBook,
  { channel, notification }: OutboxMessage,
  { channels, broken, nowMs, retry }: AlertContext,
): string | undefined => {
  const isOld = nowMs - notification.atMs > retry.giveUpMs
  const brokenBy = broken?.get(channel)
  if (brokenBy !== undefined && isOld) return `the channel is broken: ${brokenBy}`
  if (!channels.includes(channel) && isOld) return 'no channel of this name is configured any more'
  const reason = disabled.get(channel)
  return reason === undefined ? undefined : `the channel was switched off: ${reason}`
}

/** What follows from an attempt. undefined where another process has settled the message meanwhile. */
export const settle = (
  book: AlertBook,
  { id, claim }: OutboxMessage,
  delivery: AlertDelivery,
  random: number,
  context: AlertContext,
): AlertEntry | undefined => {
  const message = book.outbox.get(id)
  if (message === undefined || message.claim?.by !== claim?.by) return undefined
  if (delivery.kind === 'delivered') return arrived(book, message, delivery, context)
  const { nowMs, retry } = context
  if (delivery.kind === 'refused') {
    const given = giveUp(book, [[message, delivery.reason]], context)
    return delivery.disables === true
      ? { version: 1, ...given, disabled: { [message.channel]: delivery.reason } }
      : given
  }
  const pauseMs = pauseBefore(message.attempts, random, delivery.afterMs ?? 0, retry)
  if (nowMs + pauseMs - message.notification.atMs > retry.giveUpMs)
    return giveUp(
      book,
      [[message, `given up after ${message.attempts} attempts: ${delivery.reason}`]],
      context,
    )
  const { claim: _, ...rest } = message
  const later = { ...rest, notBeforeMs: nowMs + pauseMs, lastReason: delivery.reason }
  return { version: 1, outbox: [later] }
}

/**
 * How long until a message is sent again: `firstMs`, doubled with every attempt up to `longestMs`; of that a
 * random half to whole, so that servers that failed together do not come back together. What the receiver
 * asks for is waited in full.
 *
 * @param attempts 1 after the first
 * @param random from [0, 1)
 */
export const pauseBefore = (
  attempts: number,
  random: number,
  afterMs: number,
  { firstMs, longestMs }: RetryRules,
): number => {
  const grown = Math.min(longestMs, firstMs * powerOfTwo(Math.min(attempts - 1, 30)))
  return Math.ceil(Math.max(afterMs, grown * (0.5 + random / 2)))
}

const arrived = (
  book: AlertBook,
  { id, channel, notification, attempts }: OutboxMessage,
  { thread, note }: Extract<AlertDelivery, { kind: 'delivered' }>,
  context: AlertContext,
): AlertEntry => {
  const { nowMs } = context
  const { dedupKey, episode, reason, kind } = notification
  const handle = `${episode}@${channel}`
  const threads =
    reason === 'resolved' ? { [handle]: null } : thread === undefined ? {} : { [handle]: thread }
  const record = {
    atMs: nowMs,
    by: 'vigia',
    did: 'delivered',
    key: dedupKey,
    detail: `${reason} to ${channel}, attempt ${attempts}${note === undefined ? '' : `; ${note}`}`,
  }
  const healed = kind === DELIVERY ? [] : deliveryAlertsOf(book, channel).filter(isFiring)
  const clean = { severity: 'none', summary: '' } as const
  const changed = healed.map((state) => observe(state, clean, atOnce(context.rules), nowMs))
  return {
    version: 1,
    ...tellAll(book, changed, context, [record]),
    done: [id],
    threads,
    delivered: { [channel]: nowMs },
    // Another process could not send through it, and is told so here.
    ...(book.broken.has(channel) && { broken: { [channel]: null } }),
  }
}

const deliveryAlertsOf = (book: AlertBook, channel: string): readonly AlertState[] =>
  [...book.states.values()].filter(({ kind, segment }) => kind === DELIVERY && segment === channel)

/** Dead letters, and an alert to the other channels. */
const giveUp = (
  book: AlertBook,
  messages: readonly (readonly [OutboxMessage, string])[],
  context: AlertContext,
): AlertEntry | undefined => {
  if (messages.length === 0) return undefined
  const { nowMs } = context
  const dead = messages.map(([message, reason]): DeadLetter => {
    const { id, channel, notification, attempts } = message
    return { id, channel, notification, attempts, reason, atMs: nowMs }
  })
  const changed = new Map<string, AlertState>()
  for (const letter of dead) {
    const state = undelivered(book, letter, context)
    if (state !== undefined) changed.set(state.key, state)
  }
  const audit = dead.map(({ channel, notification, reason }) => ({
    atMs: nowMs,
    by: 'vigia',
    did: 'gave up',
    key: notification.dedupKey,
    detail: `${notification.reason} to ${channel}: ${reason}`,
  }))
  const told = tellAll(book, [...changed.values()], context, audit)
  return { version: 1, ...told, dead, done: dead.map(({ id }) => id) }
}
