import { DAY_MS } from '../foundation/days.ts'
import { type FieldProblem, shown } from './request-problem.ts'

/** How far the time of a transaction may be from the clock of the server that is told of it. */
export interface EventTimeBounds {
  /** Furthest ahead of the clock, in milliseconds; beyond it the transaction is refused. */
  readonly maxFutureMs: number
  /** Furthest behind the clock, in milliseconds; beyond it the transaction moves no state. */
  readonly maxAgeMs: number
}

/** No clock says what is true: for transactions of the past that are driven through a service. */
export const ANY_EVENT_TIME: EventTimeBounds = {
  maxFutureMs: Number.POSITIVE_INFINITY,
  maxAgeMs: Number.POSITIVE_INFINITY,
}

/** Whether a time lies so far in the past that no state should follow it. */
export const isTooOld = (eventTimeMs: number, nowMs: number, { maxAgeMs }: EventTimeBounds): boolean =>
  eventTimeMs < nowMs - maxAgeMs

/** Why a time cannot be true: it lies in the future, or is seconds where milliseconds are meant. */
export type EventTimeRefusal = 'future' | 'seconds'

/**
 * Why a time cannot be true; undefined when it can.
 *
 * A time that is taken as true moves what its user, merchant and device have seen last, so one that lies in
 * the future would blind their states to all that comes until then. Epoch seconds read as milliseconds lie
 * in January 1970.
 *
 * @param nowMs the clock of the server, epoch milliseconds
 */
export const eventTimeProblem = (
  eventTimeMs: number,
  nowMs: number,
  bounds: EventTimeBounds,
): { readonly reason: EventTimeRefusal; readonly problem: FieldProblem } | undefined => {
  const latestMs = nowMs + bounds.maxFutureMs
  if (eventTimeMs > latestMs)
    return {
      reason: 'future',
      problem: {
        field: 'timestamp',
        what: `is ${aheadText(eventTimeMs - nowMs)} ahead of the clock of the server, ${isoText(nowMs)}`,
        allowed: `at most ${spanText(bounds.maxFutureMs)} ahead (event_time.max_future), so until ${isoText(latestMs)}; a number is in milliseconds since 1970`,
        got: gotText(eventTimeMs),
      },
    }
  const asSecondsMs = eventTimeMs * 1000
  const looksLikeSeconds =
    isTooOld(eventTimeMs, nowMs, bounds) && asSecondsMs <= latestMs && !isTooOld(asSecondsMs, nowMs, bounds)
  if (!looksLikeSeconds) return undefined
  return { reason: 'seconds', problem: secondsProblem('timestamp', eventTimeMs, gotText(eventTimeMs)) }
}

/** Instants that a bank has, in seconds since 1970: 1990 to 2099. */
export const FIRST_SECOND = 631_152_000
export const LAST_SECOND = 4_102_444_799

/**
 * The problem of seconds with a fraction, as a number or its text: they are no milliseconds, whatever the
 * clock says. Undefined for any other value.
 */
export const fractionalSecondsProblem = (field: string, value: unknown): FieldProblem | undefined => {
  const seconds = typeof value === 'string' && WITH_FRACTION.test(value.trim()) ? Number(value) : value
  const isOfABank = typeof seconds === 'number' && seconds >= FIRST_SECOND && seconds <= LAST_SECOND
  return isOfABank ? secondsProblem(field, seconds, shown(value)) : undefined
}

const WITH_FRACTION = /^\d{9,10}\.\d+$/

const secondsProblem = (field: string, seconds: number, got: string): FieldProblem => ({
  field,
  what: `${IN_SECONDS}, which would be ${isoText(Math.round(seconds * 1000))}`,
  allowed: 'milliseconds since 1970, or ISO 8601 with a zone',
  got,
})

const IN_SECONDS = 'looks like seconds since 1970'

/** Whether a problem is that of a time in seconds. */
export const isInSeconds = ({ what }: FieldProblem): boolean => what.startsWith(IN_SECONDS)

const HOUR_MS = DAY_MS / 24

const isoText = (ms: number): string => new Date(ms).toISOString()

const gotText = (ms: number): string => `${ms}, in milliseconds since 1970: ${isoText(ms)}`

/** Rounded up, in hours below two days: what is beyond a bound of a day never reads as a day. */
const aheadText = (ms: number): string =>
  ms >= 2 * DAY_MS || ms < DAY_MS ? spanText(ms) : `${Math.ceil((ms / HOUR_MS) * 10) / 10} hours`

/** Days, or seconds below a day. */
const spanText = (ms: number): string =>
  ms >= DAY_MS ? countText(ms / DAY_MS, 'day') : countText(ms / 1000, 'second')

const countText = (count: number, unit: string): string => {
  const rounded = Math.round(count * 10) / 10
  return `${rounded} ${unit}${rounded === 1 ? '' : 's'}`
}
