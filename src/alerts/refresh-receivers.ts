import type { AlertChannel } from '../ports/alert-channel.ts'
import type { AlertBook } from './alert-book.ts'
import type { AlertContext } from './alert-context.ts'
import { isFiring } from './alert-state.ts'
import { sendSafely } from './send-safely.ts'
import { notificationOf } from './tell-all.ts'

/**
 * Tells receivers that take silence for the end that what fires still does, each as often as it has to hear
 * it. Nothing of it is kept: what is lost is made good by the next one.
 *
 * @returns tells one channel, or all of them
 */
export const createRefresher = (
  channels: readonly AlertChannel[],
): ((book: AlertBook, now: Pick<AlertContext, 'nowMs' | 'url'>, only?: string) => Promise<void>) => {
  const refreshedMs = new Map<string, number>()
  return async (book, now, only) => {
    await Promise.all(
      channels.map(async (channel) => {
        const { name, refreshMs } = channel
        if (only !== undefined && name !== only) return
        const dueMs = (refreshedMs.get(name) ?? Number.NEGATIVE_INFINITY) + (refreshMs ?? 0)
        if (refreshMs === undefined || now.nowMs < dueMs) return
        refreshedMs.set(name, now.nowMs)
        for (const notification of toRefresh(book, name, now)) await sendSafely(channel, notification)
      }),
    )
  }
}

/** What a channel has heard of, still fires, and is not about to hear something else of. */
const toRefresh = (book: AlertBook, channel: string, now: Pick<AlertContext, 'nowMs' | 'url'>) => {
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
    return [notificationOf(state, { reason: 'refreshed', severity, episode, startedMs }, now)]
  })
}
