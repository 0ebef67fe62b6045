import { setTimeout as wait } from 'node:timers/promises'
import type { Heartbeat } from '../adapters/alerts/heartbeat.ts'
import type { AlertCenter } from '../alerts/alert-center.ts'
import { isFiring } from '../alerts/alert-state.ts'
import type { ServeTools } from '../cli/commands/serve.ts'
import { parseDuration } from '../foundation/duration.ts'
import type { AlertParts } from './open-alerts.ts'

/** What keeps alerts going in a process that runs. */
export interface AlertLoop {
  readonly center: AlertCenter
  /** Absent where nobody outside listens for signs of life. */
  readonly heartbeat?: { readonly to: Heartbeat; readonly everyMs: number } | undefined
  readonly now: () => number
  /** Told of what went wrong; the loop goes on. */
  readonly onTrouble: (reason: string) => void
  /** Waits for the next turn; ends early when the signal is aborted. */
  readonly pause: (signal: AbortSignal) => Promise<void>
}

/** How often something may be due: a message is sent at most so late. */
const TURN_MS = 5_000

/**
 * Sends what is due, turn by turn: reminders, ends of silences, looks that did not come, messages that are
 * tried again, and signs of life.
 *
 * @returns ends it when the turn under way is done
 */
export const keepAlerting = ({
  center,
  heartbeat,
  now,
  onTrouble,
  pause,
}: AlertLoop): (() => Promise<void>) => {
  const stopping = new AbortController()
  let nextBeatMs = Number.NEGATIVE_INFINITY
  let lastTrouble = ''
  const turn = async (): Promise<void> => {
    await center.passTime()
    await center.deliver()
    await center.refresh()
    const atMs = now()
    if (heartbeat === undefined || atMs < nextBeatMs) return
    nextBeatMs = atMs + heartbeat.everyMs
    const { states, outbox } = await center.book()
    const firing = [...states.values()].filter(isFiring).length
    const delivery = await heartbeat.to.beat({ firing, waiting: outbox.size, atMs })
    if (delivery.kind !== 'delivered') throw new Error(delivery.reason)
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // The same trouble in each turn is told once, until a turn went well.
      const trouble = await turn().then(
        () => '',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      )
      if (trouble !== '' && trouble !== lastTrouble) onTrouble(trouble)
      lastTrouble = trouble
      await pause(stopping.signal)
    }
  }
  const running = run()
  return async () => {
    stopping.abort()
    await running
    await center.close()
  }
}

/**
 * A server that sends alerts beside its decisions, where channels or a watcher outside are configured. What
 * their secrets lack is said before anything is opened.
 */
export const withAlerts =
  (startServer: ServeTools['startServer'], parts: AlertParts): ServeTools['startServer'] =>
  async (request) => {
    const { alerts } = request.settings
    const { secret_variable, secret_file } = alerts.heartbeat
    const isWatched = secret_variable !== undefined || secret_file !== undefined
    if (Object.keys(alerts.channels).length === 0 && !isWatched) return startServer(request)
    // Loaded where it is used: most servers start without.
    const { alertsOpener, openHeartbeat } = await import('./open-alerts.ts')
    const to = await openHeartbeat(alerts, request.environment)
    const { center } = await alertsOpener(parts)(alerts, request.environment)
    const server = await startServer(request)
    const stop = keepAlerting({
      center,
      heartbeat: to && { to, everyMs: parseDuration(alerts.heartbeat.every) },
      now: parts.world.now,
      onTrouble: (reason) => request.onNotice(`alerts: ${reason}`),
      pause: (signal) => wait(TURN_MS, undefined, { signal }).catch(() => undefined),
    })
    return {
      ...server,
      close: async () => {
        // Decisions do not wait for a receiver that hangs.
        await server.close().finally(stop)
      },
    }
  }
