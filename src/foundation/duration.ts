import { VigiaError } from '../errors.ts'
import { DAY_MS } from './days.ts'

/** Units of a duration, largest first, in milliseconds. */
const UNITS = [
  ['d', DAY_MS],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

const UNIT_MS: ReadonlyMap<string, number> = new Map(UNITS)

/** Longer ones are no safe number of milliseconds. */
const SHORT_ENOUGH = '(\\d{1,7}d|\\d{1,9}(h|m|s|ms))'

/** JSON Schema pattern of a duration, for settings; `parseDuration` reads what matches. */
export const DURATION_PATTERN = `^${SHORT_ENOUGH}$`

/** The same, or for ever. */
export const KEEP_PATTERN = `^(forever|${SHORT_ENOUGH})$`

/** The same, or never. */
export const FORGET_PATTERN = `^(never|${SHORT_ENOUGH})$`

/** The same above zero: nothing is in a window of no length. */
export const WINDOW_PATTERN = `^(?!0+[a-z])${SHORT_ENOUGH}$`

const DURATION = /^\d+(d|h|m|s|ms)$/

/**
 * Milliseconds of a duration written as a whole number and one unit: `7d`, `1h`, `30m`, `90s`, `250ms`; `0s`
 * is zero.
 *
 * A day is 24 hours whatever the calendar says, so a window has the same length on every date.
 *
 * @throws DURATION_INVALID for any other text, and when the result is no safe integer
 */
export const parseDuration = (text: string): number => {
  const unit = DURATION.exec(text)?.[1] ?? ''
  const milliseconds = Number.parseInt(text, 10) * (UNIT_MS.get(unit) ?? Number.NaN)
  if (!Number.isSafeInteger(milliseconds)) throw new VigiaError('DURATION_INVALID', { got: text })
  return milliseconds
}

/**
 * The shortest text that `parseDuration` reads as `milliseconds`: the largest unit that divides it.
 *
 * @throws DURATION_INVALID when `milliseconds` is negative or no safe integer
 */
export const formatDuration = (milliseconds: number): string => {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0) {
    throw new VigiaError('DURATION_INVALID', { got: `${milliseconds} ms` })
  }
  if (milliseconds === 0) return '0s'
  const [unit, length] = UNITS.find(([, unitMs]) => milliseconds % unitMs === 0) ?? ['ms', 1]
  return `${milliseconds / length}${unit}`
}
