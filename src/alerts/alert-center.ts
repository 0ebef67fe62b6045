import type { Random } from '../foundation/random.ts'
import type { World } from '../foundation/world.ts'
import type { AlertChannel } from '../ports/alert-channel.ts'
import type { Journal } from '../ports/journal.ts'
import type { AlertBook, AlertEntry } from './alert-book.ts'
import {
  type AlertPerson,
  acknowledge,
  type SilenceRequest,
  silence,
  switchOn,
  unsilence,
} from './alert-commands.ts'
import type { AlertContext } from './alert-context.ts'
import { createDelivery, type DeliverOptions, type SentMessage } from './deliver-messages.ts'
import { type ForgetRequest, forget } from './forget-alerts.ts'
import { type BookChanges, openJournaledBook } from './journaled-book.ts'
import type { Claimant } from './outbox.ts'
import { cancel, type PlanRequest, plan } from './plan-silence.ts'
import { createRefresher } from './refresh-receivers.ts'
import { reportChannels } from './report-channels.ts'
import { isTaken, type Look, passTime, takeLook } from './take-look.ts'
import { trimBook } from './trim-book.ts'

/** What an alert center works with. */
export interface AlertCenterOptions {
  readonly journal: Journal<AlertEntry>
  readonly channels: readonly AlertChannel[]
  /** Channels that this process cannot send through, by name with the reason: their messages wait. */
  readonly broken?: ReadonlyMap<string, string>
  readonly settings: Omit<AlertContext, 'nowMs' | 'channels' | 'broken'>
  readonly world: Pick<World, 'now'>
  /** For the pauses before a message is sent again. */
  readonly random: Random
  /** How messages that are under way are told from those of a process that has ended. */
  readonly claimant: Claimant
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
  /** A silence of what may come. @throws ALERT_SILENCE_INVALID */
  plan(request: PlanRequest): Promise<void>
  /** Ends a planned silence, or one that has not begun. @throws ALERT_SILENCE_UNKNOWN */
  cancel(id: string, person: AlertPerson): Promise<void>
  /** Removes what nobody needs any more. @throws ALERT_UNKNOWN, ALERT_MODEL_UNKNOWN */
  forget(request: ForgetRequest, person: AlertPerson): Promise<void>
  /**
   * Messages that are due because time has passed: reminders, silences that ended, looks that did not come.
   */
  passTime(): Promise<void>
  /**
   * Sends everything that is due now; a channel that is slow holds up no other. @returns what was sent
   */
  deliver(options?: DeliverOptions): Promise<readonly SentMessage[]>
  /** Tells receivers that take silence for the end that what fires still does. @param channel default: all */
  refresh(channel?: string): Promise<void>
  /** Writes down what this process cannot send through. */
  reportChannels(): Promise<void>
  /** Channels that were switched off get messages again. */
  enable(channel: string, person: AlertPerson): Promise<void>
  /** What is known now. */
  book(): Promise<AlertBook>
  /** What was known after the last of these calls, without a look at what others did since. */
  latest(): AlertBook
  /** When that was, epoch milliseconds; 0: no call has ended well yet. */
  latestAtMs(): number
  close(): Promise<void>
}

export const createAlertCenter = (options: AlertCenterOptions): AlertCenter => {
  const { journal, channels, claimant, random, broken } = options
  const names = channels.map(({ name }) => name)
  const refresh = createRefresher(channels.filter(({ name }) => broken?.has(name) !== true))
  const contextNow = (): AlertContext => ({
    ...options.settings,
    channels: names,
    ...(broken !== undefined && { broken }),
    nowMs: options.world.now(),
  })

  const journaled = openJournaledBook(journal, (book) => trimBook(book, contextNow()))
  let latestAtMs = 0
  const change: BookChanges = async (work) => {
    const result = await journaled(work)
    latestAtMs = options.world.now()
    return result
  }
  const apply = (work: (book: AlertBook, context: AlertContext) => AlertEntry | undefined) =>
    change((book) => ({ entry: work(book, contextNow()), result: undefined }))
  const book = (): Promise<AlertBook> => change((now) => ({ result: now }))

  const deliver = createDelivery({ channels, claimant, random, contextNow, change })

  return {
    book,
    latest: journaled.latest,
    latestAtMs: () => latestAtMs,
    look: (look) =>
      change((now) => ({
        entry: takeLook(now, look, contextNow()),
        result: !isTaken(now, look),
      })),
    acknowledge: (key, person) => apply((now, context) => acknowledge(now, key, person, context)),
    silence: (key, request) => apply((now, context) => silence(now, key, request, context)),
    unsilence: (key, person) => apply((now, context) => unsilence(now, key, person, context)),
    plan: (request) => apply((now, context) => plan(now, request, context)),
    cancel: (id, person) => apply((now, context) => cancel(now, id, person, context)),
    forget: (request, person) => apply((now, context) => forget(now, request, person, context)),
    passTime: () => apply(passTime),
    deliver,
    refresh: async (channel) => refresh(await book(), contextNow(), channel),
    reportChannels: () => apply(reportChannels),
    enable: (channel, person) => apply((now, context) => switchOn(now, channel, person, context)),
    close: async () => {
      await Promise.all(channels.map((channel) => channel.close?.()))
    },
  }
}
