import type { Random } from '../foundation/random.ts'
import type { World } from '../foundation/world.ts'
import type { AlertChannel, AlertDelivery } from '../ports/alert-channel.ts'
import type { AlertJournal } from '../ports/alert-journal.ts'
import { type AlertBook, type AlertEntry, EMPTY_BOOK, wholeBook, withEntries } from './alert-book.ts'
import { type AlertPerson, acknowledge, type SilenceRequest, silence, unsilence } from './alert-commands.ts'
import type { AlertContext } from './alert-context.ts'
import { isFiring } from './alert-state.ts'
import { type Claimant, claimDue, settle } from './outbox.ts'
import { type Look, passTime, takeLook } from './take-look.ts'
import { notificationOf } from './tell-all.ts'

/** What an alert center works with. */
export interface AlertCenterOptions {
  readonly journal: AlertJournal<AlertEntry>
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
  /** Messages that are due because time has passed: reminders, silences that ended, looks that did not come. */
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

type Change<Result> = (book: AlertBook) => {
  readonly entry?: AlertEntry | undefined
  readonly result: Result
}

/** Entries after which a journal is written anew as one. */
const LONGEST_JOURNAL = 1000

export const createAlertCenter = (options: AlertCenterOptions): AlertCenter => {
  const { journal, channels, claimant, random } = options
  const names = channels.map(({ name }) => name)
  const byName = new Map(channels.map((channel) => [channel.name, channel]))
  const refreshedMs = new Map<string, number>()
  let known = EMPTY_BOOK
  const contextNow = (): AlertContext => ({
    ...options.settings,
    channels: names,
    nowMs: options.world.now(),
  })

  // One after the other, so that what is known follows the journal: it must not be known before it is written.
  let last: Promise<unknown> = Promise.resolve()
  const change = <Result>(work: Change<Result>): Promise<Result> => {
    const mine = last.then(async () => {
      let next = known
      const result = await journal.transact<Result>((unseen, isAnew) => {
        const current = withEntries(isAnew ? EMPTY_BOOK : known, unseen)
        next = current
        const { entry, result } = work(current)
        if (entry === undefined) return { result }
        next = withEntries(current, [entry])
        if (next.entries < LONGEST_JOURNAL) return { append: entry, result }
        const replace = wholeBook(next)
        next = { ...next, entries: 1 }
        return { replace, result }
      })
      known = next
      return result
    })
    last = mine.catch(() => undefined)
    return mine
  }
  const apply = (work: (book: AlertBook, context: AlertContext) => AlertEntry | undefined) =>
    change((book) => ({ entry: work(book, contextNow()), result: undefined }))
  const book = (): Promise<AlertBook> => change((now) => ({ result: now }))

  const sendOne = async (message: ReturnType<typeof claimDue>['claimed'][number], before: AlertBook) => {
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
      change((now) => {
        const entry = takeLook(now, look, contextNow())
        return { entry, result: entry !== undefined }
      }),
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
    async refresh() {
      const now = await book()
      const { nowMs, url } = contextNow()
      await Promise.all(
        channels.map(async (channel) => {
          const dueMs = (refreshedMs.get(channel.name) ?? Number.NEGATIVE_INFINITY) + (channel.refreshMs ?? 0)
          if (channel.refreshMs === undefined || nowMs < dueMs) return
          refreshedMs.set(channel.name, nowMs)
          for (const notification of toRefresh(now, channel.name, nowMs, url))
            await sendSafely(channel, notification)
        }),
      )
    },
    enable: (channel, { by }) =>
      apply((now, { nowMs }) =>
        now.disabled.has(channel)
          ? {
              version: 1,
              disabled: { [channel]: null },
              audit: [{ atMs: nowMs, by, did: 'switched on', detail: channel }],
            }
          : undefined,
      ),
    close: async () => {
      await Promise.all(channels.map((channel) => channel.close?.()))
    },
  }
}

/** What a channel has heard of, still fires, and is not about to hear something else of. */
const toRefresh = (book: AlertBook, channel: string, nowMs: number, url: string | undefined) => {
  const waiting = new Set(
    [...book.outbox.values()].flatMap((message) =>
      message.channel === channel ? [message.notification.dedupKey] : [],
    ),
  )
  return [...book.states.values()].flatMap((state) => {
    const { told, key } = state
    if (told === undefined || !isFiring(state) || !told.channels.includes(channel) || waiting.has(key))
      return []
    const { episode, startedMs, severity } = told
    const owed = { reason: 'refreshed', severity, episode, startedMs } as const
    return [notificationOf(state, owed, url === undefined ? { nowMs } : { nowMs, url })]
  })
}

/** Channels do not throw; one of somebody else's may, and must not stop the others. */
const sendSafely = async (
  channel: AlertChannel,
  notification: Parameters<AlertChannel['send']>[0],
): Promise<AlertDelivery> => {
  try {
    return await channel.send(notification)
  } catch (error) {
    return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) }
  }
}
