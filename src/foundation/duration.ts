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

/** JSON Schema pattern of a duration, for settings: the same text that `parseDuration` reads. */
export const DURATION_PATTERN = '^\\d+(d|h|m|s|ms)$'

const DURATION = new RegExp(DURATION_PATTERN)

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
