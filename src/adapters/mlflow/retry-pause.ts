import { powerOfTwo } from '../../foundation/elementary/whole-powers.ts'
/** Waits as many milliseconds. Handed in, so that tests do not wait. */
export type Pause = (ms: number) => Promise<void>

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000

/**
 * How long to wait before a request is sent again: half a second, doubled with every attempt, at most 30
 * seconds; of that a random half to whole, so that clients that failed together do not come back together.
 * What the server asks for in Retry-After is waited in full, up to the same 30 seconds.
 *
 * @param attempt 0 before the first repetition
 * @param random from [0, 1)
 */
export const retryPauseMs = (attempt: number, random: number, retryAfterMs = 0): number => {
  const grown = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * powerOfTwo(attempt))
  return Math.max(Math.min(retryAfterMs, LONGEST_PAUSE_MS), grown * (0.5 + random / 2))
}

/**
 * The header Retry-After in milliseconds: whole seconds, or a date (RFC 9110, 10.2.3). 0 when absent or
 * unreadable.
 */
export const retryAfterMs = (header: string | null, nowMs: number): number => {
  if (header === null) return 0
  if (/^\d+$/.test(header)) return Number(header) * 1000
  const dateMs = Date.parse(header)
  return Number.isNaN(dateMs) ? 0 : Math.max(0, dateMs - nowMs)
}
