import type { Random } from '../foundation/random.ts'
import type { AlertChannel, AlertDelivery } from '../ports/alert-channel.ts'
import type { AlertBook, OutboxMessage } from './alert-book.ts'
import type { AlertContext } from './alert-context.ts'
import type { BookChanges } from './journaled-book.ts'
import { type Claimant, claimDue, settle } from './outbox.ts'
import { sendSafely } from './send-safely.ts'

/** A message that was sent, and what became of it. */
export interface SentMessage {
  readonly channel: string
  readonly key: string
  readonly reason: string
  readonly delivery: AlertDelivery
}

/** What of it is to be sent now. */
export interface DeliverOptions {
  /** Only through this channel. Default: through all, each at its own pace. */
  readonly channel?: string
  /** Nothing more is begun once it is aborted. */
  readonly signal?: AbortSignal
}

/** What messages are sent with. */
interface DeliveryParts {
  readonly channels: readonly AlertChannel[]
  readonly claimant: Claimant
  readonly random: Random
  readonly contextNow: () => AlertContext
  readonly change: BookChanges
}

/** Sends what is due; each channel at its own pace, one message after the other. */
export const createDelivery = (parts: DeliveryParts) => {
  const { channels, claimant, random, contextNow, change } = parts
  const send = async (channel: AlertChannel, message: OutboxMessage, before: AlertBook) => {
    const { notification } = message
    const thread = before.threads.get(`${notification.episode}@${channel.name}`)
    const sent = thread === undefined ? notification : { ...notification, thread }
    const delivery = await sendSafely(channel, sent)
    await change((now) => ({
      entry: settle(now, message, delivery, random.next(), contextNow()),
      result: undefined,
    }))
    return { channel: channel.name, key: notification.dedupKey, reason: notification.reason, delivery }
  }
  const drain = async (channel: AlertChannel, signal?: AbortSignal): Promise<readonly SentMessage[]> => {
    const sent: SentMessage[] = []
    while (signal?.aborted !== true) {
      const { message, now } = await change((current) => {
        const { entry, claimed } = claimDue(current, claimant, contextNow(), [channel.name])
        return { entry, result: { message: claimed[0], now: current } }
      })
      if (message === undefined) return sent
      sent.push(await send(channel, message, now))
    }
    return sent
  }
  return async ({ channel, signal }: DeliverOptions = {}): Promise<readonly SentMessage[]> => {
    const wanted = channels.filter(({ name }) => channel === undefined || name === channel)
    const sent: SentMessage[] = []
    for (;;) {
      const round = (await Promise.all(wanted.map((one) => drain(one, signal)))).flat()
      sent.push(...round)
      // One channel may have refused what the others are to hear of.
      if (round.length === 0) return sent
    }
  }
}
