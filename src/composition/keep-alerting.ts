import { setTimeout as wait } from 'node:timers/promises'
import type { Heartbeat } from '../adapters/alerts/heartbeat.ts'
import { hasFileJournal } from '../adapters/journal/file-journal.ts'
import type { AlertCenter } from '../alerts/alert-center.ts'
import { isFiring } from '../alerts/alert-state.ts'
import { HEARTBEAT } from '../alerts/report-channels.ts'
import type { ServedAlerts } from '../alerts/served-alerts.ts'
import type { ServeTools } from '../cli/commands/serve.ts'
import { parseDuration } from '../foundation/duration.ts'
import { repeatWork, tellingTrouble } from '../foundation/repeat-work.ts'
import type { AlertParts } from './open-alerts.ts'

/** What keeps alerts going in a process that runs. */
export interface AlertLoop {
  readonly center: AlertCenter
  /** Names of the channels. */
  readonly channels: readonly string[]
  /** Whether nobody has told anything yet that time could make anything of. Absent: never. */
  readonly isEmpty?: () => boolean
  /** Absent where nobody outside listens for signs of life. */
  readonly heartbeat?: { readonly to: Heartbeat; readonly everyMs: number } | undefined
  readonly now: () => number
  /** Told of what went wrong; the loop goes on. */
  readonly onTrouble: (reason: string) => void
  /** Told of each sign of life that was taken. */
  readonly onBeat?: (atMs: number) => void
  /** Waits so long; ends early when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
}

/** How often something may be due: a message is sent at most so late. */
const TURN_MS = 5_000

/**
 * Sends what is due, turn by turn: reminders, ends of silences, looks that did not come, messages that are
 * tried again, and signs of life.
 *
 * Each channel goes at its own pace: a turn begins with those that are not at work, and waits for none. Signs
 * of life have a clock of their own. They are sent only while the alerts can be read: what cannot work must
 * not look alive.
 *
 * @returns ends it when what is under way is done
 */
export const keepAlerting = (loop: AlertLoop): (() => Promise<void>) => {
  const { center, channels, heartbeat, isEmpty = () => false, onTrouble, pause } = loop
  const stopping = new AbortController()
  const { signal } = stopping
  const told = (work: () => Promise<void>) =>
    tellingTrouble((error) => onTrouble(error instanceof Error ? error.message : String(error)), work)
  const atWork = new Map<string, Promise<void>>()
  const lanes = channels.map((channel) => {
    const work = told(async () => {
      await center.deliver({ channel, signal })
      await center.refresh(channel)
    })
    return () => {
      if (!atWork.has(channel))
        atWork.set(
          channel,
          work().finally(() => atWork.delete(channel)),
        )
    }
  })
  const turn = told(async () => {
    if (isEmpty()) return
    await center.passTime()
    for (const begin of lanes) begin()
  })
  const running = [
    repeatWork(signal, turn, () => pause(TURN_MS, signal)),
    heartbeat &&
      repeatWork(
        signal,
        told(() => beat(loop, heartbeat.to)),
        () => pause(heartbeat.everyMs, signal),
      ),
  ]
  return async () => {
    stopping.abort()
    await Promise.all(running)
    await Promise.all(atWork.values())
    await center.close()
  }
}

const beat = async ({ center, now, onBeat }: AlertLoop, to: Heartbeat): Promise<void> => {
  const { states, outbox } = await center.book()
  const firing = [...states.values()].filter(isFiring).length
  const atMs = now()
  const delivery = await to.beat({ firing, waiting: outbox.size, atMs })
  if (delivery.kind !== 'delivered') throw new Error(delivery.reason)
  onBeat?.(atMs)
}

/**
 * A server that keeps alerts beside its decisions: it sends them, where channels are configured, and notices
 * looks that do not come. What cannot be sent through, as where a secret is missing, is said at the start and
 * keeps nothing from starting.
 *
 * Without channels nothing is written before somebody has told something: its own looks, or a command.
 */
export const withAlerts =
  (startServer: ServeTools['startServer'], parts: AlertParts): ServeTools['startServer'] =>
  async (request) => {
    const { alerts, monitoring } = request.settings
    // Loaded where it is used: other commands start without.
    const { alertsOpener, hasReceivers, isWatched, servedChannels } = await import('./open-alerts.ts')
    const opened = await alertsOpener(parts)(alerts, request.environment)
    const { center, broken, heartbeat } = opened
    const tell = (text: string): void => request.onWarning?.(`alerts: ${text}`)
    for (const [name, reason] of broken)
      tell(`${name} IS BROKEN${name === HEARTBEAT ? '' : ', ITS MESSAGES WAIT'}: ${reason}`)
    const isTold = opened.channels.length > 0 || hasReceivers(alerts)
    const isEmpty = (): boolean => !isTold && !hasFileJournal(alerts.path)
    let lastBeatMs = 0
    const served: ServedAlerts = {
      center,
      isKept: () => monitoring.enabled || !isEmpty(),
      channels: servedChannels(alerts, opened),
      ...(isWatched(alerts) && { heartbeat: heartbeatOf(broken.get(HEARTBEAT), () => lastBeatMs) }),
    }
    const server = await startServer({ ...request, alerts: served })
    if (isTold) await center.reportChannels().catch((error: Error) => tell(error.message))
    const stop = keepAlerting({
      center,
      channels: opened.channels.map(({ name }) => name),
      isEmpty,
      heartbeat: heartbeat && { to: heartbeat, everyMs: parseDuration(alerts.heartbeat.every) },
      now: parts.world.now,
      onTrouble: tell,
      onBeat: (atMs) => {
        lastBeatMs = atMs
      },
      pause: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
    })
    return {
      ...server,
      close: async () => {
        // Decisions do not wait for a receiver that hangs.
        await server.close().finally(stop)
      },
    }
  }

const heartbeatOf = (
  broken: string | undefined,
  lastMs: () => number,
): NonNullable<ServedAlerts['heartbeat']> => ({ lastMs, ...(broken !== undefined && { broken }) })
