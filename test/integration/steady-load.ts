import { setTimeout as pause } from 'node:timers/promises'
import { smallTransaction } from './small-service.ts'
import type { VigiaServer } from './vigia-server.ts'

/** Settings by which nothing is turned away, however slow the machine is. */
export const ANY_SPEED = ['limits.requests_per_minute=0', 'limits.event_loop_delay=0s']

/** The answer to a POST, whatever its status. */
export const ask = async ({ port }: VigiaServer, path: string, body: object): Promise<unknown> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return response.json()
}

/**
 * Between two decisions of a connection, milliseconds. Without it a command that takes seconds is beside tens
 * of thousands of requests, which are then compared one by one.
 */
export const BETWEEN_REQUESTS_MS = 20

/** Asks over eight connections, one decision after the other on each, with labels between. */
export const startLoad = (server: VigiaServer, from: number) => {
  let isEnded = false
  let next = from
  let sent = 0
  let decided = 0
  let longest = 0
  const failed: string[] = []
  let reached = (): void => undefined
  const request = async (path: string, body: object): Promise<void> => {
    const startedMs = performance.now()
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).catch((error: unknown) => String(error))
    if (typeof response === 'string') failed.push(response)
    else if (response.status !== 200) failed.push(`${response.status} ${await response.text()}`)
    else await response.text()
    longest = Math.max(longest, performance.now() - startedMs)
    sent++
    reached()
  }
  const connection = async (): Promise<void> => {
    while (!isEnded) {
      const n = next++
      await request('/predict', smallTransaction(n))
      decided++
      if (n % 5 === 0) await request('/feedback', { transaction_id: `small-${n}`, is_fraud: n % 3 === 0 })
      await pause(BETWEEN_REQUESTS_MS)
    }
  }
  const running = Promise.all(Array.from({ length: 8 }, connection))
  return {
    sent: () => sent,
    /** Resolves when so many were answered. */
    atLeast: (count: number) =>
      new Promise<void>((resolve) => {
        reached = () => {
          if (sent >= count) resolve()
        }
        reached()
      }),
    decided: () => decided,
    failed: () => failed,
    longestMs: () => longest,
    stop: async () => {
      isEnded = true
      await running
    },
  }
}
