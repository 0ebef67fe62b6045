import { exp } from '../foundation/elementary/exponential.ts'
import { log } from '../foundation/elementary/logarithm.ts'
import { type DataFault, findingOf } from './data-fault.ts'
import { limitOf, medianOf, spreadOf } from './spread.ts'
import type { WindowSummary } from './window-summary.ts'

const DAY_MS = 86_400_000
const HOURS = 24

/** Days whose level the expectation follows: a bank grows. */
const RECENT_DAYS = 14

/** A day's volume is a fault from half more, or a third less: ln 1.5. */
const LEAST_CHANGE = 0.405

/** One series, not one for each field: its limit may be nearer. */
const DAY_DEVIATIONS = 4

/** An hour is silent below this share of what is expected; so many rows must be missing together. */
const SILENT = 0.1
const LEAST_EXPECTED = 60

/** Distance of hour profiles that a shift must take away, and the share of it that may be left. */
const LEAST_GAIN = 0.02
const LEFT = 0.6

/**
 * Rows of the day and its hours against those of the same weekday: a drop or surge of the day, hours that
 * fell silent, and a day that fits the usual one only when it is moved by whole hours.
 */
export const volumeFaults = (history: readonly WindowSummary[], today: WindowSummary): DataFault[] => {
  const clock = shiftedClock(history, today)
  const day = dayVolume(history, today)
  // A moved clock leaves other hours empty, and a day that is short has few rows everywhere.
  return [...clock, ...day, ...(clock.length > 0 ? [] : silentHours(history, today))]
}

const dayVolume = (history: readonly WindowSummary[], today: WindowSummary): DataFault[] => {
  const shifts = history.map((day) => log((day.rows + 1) / (expectedRows(history, day, day) + 1)))
  const spread = spreadOf(shifts)
  const expected = expectedRows(history, today)
  const shift = log((today.rows + 1) / (expected + 1))
  const side = shift > 0 ? 'above' : 'below'
  const limit = limitOf(spread, 1 / Math.sqrt(expected + 1), LEAST_CHANGE, side, DAY_DEVIATIONS)
  if (Math.abs(shift) <= limit) return []
  const kind = shift > 0 ? 'volume_surge' : 'volume_drop'
  const limitRows = expected * exp(shift > 0 ? limit : -limit)
  return [findingOf(kind, null, exp(shift), { rows: today.rows, expected, limit: limitRows })]
}

const silentHours = (history: readonly WindowSummary[], today: WindowSummary): DataFault[] => {
  const expected = expectedRows(history, today)
  const usual = hourShares(history, today)
  // The least that any day of the history had of an hour's share: an hour that is often empty is not silent.
  const least = (hour: number): number =>
    Math.min(...history.map((day) => (day.rows === 0 ? 0 : day.rowsByHour[hour]! / day.rows / usual[hour]!)))
  const silent = Array.from({ length: HOURS }, (_, hour) => hour).filter(
    (hour) =>
      usual[hour]! > 0 &&
      today.rowsByHour[hour]! < SILENT * expected * usual[hour]! &&
      least(hour) > 2 * SILENT,
  )
  const missed = silent.reduce((sum, hour) => sum + expected * usual[hour]!, 0)
  if (missed < LEAST_EXPECTED) return []
  const rows = silent.reduce((sum, hour) => sum + today.rowsByHour[hour]!, 0)
  return [
    findingOf('silent_hours', null, silent.length, { hours: silent.join(', '), rows, expected: missed }),
  ]
}

const shiftedClock = (history: readonly WindowSummary[], today: WindowSummary): DataFault[] => {
  if (today.rows < LEAST_EXPECTED) return []
  const gains = history.map((day) => bestShift(sharesOf(day), hourShares(history, day, day)).gain)
  const spread = spreadOf(gains)
  const { shift, gain, left } = bestShift(sharesOf(today), hourShares(history, today))
  if (gain - spread.middle <= limitOf(spread, 0, LEAST_GAIN) || gain <= LEAST_GAIN) return []
  if (left > LEFT * (gain + left)) return []
  return [
    findingOf('shifted_clock', null, shift, { distance: gain + left, distanceMoved: left, hours: shift }),
  ]
}

/** The whole hours by which a profile is moved to be nearest to the usual one, and what that gains. */
const bestShift = (
  shares: readonly number[],
  usual: readonly number[],
): { readonly shift: number; readonly gain: number; readonly left: number } => {
  const distanceAt = (shift: number): number =>
    usual.reduce((sum, share, hour) => sum + Math.abs(shares[(hour + shift + HOURS) % HOURS]! - share), 0) / 2
  const still = distanceAt(0)
  let [shift, left] = [1, Number.POSITIVE_INFINITY]
  for (let hours = -11; hours <= 12; hours++) {
    if (hours === 0 || distanceAt(hours) >= left) continue
    shift = hours
    left = distanceAt(hours)
  }
  return { shift, left, gain: still - left }
}

const weekdayOf = ({ startMs }: WindowSummary): number => ((Math.floor(startMs / DAY_MS) % 7) + 7) % 7

/** Days of the history of the day's weekday, without `except`; all of them where fewer than three. */
const alike = (history: readonly WindowSummary[], day: WindowSummary, except?: WindowSummary) => {
  const others = history.filter((other) => other !== except)
  const same = others.filter((other) => weekdayOf(other) === weekdayOf(day))
  return same.length < 3 ? others : same
}

/**
 * Rows that a day of its weekday is expected to have: the weekday's usual share of the level about it, times
 * the level of the last two weeks before it.
 */
const expectedRows = (
  history: readonly WindowSummary[],
  day: WindowSummary,
  except?: WindowSummary,
): number => {
  const level = medianOf(
    nearest(history, day)
      .filter((other) => other !== except)
      .map(({ rows }) => rows),
  )
  const factors = alike(history, day, except).map(
    (other) => other.rows / medianOf(nearest(history, other).map(({ rows }) => rows)),
  )
  return level * medianOf(factors)
}

const nearest = (history: readonly WindowSummary[], day: WindowSummary): readonly WindowSummary[] =>
  history
    .toSorted((a, b) => Math.abs(a.startMs - day.startMs) - Math.abs(b.startMs - day.startMs))
    .slice(0, RECENT_DAYS)

const sharesOf = ({ rows, rowsByHour }: WindowSummary): readonly number[] =>
  rowsByHour.map((count) => count / Math.max(1, rows))

/** The usual share of each hour on a day's weekday. */
const hourShares = (
  history: readonly WindowSummary[],
  day: WindowSummary,
  except?: WindowSummary,
): readonly number[] => {
  const shares = alike(history, day, except).map(sharesOf)
  return Array.from({ length: HOURS }, (_, hour) => medianOf(shares.map((of) => of[hour]!)))
}
