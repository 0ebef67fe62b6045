import { VigiaError } from '../errors.ts'
import { DAY_MS } from '../foundation/days.ts'
import { DURATION_PATTERN, parseDuration } from '../foundation/duration.ts'

/** What is silent for longer was forgotten. */
const LONGEST_MS = 366 * DAY_MS

/** When a silence is, and why. */
export interface SilenceTimes {
  /** Absent: now. */
  readonly fromMs?: number
  readonly untilMs: number
  readonly reason: string
}

/** @throws ALERT_SILENCE_INVALID */
export const assertSilenceTimes = (key: string, times: SilenceTimes, nowMs: number): void => {
  const { fromMs = nowMs, untilMs, reason } = times
  const problem = problemOf(Math.max(fromMs, nowMs), untilMs, nowMs, reason)
  if (problem !== undefined) throw new VigiaError('ALERT_SILENCE_INVALID', { key, reason: problem })
}

// Compared so that NaN is refused, too.
const problemOf = (fromMs: number, untilMs: number, nowMs: number, reason: string): string | undefined => {
  if (!(fromMs <= nowMs + LONGEST_MS)) return 'it would begin in more than a year'
  if (untilMs <= nowMs) return `it would end at ${isoOf(untilMs)}, which has passed`
  if (untilMs <= fromMs) return `it would end at ${isoOf(untilMs)}, before it begins at ${isoOf(fromMs)}`
  if (!(untilMs <= fromMs + LONGEST_MS)) return 'it would last longer than a year'
  return reason.trim() === '' ? 'it has no reason' : undefined
}

/** What `readMoment` reads, for people. */
export const MOMENT_TEXT = 'a duration such as 8h, or a time with its zone such as 2026-12-01T08:00:00Z'

/** `8h`: so long after `fromMs`; or a time with its zone. @returns NaN for any other text */
export const readMoment = (text: string, fromMs: number): number => {
  if (DURATION.test(text)) return fromMs + parseDuration(text)
  return /(Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
}

const DURATION = new RegExp(DURATION_PATTERN)

export const isoOf = (ms: number): string => new Date(ms).toISOString()
