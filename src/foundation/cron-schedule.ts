import { Cron } from 'croner'
import { VigiaError } from '../errors.ts'
import { isTimeZone } from './time-zone.ts'

/** The times that a cron expression names in a time zone. */
export interface CronSchedule {
  readonly expression: string
  readonly timeZone: string
  /** The first of them after `afterMs`; undefined: none comes. Epoch milliseconds, as all times here. */
  next(afterMs: number): number | undefined
  /** The latest of them at `atMs` or before; undefined: there was none. */
  latest(atMs: number): number | undefined
}

/**
 * Reads a cron expression: five fields, or six with seconds first, and the names `@hourly`, `@daily`,
 * `@weekly`, `@monthly` and `@yearly`. `L`, `W` and `#` are as Quartz has them (`0 0 L * *`: the last day of
 * the month). Of a day of the month and a weekday that are both given, either is enough, as in Vixie cron.
 *
 * Daylight saving, as in Vixie cron. Where hours, minutes and seconds are plain numbers or lists of them, a
 * time that the clock leaves out comes at the first moment after the gap, and one that it has twice comes the
 * first time. With a star or a step nothing is made up for, and both hours of a doubled one count.
 *
 * @throws SCHEDULE_INVALID
 */
export const cronSchedule = (expression: string, timeZone: string): CronSchedule => {
  const invalid = (reason: string, cause?: unknown) =>
    new VigiaError('SCHEDULE_INVALID', { expression, timeZone, reason }, { cause })
  // croner takes an empty zone for that of the machine, and sees a wrong one when it is asked for a time.
  if (timeZone === '' || !isTimeZone(timeZone)) throw invalid(`"${timeZone}" is no time zone of this runtime`)
  // It takes one moment for an expression too.
  if (expression.includes(':')) throw invalid('it is a moment: allowed are five or six fields')
  let cron: Cron
  try {
    cron = new Cron(expression, {
      timezone: timeZone,
      mode: '5-or-6-parts',
      // Else a list of hours is an interval, and `30 2,14 * * *` leaves out a run on the day of the gap.
      fixedTimeRule: 'no-wildcard',
    })
  } catch (error) {
    throw invalid((error as Error).message.replace(/^Cron\w*: /, ''), error)
  }
  const next = (afterMs: number) => cron.nextRun(new Date(afterMs))?.getTime()
  if (next(A_LEAP_YEAR_BEGINS) === undefined) throw invalid('it names no day that ever comes')
  return {
    expression,
    timeZone,
    next,
    // What it calls previous is before the moment that it is given.
    latest: (atMs) => cron.previousRuns(1, new Date(atMs + 1))[0]?.getTime(),
  }
}

/** From here on every day of the calendar comes within a year. */
const A_LEAP_YEAR_BEGINS = Date.UTC(2028, 0, 1)

/** Times that are looked at for the longest pause: a month of each hour, years of each month. */
const MOST_TIMES = 1000

/**
 * The longest pause between two times of a schedule, of those that come next, in milliseconds: how long
 * nothing is amiss although nothing happens.
 */
export const longestPauseMs = (schedule: CronSchedule, fromMs: number): number => {
  let longest = 0
  let last = schedule.next(fromMs)
  for (let n = 0; n < MOST_TIMES && last !== undefined && (n === 0 || last < fromMs + YEAR_MS); n++) {
    const next = schedule.next(last)
    if (next === undefined) return Math.max(longest, YEAR_MS)
    longest = Math.max(longest, next - last)
    last = next
  }
  return longest
}

const YEAR_MS = 366 * 86_400_000
