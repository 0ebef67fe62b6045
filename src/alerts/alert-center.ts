import type { Random } from '../foundation/random.ts'
import type { World } from '../foundation/world.ts'
import type { AlertChannel, AlertDelivery } from '../ports/alert-channel.ts'
import type { Journal } from '../ports/journal.ts'
import type { AlertBook, AlertEntry, OutboxMessage } from './alert-book.ts'
import {
  type AlertPerson,
  acknowledge,
  type SilenceRequest,
  silence,
  switchOn,
  unsilence,
} from './alert-commands.ts'
import type { AlertContext } from './alert-context.ts'
import { openJournaledBook } from './journaled-book.ts'
import { type Claimant, claimDue, settle } from './outbox.ts'
import { createRefresher } from './refresh-receivers.ts'
import { sendSafely } from './send-safely.ts'
import { isTaken, type Look, passTime, takeLook } from './take-look.ts'

/** What an alert center works with. */
export interface AlertCenterOptions {
  readonly journal: Journal<AlertEntry>
  readonly channels: readonly AlertChannel[]
  readonly settings: Omit<AlertContext, 'nowMs' | 'channels'>
  readonly world: Pick<World, 'now'>
  /** For the pauses before a message is sent again. */
  readonly random: Random
  /** How messages that are under way are told from those of a process that has ended. */
  readonly claimant: Claimant
}

/** A message that was sent, and what became of it. */
export interface SentMessage {
  readonly channel: string
  readonly key: string
  readonly reason: string
  readonly delivery: AlertDelivery
}

/**
 * Alerts from a look to the receivers. Several processes may work on one journal, such as a server and
 * `vigia alerts`: each call sees what the others did.
 *
 * Any call throws what the journal throws: ALERT_JOURNAL_FAILED.
 */
export interface AlertCenter {
  /** Takes a look in, once. @returns false where it was taken before */
  look(look: Look): Promise<boolean>
  /** @throws ALERT_UNKNOWN, ALERT_NOT_FIRING */
  acknowledge(key: string, person: AlertPerson): Promise<void>
  /** @throws ALERT_UNKNOWN, ALERT_SILENCE_INVALID */
  silence(key: string, request: SilenceRequest): Promise<void>
  /** @throws ALERT_UNKNOWN */
  unsilence(key: string, person: AlertPerson): Promise<void>
  /**
   * Messages that are due because time has passed: reminders, silences that ended, looks that did not come.
   */
  passTime(): Promise<void>
  /** Sends everything that is due now. @returns what was sent */
  deliver(): Promise<readonly SentMessage[]>
  /** Tells receivers that take silence for the end that what fires still does. */
  refresh(): Promise<void>
  /** Channels that were switched off get messages again. */
  enable(channel: string, person: AlertPerson): Promise<void>
  /** What is known now. */
  book(): Promise<AlertBook>
  close(): Promise<void>
}

export const createAlertCenter = (options: AlertCenterOptions): AlertCenter => {
  const { journal, channels, claimant, random } = options
  const names = channels.map(({ name }) => name)
  const byName = new Map(channels.map((channel) => [channel.name, channel]))
  const refresh = createRefresher(channels)
  const contextNow = (): AlertContext => ({
    ...options.settings,
    channels: names,
    nowMs: options.world.now(),
  })

  const change = openJournaledBook(journal)
  const apply = (work: (book: AlertBook, context: AlertContext) => AlertEntry | undefined) =>
    change((book) => ({ entry: work(book, contextNow()), result: undefined }))
  const book = (): Promise<AlertBook> => change((now) => ({ result: now }))

  const sendOne = async (message: OutboxMessage, before: AlertBook) => {
    const { channel, notification } = message
    const thread = before.threads.get(`${notification.episode}@${channel}`)
    const sent = thread === undefined ? notification : { ...notification, thread }
    const delivery = await sendSafely(byName.get(channel)!, sent)
    await apply((now, context) => settle(now, message, delivery, random.next(), context))
    return { channel, key: notification.dedupKey, reason: notification.reason, delivery }
  }

  return {
    book,
    look: (look) =>
      change((now) => ({
        entry: takeLook(now, look, contextNow()),
        result: !isTaken(now, look),
      })),
    acknowledge: (key, person) => apply((now, context) => acknowledge(now, key, person, context)),
    silence: (key, request) => apply((now, context) => silence(now, key, request, context)),
    unsilence: (key, person) => apply((now, context) => unsilence(now, key, person, context)),
    passTime: () => apply(passTime),
    async deliver() {
      const sent: SentMessage[] = []
      for (;;) {
        const { claimed, now } = await change((current) => {
          const { entry, claimed } = claimDue(current, claimant, contextNow())
          return { entry, result: { claimed, now: current } }
        })
        if (claimed.length === 0) return sent
        sent.push(...(await Promise.all(claimed.map((message) => sendOne(message, now)))))
      }
    },
    refresh: async () => refresh(await book(), contextNow()),
    enable: (channel, person) => apply((now, context) => switchOn(now, channel, person, context)),
    close: async () => {
      await Promise.all(channels.map((channel) => channel.close?.()))
    },
  }
}
